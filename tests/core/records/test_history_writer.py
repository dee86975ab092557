"""A history that is locked or can't be written loses nothing."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from core.compare.record import record_of
from core.compare.session import Compared
from core.exports import batch as outputs_module
from core.exports.batch import Outputs
from core.exports.format import Wanted
from core.records.analysis import analysis
from core.records.history import History
from core.records.history_waiting import read, waiting_files
from core.records.history_writer import HistoryWriter
from core.records.review import Review

ROOT = Path(__file__).resolve().parents[3]
# records one analysis into a locked history and ends as if it were killed
KILLED = """
import os, sys
from pathlib import Path
from core.records.analysis import analysis
from core.records.history_writer import HistoryWriter
from tests_comparison import made_comparison
writer = HistoryWriter(Path(sys.argv[1]), wait=0)
writer.record(analysis("a" * 64, made_comparison("chest-xray", [0.3, 0.6, 0.1], [0.6, 0.3, 0.1]), {}))
os._exit(0 if writer.waiting == 1 and writer.is_safe else 1)
"""


@pytest.fixture
def path(tmp_path):
    with History(tmp_path / "history.sqlite"):
        return tmp_path / "history.sqlite"


@pytest.fixture
def row(chest_comparison):
    return analysis("a" * 64, chest_comparison, {"cam": "fast"}, Path("/scans/a.dcm"))


@contextmanager
def locked(path):
    """Another program writes all the while."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_history_that_another_window_writes_can_be_read(path):
    with locked(path), History(path, wait=0) as history:
        assert history.count() == 0


def test_what_a_lock_keeps_out_waits_and_is_written_in_its_order(path, row):
    key = row.key
    with HistoryWriter(path, wait=0) as writer:
        with locked(path):
            writer.record(row)
            writer.review(key, Review("Normal", "first"))
            writer.review(key, Review("other", "süß"))
            assert (writer.waiting, writer.is_safe) == (3, True)
            assert "busy" in str(writer.error)
            assert len(list(read(writer.waiting_file))) == 3
            assert not writer.retry()
        assert writer.retry()
        assert (writer.waiting, writer.error, waiting_files(path)) == (0, None, [])
        (found,) = writer.history().find()
    assert (found.image_sha256, found.review) == ("a" * 64, Review("other", "süß"))


def test_what_an_older_version_left_waiting_is_taken_in(path, row):
    """It wrote an opinion and a note as a list."""
    with History(path) as history:
        history.insert(row)
    waiting = path.with_name("history-waiting-0-0-0.jsonl")  # of a process that has ended
    waiting.write_text(json.dumps({"row": asdict(row.key), "review": ["disagree", "effusion"]}) + "\n")
    with History(path) as history:
        (found,) = history.find()
    assert found.review == Review(None, "effusion", "disagree")
    assert not waiting.exists()


def test_what_waits_when_a_process_is_killed_is_taken_in_once(path, tmp_path):
    shutil.copy(Path(__file__).parents[1] / "conftest.py", tmp_path / "tests_comparison.py")
    with locked(path):
        subprocess.run(
            [sys.executable, "-c", KILLED, path], check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        )  # fmt: skip
        (waiting,) = waiting_files(path)
        with History(path, wait=0) as history:  # it is still locked
            assert history.count() == 0
    torn = waiting.read_bytes() + b'{"row": {"image_sha'
    for _ in range(2):  # once more as if it had been killed before it removed the file
        waiting.write_bytes(torn)
        with History(path) as history:
            assert history.count() == 1
        assert not waiting.exists()


def test_a_place_that_cannot_be_written_is_tried_again(tmp_path, row):
    place = tmp_path / "data"
    place.write_text("a file where the folder should be")
    with HistoryWriter(place / "history.sqlite", wait=0) as writer:
        writer.record(row)
        assert (writer.waiting, writer.is_safe) == (1, False)
        assert str(place) in str(writer.error)
        place.unlink()
        assert writer.retry()
        assert writer.history().count() == 1


def test_emptying_the_history_empties_what_waits(path, row):
    with HistoryWriter(path, wait=0) as writer:
        with locked(path):
            writer.record(row)
        assert waiting_files(path)
        with History(path) as history:
            history.clear()
        assert waiting_files(path) == []


def test_a_batch_says_what_waits_for_a_locked_history(path, tmp_path, monkeypatch, chest_image, chest_comparison):
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path))
    monkeypatch.setattr(outputs_module, "BUSY_SECONDS", 0)
    found = Compared(record_of(chest_image, chest_comparison), chest_image, chest_comparison)
    with locked(path), Outputs(Wanted(history=True)) as outputs:
        outputs.add(found)
        outputs.add(found)
    (remark,) = outputs.remarks
    assert "2 analyses wait" in remark
    assert "busy" in remark
    (waiting,) = waiting_files(path)
    assert str(waiting) in remark
    assert not outputs.failed
