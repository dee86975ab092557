"""Names that are no UTF-8 and a history that is locked: what the window keeps is kept all the same."""

import os
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.records.history import History, history_path
from core.records.history_waiting import waiting_files
from gui.settings import session
from gui.settings.preferences import store

PATIENCE = 60_000


@pytest.fixture
def scans(tmp_path, png):
    """A folder with one radiograph, whose name is Latin-1."""
    png(tmp_path / "picture.png")
    folder = tmp_path / "scans"
    folder.mkdir()
    name = b"M\xfcller.png" if sys.platform == "linux" else "Müller.png".encode()
    (tmp_path / "picture.png").replace(folder / os.fsdecode(name))
    return folder


@contextmanager
def locked():
    """Another program writes into the history all the while."""
    with History():
        pass
    with closing(sqlite3.connect(history_path())) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def records():
    with History() as history:
        return list(history.find())


def analysed(window, folder, qtbot):
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.open_paths([folder])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
def test_a_name_that_is_no_utf_8_comes_back_with_the_session_and_from_the_history(make_window, scans, qtbot):
    window = make_window(cam="none")
    analysed(window, scans, qtbot)
    (entry,) = window.worklist.entries()
    window.comparison.review.buttons["other"].click()
    session.add_recent(window.settings, [entry.path])
    window.close()
    (record,) = records()
    assert record.path == str(scans / r"M\xfcller.png")
    assert record.reading == "other"
    settings = store()
    assert session.recent(settings)[0] == entry.path
    again = make_window(cam="none")
    qtbot.waitUntil(lambda: again.worklist.entries()[0].review.reading == "other", timeout=PATIENCE)
    assert again.worklist.entries()[0].path == entry.path
    again.close()
    assert len(records()) == 1


def test_what_a_locked_history_does_not_take_is_written_when_it_is_free(make_window, scans, qtbot):
    window = make_window(cam="none")
    with locked():
        with qtbot.waitSignal(window.recorder.noticed, timeout=PATIENCE) as said:
            analysed(window, scans, qtbot)
        assert "kept the history busy" in said.args[0]
        assert "history-waiting-" in said.args[0]
        window.comparison.review.buttons["Normal"].click()
        assert records() == []
    qtbot.waitUntil(lambda: [r.reading for r in records()] == ["Normal"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: waiting_files(history_path()) == [], timeout=PATIENCE)
    qtbot.waitUntil(lambda: "has been written" in window.banner.words.text(), timeout=PATIENCE)


def test_what_still_waits_when_the_window_is_closed_is_not_lost(make_window, scans, qtbot):
    window = make_window(cam="none")
    with locked():
        with qtbot.waitSignal(window.recorder.noticed, timeout=PATIENCE):
            analysed(window, scans, qtbot)
        window.comparison.review.buttons["other"].click()
        window.close()
        assert window.all_stopped
        (waiting,) = waiting_files(history_path())
    left = waiting.with_name("history-waiting-1-1-0.jsonl")  # as if of a process that has ended
    waiting.rename(left)
    (record,) = records()
    assert (Path(record.path).parent, record.reading) == (scans, "other")
    assert not left.exists()
