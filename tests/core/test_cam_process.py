import threading

import numpy as np
import pytest

from core import cam_process, helper_process
from core.cams import class_activation_map
from core.catalogue import read_catalogue
from core.errors import ExplanationError
from core.process import own_command


@pytest.fixture(scope="module")
def student():
    yield read_catalogue().find("chest-xray", "student")
    cam_process.helper.stop()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)


def test_the_map_is_the_one_that_is_made_here(student, image):
    found = cam_process.explain("Grad-CAM", student, image, 1)
    expected = class_activation_map("Grad-CAM", student.card.network, student.load_network(), image, 1)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-3)
    described = (found.class_index, found.layer, found.method, found.maps_scored, found.maps_total)
    assert described == (1, expected.layer, "Grad-CAM", 1, 1152)


def test_what_is_wrong_is_said_and_the_process_goes_on(student, image):
    with pytest.raises(ExplanationError, match="There is no method 'CAM'"):
        cam_process.explain("CAM", student, image, 0)
    with pytest.raises(ExplanationError, match=r"Grad-CAM failed.*Choose another method"):
        cam_process.explain("Grad-CAM", student, image[:, :1], 0)
    assert cam_process.helper.running


def test_what_nobody_waits_for_any_more_is_given_up_and_the_next_map_is_made(student, image):
    with pytest.raises(ExplanationError, match="ended"):
        cam_process.explain("Ablation-CAM", student, image, 0, unwanted=lambda: True)
    assert not cam_process.helper.running
    assert cam_process.explain("Grad-CAM", student, image, 0).method == "Grad-CAM"


def test_stopping_lets_go_of_whoever_waits(student, image):
    cam_process.helper.stop()
    raised = []
    waiting = threading.Thread(target=_ask_for_a_slow_map, args=(student, image, raised))
    waiting.start()
    while not cam_process.helper.running and waiting.is_alive():
        waiting.join(0.01)
    cam_process.helper.stop()
    waiting.join(60)
    assert len(raised) == 1
    assert not cam_process.helper.running


def test_stopping_lets_go_of_whoever_is_only_starting_the_process(student, image, monkeypatch):
    cam_process.helper.stop()
    stopping = threading.Thread(target=cam_process.helper.stop)

    def command_while_another_thread_stops(*arguments):
        stopping.start()
        return own_command(*arguments)

    monkeypatch.setattr(helper_process, "own_command", command_while_another_thread_stops)
    raised = []
    _ask_for_a_slow_map(student, image, raised)
    assert len(raised) == 1
    stopping.join(60)
    assert not cam_process.helper.running


def _ask_for_a_slow_map(student, image, raised):
    try:
        cam_process.explain("Ablation-CAM", student, image, 0)
    except ExplanationError as error:
        raised.append(str(error))
