"""What is done to the list while it is worked on: removing, clearing, undoing, dropping, notes, and what counts."""

import os
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core.models.catalogue import read_catalogue
from core.records.review import Review
from gui.export.job import Scope, scopes
from gui.worklist.entry import State
from gui.worklist.filter import Show
from tests.gui.driving import PATIENCE, drop, settled


def names(window):
    return [entry.path.name for entry in window.worklist.entries()]


def test_return_in_the_note_gives_the_keyboard_back(window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_M)
    note = window.comparison.review.note
    assert note.hasFocus()
    qtbot.keyClicks(note, "masses")
    qtbot.keyClick(note, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is window.list.list
    settled(window, qtbot, lambda: qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down))
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_X)
    reviews = [entry.review for entry in window.worklist.entries()]
    assert reviews == [Review(None, "masses"), Review("other")]


def test_a_key_after_the_next_image_writes_in_no_note(window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_M)
    settled(window, qtbot, lambda: qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_PageDown))
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_U)
    assert [entry.review.reading for entry in window.worklist.entries()] == [None, "not_assessable"]
    assert window.comparison.review.note.text() == ""


def test_a_file_that_is_removed_does_not_stop_the_batch_and_comes_back_with_its_prediction(window, qtbot, two):
    later = [two[0].with_name(name) for name in ("c.png", "d.png")]
    for path in later:
        path.write_bytes(two[0].read_bytes())
    window.worklist.add(later)
    window.commands.actions["analyse_all"].trigger()
    window.commands.actions["pause"].trigger()
    window.list.choose(later[0])
    window.commands.actions["remove"].trigger()
    assert names(window) == ["a.png", "b.png", "d.png"]
    assert window.controller.path == later[1]  # the next one
    assert window.batch_bar.words.text() == "Paused at 0 / 1"
    window.commands.actions["pause"].trigger()
    qtbot.waitUntil(lambda: window.worklist.entry_of(later[1]).state is State.DONE, timeout=PATIENCE)

    window.list.choose(two[0])
    answers = [entry.file_result for entry in window.worklist.entries()]
    window.commands.actions["clear"].trigger()
    assert names(window) == []
    assert window.controller.path is None
    assert "3 files" in window.banner.words.text()
    settled(window, qtbot, window.banner.button.click)
    assert names(window) == ["a.png", "b.png", "d.png"]
    assert [entry.file_result for entry in window.worklist.entries()] == answers
    assert window.controller.path == two[0]
    window.commands.actions["undo"].trigger()  # what was removed before
    assert names(window) == ["a.png", "b.png", "c.png", "d.png"]
    assert window.controller.path == two[0]
    assert not window.commands.actions["undo"].isEnabled()


def test_the_chosen_file_stays_chosen_when_another_is_removed(window, qtbot, two):
    shown = []
    window.list.chosen.connect(shown.append)
    window.files.remove([two[1]])
    assert window.list.current_path() == two[0] == window.controller.path
    window.commands.actions["undo"].trigger()
    assert window.list.current_path() == two[0]
    assert names(window) == ["a.png", "b.png"]
    assert shown == []


@pytest.mark.parametrize("where", ["window", "filter", "note"])
def test_a_drop_never_moves_the_files(make_window, qtbot, two, where):
    window = make_window(cam="none")
    widget = {"window": window, "filter": window.list.search, "note": window.comparison.review.note}[where]
    assert drop(widget, two[0], Qt.DropAction.MoveAction) == [Qt.DropAction.CopyAction] * 2
    qtbot.waitUntil(lambda: names(window) == ["a.png"], timeout=PATIENCE)
    assert window.list.search.text() + window.comparison.review.note.text() == ""


@pytest.fixture
def withheld(window):
    """The same, but the first file is not assessable for the student, which would have disagreed."""
    first = window.worklist.entries()[0]
    record = first.file_result.record
    other = next(name for name in record.student.probabilities if name != record.teacher.predicted)
    student = replace(record.student, predicted=other, novel=True)
    result = first.file_result
    first.result.file_result = replace(result, student=replace(result.student, novel=True), agree=False,
                                   divergence=1.0, record=replace(record, student=student))  # fmt: skip
    second = window.worklist.entries()[1]
    second.result.file_result = replace(second.file_result, agree=False, divergence=0.5)
    return window


def test_a_withheld_answer_is_no_disagreement(withheld, two):
    listed = withheld.list
    for show, expected in ((Show.DISAGREE, ["b.png"]), (Show.NOVEL, ["a.png"])):
        listed.show_box.setCurrentIndex(listed.show_box.findData(show))
        listed.filter.invalidate()
        assert [entry.path.name for entry in listed.shown_entries()] == expected
    listed.clear_filter()
    entries = withheld.worklist.entries()
    assert scopes(entries, entries, [], None)[Scope.DISAGREE] == [two[1]]
    listed.choose(two[1])
    assert listed.next_disagreement()
    assert listed.current_path() == two[1]  # there is no other
    spoken = withheld.worklist.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "agree" not in spoken
    name = read_catalogue().find("chest-xray", "student").card.classes
    assert not any(label in spoken.partition("Student")[2] for label in name)


def test_a_name_that_is_no_utf_8_is_shown_so_that_it_can_be_read(make_window, qtbot, two):
    path = two[0].with_name(os.fsdecode(b"M\xfcller.png"))
    try:
        two[0].rename(path)
    except OSError:
        pytest.skip("this file system takes no such name")
    window = make_window(cam="none")
    settled(window, qtbot, lambda: window.open_paths([two[0].parent]))
    window.list.choose(path)
    qtbot.waitUntil(lambda: window.controller.on_screen == path, timeout=PATIENCE)
    shown = r"M\xfcller.png"
    row = window.worklist.index(window.worklist.row_of(path), 0)
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    texts = [row.data(role) for role in roles]
    texts += [window.windowTitle(), window.comparison.teacher.view.words.name.text()]
    assert all(shown in text for text in texts), texts
