from dataclasses import replace

import numpy as np
import pytest

from core.compare.recent import Recent
from core.compare.session import Choice, ComparisonSession, Interrupted
from core.errors import ExplanationError, UsageError
from core.explain.heatmap import HeatMap
from core.runtimes.openvino_runtime import OpenVinoRuntime


@pytest.fixture
def forwards(monkeypatch):
    """The single images that were put through a network."""
    counted = []
    forward = OpenVinoRuntime.forward_with_maps
    monkeypatch.setattr(
        OpenVinoRuntime, "forward_with_maps", lambda runtime, batch: counted.append(runtime) or forward(runtime, batch)
    )
    return counted


def test_a_comparison_grows_from_predictions_to_the_students_map_to_the_teachers(session, chest_image):
    grown = list(session.compare(chest_image, Choice()))
    assert (grown[0].teacher.heat_map, grown[0].student.heat_map) == (None, None)
    assert grown[1].student.heat_map is not None
    assert grown[1].teacher.heat_map is None
    assert all(found.teacher.prediction is grown[0].teacher.prediction for found in grown)
    errors = [found.student.heat_map.estimated_error for found in grown if found.student.heat_map]
    assert errors[-1] < errors[0]
    maps = grown[-1].teacher.heat_map, grown[-1].student.heat_map
    assert {found.class_index for found in maps} == {grown[0].teacher.prediction.top}
    assert [found.values.shape for found in maps] == [(14, 14), (7, 7)]
    assert -1 <= grown[-1].cam_pearson <= 1
    assert 0 <= grown[-1].cam_iou20 <= 1


def test_each_network_can_be_explained_for_its_own_finding(session, chest_image):
    grown = session.compare(chest_image, Choice(), "each")
    found = next(growing for growing in grown if growing.teacher.heat_map is not None)
    for result in (found.teacher, found.student):
        assert result.heat_map.class_index == result.prediction.top
    other = (found.teacher.heat_map.class_index + 1) % 3
    apart = found.with_heat_map("student", replace(found.student.heat_map, class_index=other))
    assert (apart.cam_pearson, apart.cam_iou20) == (None, None)  # maps of two classes are not compared


def test_another_class_of_an_image_that_is_remembered_asks_no_network_again(session, chest_image, forwards):
    first = list(session.compare(chest_image, Choice(), 0, repeats=2, remember=True))[-1]
    assert len(forwards) == 4
    again = list(session.compare(chest_image, Choice(), 1, repeats=2, remember=True))
    assert len(forwards) == 4
    assert len(again) == 3  # the predictions and both finished maps
    assert again[-1].teacher.prediction is first.teacher.prediction
    assert again[-1].teacher.heat_map.class_index == again[-1].student.heat_map.class_index == 1
    next(session.compare(chest_image, Choice()))  # timed anew where it is not to be remembered
    assert len(forwards) == 6


def test_models_are_loaded_once_and_read_anew_when_forgotten(session, monkeypatch):
    loaded = []
    monkeypatch.setattr(session, "announce", loaded.append)
    before = session.models(Choice())
    assert session.models(Choice()).student is before.student
    assert loaded == []
    session.forget_models()
    assert session.models(Choice()).student is not before.student
    assert len(loaded) == 2


def test_an_image_is_opened_again_only_when_its_file_has_changed(session, tmp_path, chest_path):
    path = tmp_path / "a.dcm"
    path.write_bytes(chest_path.read_bytes())
    first = session.open(path)
    assert session.open(path) is first
    assert first.identity is None
    assert session.open(path, with_identity=True).identity is not None
    path.write_bytes(chest_path.with_name("RG3_UNCR.dcm").read_bytes())
    assert session.open(path).digest != first.digest


def test_work_that_is_no_longer_wanted_ends_between_two_maps_and_before_a_model_is_loaded(
    session, chest_image, monkeypatch
):
    asked = []
    monkeypatch.setattr(session, "is_stopping", lambda: bool(asked) or bool(asked.append(1)))
    with pytest.raises(Interrupted):
        session.finish(chest_image, Choice())
    with pytest.raises(Interrupted):
        ComparisonSession(is_stopping=lambda: True).models(Choice())


def test_another_method_explains_with_what_it_was_given(session, chest_image, monkeypatch):
    asked = []

    def explain(method, bundle, pixels, class_index, threads, _unwanted):
        asked.append((method, bundle.card.role, pixels.shape, class_index, threads))
        return HeatMap(np.ones((7, 7), np.float32), class_index, "layer", method, 1, 1, 0.0, 0.0)

    monkeypatch.setattr(session, "explain", explain)
    grown = list(session.compare(chest_image, Choice(cam="Grad-CAM"), 2))
    assert asked == [("Grad-CAM", role, (1, 3, 224, 224), 2, None) for role in ("student", "teacher")]
    assert [found.student.heat_map is not None for found in grown] == [False, True, True]
    with pytest.raises(UsageError, match="no method 'Grad-Cam'"):
        list(session.compare(chest_image, Choice(cam="Grad-Cam")))


def test_only_a_map_that_takes_minutes_is_given_up_for_another_image(session, chest_image, monkeypatch):
    def explain(_method, _bundle, _pixels, _class_index, _threads, unwanted):
        raise ExplanationError(f"unwanted: {unwanted()}")

    monkeypatch.setattr(session, "explain", explain)
    with pytest.raises(ExplanationError, match="unwanted: False"):
        list(session.compare(chest_image, Choice(cam="Grad-CAM"), is_outdated=lambda: True))
    with pytest.raises(Interrupted):
        list(session.compare(chest_image, Choice(cam="Ablation-CAM"), is_outdated=lambda: True))


def test_a_file_that_can_not_be_read_has_its_reason_in_its_record(session, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    found = session.examine(tmp_path / "broken.png", Choice())
    assert found.image is None
    assert found.comparison is None
    assert "damaged" in found.record.error


def test_the_least_recently_used_value_goes_first():
    made = []
    recent = Recent(2, size=len, most_bytes=5)
    for key in ("ab", "cd", "ab", "ef", "ab", "cd", "large"):
        recent.get(key, lambda key=key: made.append(key) or key)
    assert made == ["ab", "cd", "ef", "cd", "large"]
    assert "large" in recent
    assert "cd" not in recent  # both would take too much
