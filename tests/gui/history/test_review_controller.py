"""Readings from bar to worklist and recorder, and back by undoing, without models."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoStack

from core.records.review import Review
from gui.engine.results import Basis
from gui.history.review_bar import ReviewBar
from gui.history.review_controller import Reviews
from gui.worklist.model import Worklist
from tests.gui.worklist.samples import path, result

BASIS = Basis("chest-xray", "t", "s", "auto", None)


@pytest.fixture
def room(qtbot):
    """Files a and b, both analysed, a on screen; what is recorded and what is said to the person."""
    bar, worklist, changes, parent = ReviewBar(), Worklist(), QUndoStack(), QObject()
    qtbot.addWidget(bar)
    worklist.add([path("a"), path("b"), path("c")])
    worklist.set_result(path("a"), result(("Normal", 0.9), ("Normal", 0.8)))
    worklist.set_result(path("b"), result(("Normal", 0.9), ("COVID-19", 0.8)))
    recorded, errors, undone = [], [], []
    recorder = SimpleNamespace(review=lambda *said: recorded.append(said))
    reviews = Reviews(bar, worklist, recorder, changes, errors.append, parent)
    reviews.undone.connect(undone.append)
    reviews.show(path("a"), BASIS)
    return SimpleNamespace(bar=bar, worklist=worklist, changes=changes, reviews=reviews, parent=parent,
                           recorded=recorded, errors=errors, undone=undone)  # fmt: skip


def said(room):
    return [entry.review for entry in room.worklist.entries()[:2]]


def test_readings_and_notes_are_undone_step_by_step_and_done_again(room):
    room.bar.buttons["COVID-19"].click()
    room.bar.note.setText("a marker")
    room.bar.finish_note()
    room.reviews.show(path("b"), BASIS)
    room.bar.buttons["other"].click()
    room.bar.buttons["other"].click()  # pressed again, it is taken back
    steps = [said(room)]
    while room.changes.canUndo():
        room.changes.undo()
        steps.append(said(room))
    assert steps == [
        [Review("COVID-19", "a marker"), Review()],
        [Review("COVID-19", "a marker"), Review("other")],
        [Review("COVID-19", "a marker"), Review()],
        [Review("COVID-19"), Review()],
        [Review(), Review()],
    ]
    assert room.undone == [path("b"), path("b"), path("a"), path("a")]
    assert room.recorded[-1] == (path("a"), BASIS, Review())
    assert len(room.recorded) == 8
    room.changes.redo()
    assert said(room)[0] == Review("COVID-19")
    assert room.changes.redoText() == "note on a.png"


def test_the_bar_shows_what_is_undone(room):
    room.bar.buttons["Normal"].click()
    assert room.bar.buttons["Normal"].isChecked()
    room.changes.undo()
    assert not room.bar.buttons["Normal"].isChecked()


def test_undoing_is_not_of_another_image_that_has_taken_the_place(room):
    room.bar.buttons["Normal"].click()
    room.worklist.set_result(path("a"), result(("Normal", 0.9), ("Normal", 0.8), reading="other"))
    room.changes.undo()
    assert said(room)[0] == Review("other")
    assert len(room.recorded) == 1


def test_agreeing_takes_the_class_that_both_show(room):
    room.reviews.agree()
    assert said(room)[0] == Review("Normal")
    room.reviews.show(path("b"), BASIS)
    with pytest.raises(Exception, match="do not show one class"):
        room.reviews.agree()
    room.worklist.set_result(path("b"), result(("Normal", 0.9), None))
    with pytest.raises(Exception, match="do not show one class"):
        room.reviews.agree()


def test_where_there_is_no_prediction_nothing_is_read(room):
    room.reviews.show(path("c"), BASIS)
    room.bar.menu.actions()[0].trigger()  # by its key: the buttons are off
    assert [str(error) for error in room.errors] != []
    assert "no prediction to read" in str(room.errors[0])
    assert room.recorded == []
    assert not room.bar.menu.actions()[0].isChecked()
