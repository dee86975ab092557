import threading

import numpy as np
import pytest

from core.errors import ExplanationError
from core.explain import cam_worker
from core.explain.reference_cams import class_activation_map
from core.models.catalogue import read_catalogue
from core.system import worker_process
from core.system.subprocesses import own_command


@pytest.fixture(scope="module")
def student():
    yield read_catalogue().find("chest-xray", "student")
    cam_worker.worker.stop()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)


def test_the_map_is_the_one_that_is_made_here(student, image):
    found = cam_worker.explain("Grad-CAM", student, image, 1)
    expected = class_activation_map("Grad-CAM", student.card.network, student.load_network(), image, 1)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-3)
    described = (found.class_index, found.layer, found.method, found.maps_scored, found.maps_total)
    assert described == (1, expected.layer, "Grad-CAM", 1, 1152)


def test_what_is_wrong_is_said_and_the_process_goes_on(student, image):
    with pytest.raises(ExplanationError, match="There is no method 'CAM'"):
        cam_worker.explain("CAM", student, image, 0)
    with pytest.raises(ExplanationError, match=r"Grad-CAM failed.*Choose another method"):
        cam_worker.explain("Grad-CAM", student, image[:, :1], 0)
    assert cam_worker.worker.running


def test_what_nobody_waits_for_any_more_is_given_up_and_the_next_map_is_made(student, image):
    with pytest.raises(ExplanationError, match="ended"):
        cam_worker.explain("Ablation-CAM", student, image, 0, unwanted=lambda: True)
    assert not cam_worker.worker.running
    assert cam_worker.explain("Grad-CAM", student, image, 0).method == "Grad-CAM"


def test_stopping_lets_go_of_whoever_waits(student, image):
    cam_worker.worker.stop()
    raised = []
    waiting = threading.Thread(target=_ask_for_a_slow_map, args=(student, image, raised))
    waiting.start()
    while not cam_worker.worker.running and waiting.is_alive():
        waiting.join(0.01)
    cam_worker.worker.stop()
    waiting.join(60)
    assert len(raised) == 1
    assert not cam_worker.worker.running


def test_stopping_lets_go_of_whoever_is_only_starting_the_process(student, image, monkeypatch):
    cam_worker.worker.stop()
    stopping = threading.Thread(target=cam_worker.worker.stop)

    def command_while_another_thread_stops(*arguments):
        stopping.start()
        return own_command(*arguments)

    monkeypatch.setattr(worker_process, "own_command", command_while_another_thread_stops)
    raised = []
    _ask_for_a_slow_map(student, image, raised)
    assert len(raised) == 1
    stopping.join(60)
    assert not cam_worker.worker.running


def _ask_for_a_slow_map(student, image, raised):
    try:
        cam_worker.explain("Ablation-CAM", student, image, 0)
    except ExplanationError as error:
        raised.append(str(error))
