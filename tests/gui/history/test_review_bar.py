"""The bar for the reading, without models."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from core.records.review import NOT_ASSESSABLE, OTHER, Review
from core.tasks import TASKS, ClassLabel, get_task
from gui.common import theme
from gui.history.review_bar import BUTTONS, ROOM, ReviewBar


@pytest.fixture
def bar(qtbot, qapp):
    theme.apply(qapp, "dark")
    made = ReviewBar()
    qtbot.addWidget(made)
    made.show()
    made.setFixedWidth(ROOM)
    made.set_task(get_task("chest-xray"))
    made.show_review(Review())
    return made


def checked(bar):
    return [key for key, button in bar.buttons.items() if button.isChecked()]


def test_each_class_of_the_task_has_a_button_and_a_key(bar, qtbot):
    assert list(bar.buttons) == ["COVID-19", "Non-COVID", "Normal", OTHER, NOT_ASSESSABLE]
    assert bar.buttons["Non-COVID"].accessibleName() == "Your reading: Non-COVID infection (Alt+2)"
    with qtbot.waitSignal(bar.chosen) as pressed:
        qtbot.mouseClick(bar.buttons["Normal"], Qt.MouseButton.LeftButton)
    assert pressed.args == ["Normal"]
    assert checked(bar) == []  # it is shown once it has been taken
    bar.show_review(Review("Normal"))
    assert checked(bar) == ["Normal"]
    bar.set_task(get_task("lung-colon"))
    assert list(bar.buttons)[:2] == list(get_task("lung-colon").class_ids[:2])
    assert checked(bar) == []


@pytest.mark.parametrize("task", list(TASKS))
def test_no_name_is_cut_and_no_button_is_wider_than_the_panel(bar, qtbot, task):
    bar.set_task(get_task(task))
    qtbot.waitUntil(lambda: all(button.isVisible() for button in bar.buttons.values()))
    for name, button in zip((label.name for label in get_task(task).classes), bar.buttons.values(), strict=False):
        assert button.text() == name
        assert button.width() >= button.minimumSizeHint().width()
        assert bar.rect().contains(button.geometry().translated(button.parentWidget().pos()))


def test_a_long_name_is_cut_in_its_middle_and_told_in_full(bar):
    long = "Adenocarcinoma of the lung, predominantly lepidic, grade 1 of 3"
    classes = (ClassLabel(id="a", name=long), ClassLabel(id="b", name="Tom & Jerry"))
    bar.set_task(get_task("chest-xray").model_copy(update={"classes": classes}))
    assert "…" in bar.buttons["a"].text()
    assert long in bar.buttons["a"].toolTip()
    assert bar.buttons["b"].text() == "Tom && Jerry"


def test_many_classes_are_a_menu(bar, qtbot):
    classes = tuple(ClassLabel(id=f"c{i}", name=f"Class {i}") for i in range(BUTTONS))
    task = get_task("chest-xray").model_copy(update={"classes": classes})
    bar.set_task(task)
    assert bar.buttons == {}
    (button,) = (one for one in bar.findChildren(QToolButton) if one.isVisible() and one.menu() is not None)
    assert (button.text(), len(button.menu().actions())) == ("Choose a class", BUTTONS + 2)
    keys = [action.shortcut().toString() for action in bar.menu.actions()]
    assert keys == [*(f"Alt+{i}" for i in range(1, 10)), "", "", "X", "U"]
    with qtbot.waitSignal(bar.chosen) as pressed:
        bar.menu.actions()[10].trigger()
    assert pressed.args == ["c10"]
    bar.show_review(Review("c10"))
    assert button.text() == "Class 10"


def test_an_older_reading_is_shown_until_there_is_a_class(bar):
    bar.show_review(Review(None, "effusion", "disagree"))
    assert bar._older.text() == "Disagree (older reading)"
    assert bar._older.isVisible() and checked(bar) == []
    bar.show_review(Review("Normal", "effusion", "disagree"))
    assert not bar._older.isVisible()
    assert checked(bar) == ["Normal"]


def test_a_note_keeps_the_reading(bar, qtbot):
    bar.show_review(Review("Normal"))
    bar.note.setText(" a marker ")
    with qtbot.waitSignal(bar.changed) as changed:
        qtbot.keyClick(bar.note, Qt.Key.Key_Return)
    assert changed.args == [Review("Normal", "a marker")]
