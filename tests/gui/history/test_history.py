import csv
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.images.demo import demonstration_radiograph
from core.records.history import History, history_path
from core.records.review import Review
from gui.history.view import HistoryView
from gui.worklist.filter import Show

PATIENCE = 120_000


def records():
    with History() as history:
        return list(history.find())


def seen(window, qtbot):
    """Opens the demonstration radiograph and waits until its record has been written."""
    with qtbot.waitSignals([window.controller.settled, window.recorder.changed], timeout=PATIENCE):
        window.open_paths([demonstration_radiograph()])
    return window


@pytest.fixture
def recorded(make_window, qtbot):
    return seen(make_window(cam="none"), qtbot)


@pytest.fixture
def view(recorded, qtbot):
    recorded.commands.actions["history"].trigger()
    dialog = recorded.findChild(HistoryView)
    qtbot.waitUntil(lambda: bool(dialog.table.rows), timeout=PATIENCE)
    yield dialog
    if recorded.findChild(HistoryView) is not None:  # opening an image closes it
        dialog.done(0)


def test_an_analysis_is_recorded_once(recorded, qtbot):
    (record,) = records()
    entry = recorded.worklist.entries()[0]
    assert record.path == str(demonstration_radiograph())
    assert record.teacher_predicted == entry.file_result.record.teacher.predicted
    assert record.settings["cam"] == "none"
    with qtbot.waitSignal(recorded.controller.settled, timeout=PATIENCE):
        recorded.controller.show(entry.path)
    recorded.close()
    assert len(records()) == 1


def test_a_review_by_keys_is_shown_kept_and_comes_back(recorded, make_window, qtbot):
    recorded.activateWindow()
    qtbot.keyClick(recorded, Qt.Key.Key_X)
    qtbot.keyClick(recorded, Qt.Key.Key_M)
    note = recorded.comparison.review.note
    note.setText("masses")
    qtbot.keyClick(note, Qt.Key.Key_Return)
    entry = recorded.worklist.entries()[0]
    assert entry.review == Review("other", "masses")
    index = recorded.list.filter.index(0, 0)
    assert "Your reading: Other" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    recorded.close()
    (record,) = records()
    assert record.review == Review("other", "masses")
    again = make_window(cam="none")
    qtbot.waitUntil(lambda: again.worklist.entries()[0].review.note == "masses", timeout=PATIENCE)
    bar = again.comparison.review  # its buttons come with the image's task
    qtbot.waitUntil(lambda: "other" in bar.buttons and bar.buttons["other"].isChecked(), timeout=PATIENCE)
    assert again.comparison.review.note.text() == "masses"
    assert len(records()) == 1


def test_a_review_is_taken_back_and_kept_although_the_filter_then_hides_the_image(recorded):
    for expected in ("Normal", None):
        recorded.comparison.review.buttons["Normal"].click()
        assert recorded.worklist.entries()[0].review.reading == expected
        assert recorded.comparison.review.buttons["Normal"].isChecked() == bool(expected)
    box = recorded.list.show_box
    box.setCurrentIndex(box.findData(Show.UNREAD))
    assert len(recorded.list.shown_entries()) == 1
    recorded.comparison.review.buttons["other"].click()
    assert recorded.list.shown_entries() == []
    assert recorded.controller.on_screen == demonstration_radiograph()  # it stays until another is chosen
    recorded.close()
    assert records()[0].reading == "other"


def test_without_an_answer_there_is_nothing_to_review(make_window):
    window = make_window()
    window.commands.actions["agree"].trigger()
    assert "no prediction to read" in window.banner.words.text()


def test_who_opts_out_leaves_no_record(make_window, qtbot):
    window = make_window(cam="none")
    window.set_preferences(replace(window.preferences, history=False))
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.open_paths([demonstration_radiograph()])
    window.comparison.review.buttons["Normal"].click()
    assert window.worklist.entries()[0].review.reading == "Normal"
    window.close()
    assert not history_path().exists()


