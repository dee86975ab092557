"""Performance over the worklist of a real window: what counts, and a cell's images in the worklist."""

import csv
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QFileDialog

from core.performance.observations import UNKNOWN
from core.records.review import Review
from gui.performance.gather import Analysed, observations
from gui.performance.window import PerformanceWindow
from tests.gui.driving import PATIENCE, settled


@pytest.fixture
def disagreeing(window):
    """A window with two analysed images, on the second of which the student says another class than the teacher."""
    second = window.worklist.entries()[1]
    record = second.file_result.record
    own = {window.worklist.entries()[0].file_result.record.student.predicted, record.teacher.predicted}
    other = next(name for name in record.student.probabilities if name not in own)
    shares = dict.fromkeys(record.student.probabilities, 0.05) | {other: 0.9}
    student = replace(record.student, predicted=other, probabilities=shares)
    agreement = replace(record.agreement, same_class=False)
    changed = replace(record, student=student, agreement=agreement)
    second.result.file_result = replace(second.file_result, agree=False, record=changed)
    return window


def analysed(window):
    return [Analysed(one.path, one.file_result, one.review) for one in window.worklist.entries()]


def test_a_cell_of_the_matrix_leaves_its_images_in_the_worklist_until_the_button_is_clicked(disagreeing, qtbot):
    window = disagreeing
    window.commands.actions["scores"].trigger()
    qtbot.waitUntil(lambda: window.findChild(PerformanceWindow) is not None, timeout=PATIENCE)
    dialog = window.findChild(PerformanceWindow)
    (matrix,) = dialog.matrix.matrices
    classes, changed = window.worklist.entries()[1].task.class_ids, window.worklist.entries()[1].file_result.record
    row, column = (classes.index(one.predicted) for one in (changed.teacher, changed.student))
    second = window.worklist.entries()[1].path
    settled(window, qtbot, lambda: matrix.chosen.emit(row, column))
    assert [entry.path for entry in window.list.shown_entries()] == [second]
    assert window.controller.path == second
    assert window.list.bar.only.isVisible()
    assert window.list.bar.only.text() == f"✕ {matrix.words(row, column)}"
    window.list.bar.only.click()
    assert len(window.list.shown_entries()) == 2
    assert not window.list.bar.only.isVisible()


def test_disagreements_are_told_shown_and_exported_from_the_message(disagreeing, qtbot, tmp_path, monkeypatch):
    window, path = disagreeing, tmp_path / "out.csv"
    apart = [entry.path for entry in window.worklist.entries() if entry.file_result.disagree]
    counted = {1: "1 disagreement.", 2: "2 disagreements."}[len(apart)]
    window.performance.tell()
    button = window.banner.button
    qtbot.waitUntil(lambda: f"2 images analysed. {counted}" in window.banner.words.text(), timeout=PATIENCE)
    assert button.text() == "Show disagreements"
    button.click()
    assert [entry.path for entry in window.list.shown_entries()] == apart
    assert window.controller.path == apart[0]
    assert button.text() == "Export table…"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    button.click()
    qtbot.waitUntil(lambda: "Written" in window.banner.words.text(), timeout=PATIENCE)
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line and not line.startswith("#")]
    assert [row["path"] for row in csv.DictReader(lines)] == [str(one) for one in apart]


def test_labels_readings_and_groups_are_those_of_each_image(disagreeing, two):
    window = disagreeing
    first, second = window.worklist.entries()
    predicted = first.file_result.record.teacher.predicted
    window.worklist.set_review(first.path, Review(predicted))
    window.worklist.set_review(second.path, Review("other"))
    manifest = "path,label,sex,patient_id\na.png,Normal,F,1\nb.png,Fracture,F,2\n"
    (two[0].parent / "manifest.csv").write_text(manifest, encoding="utf-8")
    (found,) = observations(analysed(window))
    classes = found.task.class_ids
    assert found.label.tolist() == [classes.index("Normal"), UNKNOWN]
    assert found.reading.tolist() == [classes.index(predicted), UNKNOWN]  # another finding is no class of the task
    assert found.teacher[0, classes.index(predicted)] == found.teacher[0].max()
    assert dict(found.groups) == {}  # one value each
    (two[0].parent / "manifest.csv").write_text(manifest.replace("F,2", "M,2") + "c.png,Normal,M,3\n", encoding="utf-8")
    (found,) = observations([*analysed(window), *analysed(window)])
    assert dict(found.groups) == {"sex": ("F", "M", "F", "M")}


def test_withheld_predictions_do_not_count(disagreeing):
    window = disagreeing
    first = window.worklist.entries()[0]
    first.result.file_result = replace(first.file_result, student=replace(first.file_result.student, novel=True))
    (found,) = observations(analysed(window))
    assert (found.images, found.withheld) == (1, 1)
    second = window.worklist.entries()[1]
    second.result.file_result = replace(second.file_result, teacher=replace(second.file_result.teacher, novel=True))
    window.commands.actions["scores"].trigger()
    assert "None of the images that were analysed is assessable" in window.banner.words.text()
