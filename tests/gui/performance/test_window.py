"""The performance window, with figures that need no network."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from performance_samples import observed
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QLabel, QTabWidget
from sklearn.metrics import confusion_matrix
from task_samples import LUNG_COLON

from core.performance.figures import figures
from gui.performance.window import PerformanceWindow


@pytest.fixture
def shown(qtbot):
    """Returns a function that shows a window over observations."""

    def show(*found):
        window = PerformanceWindow([figures(one) for one in found])
        qtbot.addWidget(window)
        window.show()
        return window

    return show


def page(window, title):
    """Turns to a page."""
    names = [one.title for one in window.pages]
    window.tabs.setCurrentIndex(names.index(title))
    return window.pages[names.index(title)]


def said(window):
    return " ".join(label.text() for label in window.findChildren(QLabel) if label.isVisible())


def test_few_images_are_said_to_be_few_and_no_interval_is_nothing(shown):
    few = observed(images=8, seed=1)
    perfect = np.eye(3)[few.label] * 0.97 + 0.01
    window = shown(replace(few, teacher=perfect, student=perfect))
    page(window, "Scores")
    assert "Only 8 images in all: too few to compare models by." in said(window)
    rows = window.pages[0].texts()
    assert rows[1][:2] == ["Accuracy", "8"]
    assert rows[1][2].startswith("100.0 % (67.6")
    assert not any("(100.0" in cell or "(1.000" in cell for row in rows for cell in row)
    assert "too few" not in said(shown(observed(images=400)))


def test_the_scores_table_is_that_of_the_figures_and_changes_with_the_reference(shown):
    found = observed()
    window = shown(found)
    scores = page(window, "Scores")
    accuracy = found.scores("student", "label").accuracy
    assert scores.texts()[1] == ["Accuracy", "120", str(found.scores("teacher", "label").accuracy), str(accuracy)]
    assert window.reference_box.itemText(1) == "Against your readings (30 images)"
    window.reference_box.setCurrentIndex(1)
    assert scores.texts()[1][3] == str(found.scores("student", "reading").accuracy)
    assert "Not counted: 2 images that are not assessable" in said(window)


def test_a_cell_of_the_matrix_gives_its_images_by_mouse_and_by_key(shown, qtbot):
    found = observed()
    window = shown(found)
    confusion = page(window, "Confusion")
    matrix = confusion.matrices[1]
    assert matrix.raters == ("label", "student")
    expected = confusion_matrix(found.label, found.student.argmax(axis=1))
    row, column = next((i, j) for i in range(3) for j in range(3) if i != j and expected[i, j])
    middle = matrix.visualItemRect(matrix.item(row, column)).center()
    with qtbot.waitSignal(window.images_wanted) as clicked:
        qtbot.mouseClick(matrix.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    paths, words = clicked.args
    assert len(paths) == expected[row, column]
    names = [label.name for label in found.task.classes]
    assert words == f"Label {names[row]}, student {names[column]}"
    matrix.setCurrentCell(0, 0)
    with qtbot.waitSignal(window.images_wanted) as pressed:
        qtbot.keyClick(matrix, Qt.Key.Key_Return)
    assert len(pressed.args[0]) == expected[0, 0]


def test_each_page_is_copied_as_text_and_as_a_picture(shown):
    window = shown(observed())
    for one in window.pages:
        page(window, one.title)
        window.copy_text()
        lines = QGuiApplication.clipboard().text().splitlines()
        assert lines[0].split("\t") == one.texts()[0]
        assert len(lines) == len(one.texts()), one.title
        window.copy_picture()
        picture = QGuiApplication.clipboard().image()
        pixels = {picture.pixel(x, y) for x in range(0, picture.width(), 7) for y in range(0, picture.height(), 7)}
        assert len(pixels) > 3, one.title


def test_all_figures_and_a_page_are_written_where_the_person_wants_them(shown, monkeypatch, tmp_path):
    window = shown(observed())
    target = tmp_path / "all.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    window.export()
    with target.open(encoding="utf-8", newline="") as file:
        assert {row["reference"] for row in csv.DictReader(file)} >= {"label", "reading"}
    picture = tmp_path / "roc.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(picture), ""))
    page(window, "ROC")
    window.export()
    assert not QImage(str(picture)).isNull()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "none" / "x.png"), ""))
    window.export()
    assert str(tmp_path / "none") in window.words.text()


def test_without_labels_the_agreement_is_left_and_it_is_said_how_to_state_them(shown):
    window = shown(observed(labelled=0, read=0))
    tabs = window.findChild(QTabWidget)
    visible = [tabs.tabText(i) for i in range(tabs.count()) if tabs.isTabVisible(i)]
    assert visible == ["Agreement", "Confusion", "Groups"]
    assert "manifest.csv" in said(window)
    assert [matrix.raters for matrix in window.matrix.matrices] == [("teacher", "student")]


def test_each_task_has_its_own_figures(shown):
    window = shown(observed(), observed(task=LUNG_COLON, images=60))
    assert window.task_box.isVisible()
    window.task_box.setCurrentIndex(1)
    assert window.pages[0].texts()[1][1] == "60"
    assert window.matrix.matrices[0].rowCount() == len(LUNG_COLON.classes)


def test_diagrams_tell_a_screen_reader_their_figures(shown):
    window = shown(observed())
    page(window, "ROC")
    area = window.figures.scores["label", "teacher"].classes[0].roc.interval
    assert f"Teacher: AUROC {area.value:.3f}" in window.pages[3].plots.accessibleDescription()
    assert "Chance alone: below" in window.pages[4].plots.accessibleDescription()