def test_a_damaged_history_is_set_aside_and_said(make_window, qtbot, own_data):
    own_data.mkdir(exist_ok=True)
    history_path().write_bytes(b"no database at all" * 100)
    window = seen(make_window(cam="none"), qtbot)
    assert "damaged" in window.banner.words.text()
    window.close()
    assert len(records()) == 1
    assert list(own_data.glob("history-damaged-*.sqlite"))


def test_the_history_is_searched_and_filtered(view, recorded, qtbot):
    (row,) = view.table.rows
    same = row.same_class
    for words, expected in (("rg1", 1), ("nothing like it", 0), ("", 1)):
        view.search.setText(words)
        qtbot.waitUntil(lambda expected=expected: len(view.table.rows) == expected, timeout=PATIENCE)
    for box, value, expected in (
        (view.same_box, not same, 0),
        (view.same_box, same, 1),
        (view.reading_box, "Normal", 0),
        (view.reading_box, None, 1),
        (view.task_box, "lung-colon", 0),
        (view.task_box, "chest-xray", 1),
        (view.date_box, 1, 1),
    ):
        box.setCurrentIndex(box.findData(value))
        qtbot.waitUntil(lambda expected=expected: len(view.table.rows) == expected, timeout=PATIENCE)
    recorded.comparison.review.buttons["Normal"].click()  # it follows what happens meanwhile
    qtbot.waitUntil(lambda: view.table.rows[0].reading == "Normal", timeout=PATIENCE)


def test_an_image_is_opened_again_from_the_history(view, recorded, qtbot):
    recorded.commands.actions["clear"].trigger()
    assert recorded.worklist.rowCount() == 0
    view.view.selectRow(0)
    view.open_button.click()
    qtbot.waitUntil(lambda: recorded.controller.path == demonstration_radiograph(), timeout=PATIENCE)


def test_what_has_gone_is_said_and_the_history_exported_and_cleared(view, qtbot, tmp_path, monkeypatch):
    view.table.show([replace(view.table.rows[0], path=str(tmp_path / "gone.png"))])
    view.view.selectRow(0)
    view.open_button.click()
    assert "no longer there" in view.words.text()
    target = tmp_path / "history.csv"
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: asked.append(given) or (str(target), ""))
    view.export_button.click()
    assert asked[0][2] == str(tmp_path / "twinlens history.csv"), "it starts beside the images"
    qtbot.waitUntil(lambda: str(target) in view.words.text(), timeout=PATIENCE)
    with target.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["image_sha256"] == view.table.rows[0].image_sha256
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    view.clear_button.click()
    qtbot.waitUntil(lambda: not view.table.rows, timeout=PATIENCE)
    assert records() == []


def test_the_settings_say_how_much_is_kept_and_remove_it(recorded, qtbot, monkeypatch):
    from gui.settings.dialog import SettingsDialog

    dialog = SettingsDialog(recorded.preferences, recorded)
    dialog.storage.history_removed.connect(recorded.recorder.forget)
    qtbot.waitUntil(lambda: "history" in dialog.storage.buttons, timeout=PATIENCE)
    assert "kB" in dialog.storage.buttons["history"].accessibleName()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    with qtbot.waitSignal(dialog.storage.history_removed, timeout=PATIENCE), qtbot.waitSignal(dialog.storage.measured):
        dialog.storage.buttons["history"].click()
    assert records() == []
    with qtbot.waitSignals([recorded.recorder.changed], timeout=PATIENCE):  # it goes on recording
        recorded.controller.show(recorded.controller.path)
    assert len(records()) == 1
    dialog.close()


def test_an_answer_that_was_held_back_is_not_told_by_the_history(view):
    row = view.table.rows[0]
    answers = {**row.answers, "student": {**row.answers["student"], "novel": True}}
    view.table.show([replace(row, answers=answers)])
    cells = [view.table.index(0, column).data() for column in range(view.table.columnCount())]
    assert cells[4:6] == ["not assessable", ""]
    assert "%" in cells[3]
