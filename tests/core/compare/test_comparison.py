from dataclasses import replace

import numpy as np
import pytest

from core.compare.figures import as_dict
from core.compare.record import prediction_record
from core.compare.session import Choice, ComparisonSession
from core.errors import UsageError
from core.images.demo import demonstration_radiograph
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.uncertainty.calibration import jensen_shannon_divergence, softmax


@pytest.fixture(scope="module")
def student(session):
    return session.models(Choice()).student


@pytest.fixture(scope="module")
def chest():
    return read_image(demonstration_radiograph())


def last(session, image, cam):
    *_, found = session.compare(image, Choice(cam=cam))
    return found


def test_a_prediction_is_the_calibrated_softmax_of_the_networks_logits(session, student, chest):
    said = student.predict(chest, repeats=3)
    expected = student.bundle.load_network()
    import torch

    with torch.inference_mode():
        logits = expected(torch.from_numpy(preprocess(chest, student.bundle.card.preprocessing)))[0].numpy()
    np.testing.assert_allclose(said.logits, logits, atol=1e-3)
    np.testing.assert_allclose(said.probabilities, softmax(logits, student.bundle.card.temperature), atol=1e-3)
    assert said.predicted == said.class_ids[int(np.argmax(logits))]
    assert said.confidence == pytest.approx(said.probabilities.max())
    assert said.latency.runs == 3
    assert 0 < said.latency.forward_ms < said.latency.total_ms


def test_the_comparison_says_what_the_two_predictions_say(session, student, chest):
    found = last(session, chest, "none")
    p, q = found.teacher.prediction.probabilities, found.student.prediction.probabilities
    assert found.same_class == (p.argmax() == q.argmax())
    assert found.js_divergence == pytest.approx(jensen_shannon_divergence(p, q))
    assert found.size_ratio == pytest.approx(20_025_923 / 7_603_539)
    assert found.cam_pearson is None
    assert found.teacher.heat_map is None


@pytest.fixture(scope="module")
def with_itself(student, chest):
    """The student compared with itself."""
    return last(ComparisonSession(find=lambda *_asked: student.bundle), chest, "fast")


def test_a_heat_map_that_is_empty_is_said(with_itself):
    assert not any("empty" in notice for notice in with_itself.notices)
    values = np.zeros_like(with_itself.student.heat_map.values)
    empty = with_itself.with_heat_map("student", replace(with_itself.student.heat_map, values=values))
    assert "The student's heat map is empty: it shows no evidence for the class." in empty.notices
    assert with_itself.cam_iou20 is not None
    assert (empty.cam_pearson, empty.cam_iou20) == (None, None)  # there is nothing to lie over another map


def test_a_model_compared_with_itself_agrees_with_itself(with_itself):
    found = with_itself
    assert found.same_class
    assert found.js_divergence == pytest.approx(0, abs=1e-9)
    assert found.cam_pearson == pytest.approx(1)
    assert found.cam_iou20 == 1


def test_models_of_different_tasks_are_not_compared(session, student, chest):
    tasks = {"teacher": "chest-xray", "student": "lung-colon"}
    mixed = ComparisonSession(find=lambda catalogue, _task, role, _choice: catalogue.find(tasks[role], role))
    with pytest.raises(UsageError, match="do not have the same classes"):
        last(mixed, chest, "none")


def test_a_student_says_what_is_plausible_and_that_a_leg_is_no_chest(session, student, chest):
    said = student.predict(chest)
    floor = student.bundle.card.conformal.floor
    assert said.plausible == tuple(
        label for label, p in zip(said.class_ids, said.probabilities, strict=True) if p >= floor
    )
    assert not said.novelty.is_novel
    assert said.novelty.reason == ""
    leg = read_image(demonstration_radiograph().with_name("RG3_UNCR.dcm"))
    novelty = student.predict(leg).novelty
    assert novelty.is_novel
    assert "differs from that of the frontal chest radiographs" in novelty.reason
    found = as_dict(prediction_record(last(session, leg, "none").student))
    assert found["novel"] is True
    assert found["novelty"]["score"] > found["novelty"]["threshold"]
    assert isinstance(found["plausible"], list)
