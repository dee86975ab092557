"""The comparison saved as a picture: what is on it, and under which name and in which format it is written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog, QMessageBox
from task_samples import CHEST_XRAY

from core import NOTICE
from core.explain import rendering
from core.explain.overlays import shown
from core.uncertainty.novelty import Novelty
from gui.common.notifications import Banner, Notifications
from gui.common.threads import Background
from gui.comparison.saved_picture import LONGEST, _Sheet, composed
from gui.comparison.view import ComparisonView
from gui.engine.image_pyramid import ScreenPicture
from gui.export.quick import Exports, save_picture
from tests.gui.comparison_samples import LEFT, RIGHT, disagreeing, dispose, picture

PIXELS = np.tile(np.arange(256, dtype=np.uint8), (300, 1))


@pytest.fixture
def view(qapp):
    made = ComparisonView()
    found = disagreeing()
    made.set_models(CHEST_XRAY, found.teacher.bundle, found.student.bundle)
    made.show_picture(ScreenPicture(picture(PIXELS)))
    yield made
    dispose(made)


def drawn(view, monkeypatch):
    """Returns the sheet as an array and the words on it."""
    words, original = [], _Sheet.words

    def write(sheet, text, **how):
        words.append(text)
        original(sheet, text, **how)

    monkeypatch.setattr(_Sheet, "words", write)
    sheet = composed(view.on_screen())
    rows = np.frombuffer(sheet.constBits(), np.uint8).reshape(sheet.height(), sheet.bytesPerLine())
    return rows[:, : 3 * sheet.width()].reshape(sheet.height(), sheet.width(), 3).copy(), words


def holds(sheet, part):
    """Whether a sheet holds a picture, at any place."""
    height, width = part.shape[:2]
    first = np.flatnonzero((sheet[:, :, :] == part[0, 0]).all(axis=2))
    for y, x in zip(*np.unravel_index(first, sheet.shape[:2]), strict=True):
        if np.array_equal(sheet[y : y + height, x : x + width], part):
            return True
    return False


def test_image_maps_names_answers_and_notice_are_on_the_picture(view, monkeypatch):
    view.show_comparison(disagreeing(), refining=False)
    view.controls.colour_maps.setCurrentText("Cividis")
    view.controls.opacity.setValue(80)
    sheet, words = drawn(view, monkeypatch)
    image = shown(picture(PIXELS), None, LONGEST)
    for heat_map in (LEFT, RIGHT):
        assert holds(sheet, rendering.blended(image, rendering.coloured(heat_map.resized(300, 256), "cividis", 0.8)))
    assert holds(sheet, np.repeat(PIXELS[:, :, None], 3, axis=2))
    assert {"picture.png", "Teacher · VGG19", "Student · OFA-595", "COVID-19  97.0 %", "Non-COVID infection: 90.0 %",
            "Disagree: teacher Non-COVID infection, student COVID-19", f"⚠  {NOTICE}"} <= set(words)  # fmt: skip


def test_what_is_hidden_on_the_screen_is_not_on_the_picture(view, monkeypatch):
    found = disagreeing()
    strange = replace(found.student.prediction, novelty=Novelty(9.0, 5.0, "It looks like a photograph."))
    view.show_comparison(replace(found, student=replace(found.student, prediction=strange)), refining=False)
    _sheet, words = drawn(view, monkeypatch)
    assert "⚠ Not assessable: outside the training data." in words
    assert not any("disagree" in text.lower() or "97.0" in text for text in words)
    view.student.reveal_button.click()
    _sheet, words = drawn(view, monkeypatch)
    assert "COVID-19  97.0 %" in words
    assert any("outside the training data" in text for text in words)


def test_a_map_that_is_not_known_is_not_on_the_picture(view, monkeypatch):
    found = disagreeing()
    guess = replace(LEFT, method="clustered G=2", estimated_error=1.0)
    view.show_comparison(replace(found, teacher=replace(found.teacher, heat_map=guess)), refining=True)
    _sheet, words = drawn(view, monkeypatch)
    assert [text for text in words if text.startswith("Evidence for")] == ["Evidence for COVID-19: exact, 512 of 512"]


def test_without_answers_there_is_nothing_to_save(view):
    assert view.on_screen() is None


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.tiff", "TIFF")])
def test_the_name_says_the_format(tmp_path, view, name, kind):
    view.show_comparison(disagreeing(), refining=False)
    sheet = composed(view.on_screen())
    save_picture(tmp_path / name, sheet)
    with Image.open(tmp_path / name) as written:
        assert written.format == kind
        assert written.size == (sheet.width(), sheet.height())


def test_a_name_without_an_ending_gets_one_and_overwrites_nothing_unasked(tmp_path, view, qtbot, monkeypatch):
    view.show_comparison(disagreeing(), refining=False)
    banner, asked, offered = Banner(view), [], []
    exports = Exports(view, banner, Notifications(banner, view))
    answer = QMessageBox.StandardButton.No

    def choose(_parent, _title, name, kinds):
        offered.append(name)
        return str(tmp_path / "scan.1"), "TIFF (*.tif *.tiff)"

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    monkeypatch.setattr(QMessageBox, "question", lambda *words: asked.append(words[2]) or answer)
    target = tmp_path / "scan.1.tif"
    exports.picture(view.on_screen())
    qtbot.waitUntil(target.is_file)
    assert [Path(name).name for name in offered] == ["picture comparison.png"]
    assert asked == []
    target.write_bytes(b"mine")
    exports.picture(view.on_screen())
    assert asked == [f"{target} is there already. Replace it?"]
    assert target.read_bytes() == b"mine"
    answer = QMessageBox.StandardButton.Yes
    exports.picture(view.on_screen())
    qtbot.waitUntil(lambda: target.read_bytes() != b"mine")
    qtbot.waitUntil(lambda: str(target) in banner.words.text())
    assert all(job.wait(10_000) for job in exports.findChildren(Background))  # the thread ends after its words
