import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.compare.record import stored_predictions
from core.errors import TwinlensError, UsageError
from core.records import history_layout as module
from core.records.analysis import analysis
from core.records.history import History, Query
from core.records.history_errors import HistoryError
from core.records.review import NOT_ASSESSABLE, OTHER, Review, reading_named, readings_of
from core.tasks import ClassLabel, get_task

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {"cam": "fast", "runtime": "auto"}

# writes records without end, one line for each that is on disk
WRITER = """
import sys
from pathlib import Path
from core.records.history import History
from tests_comparison import made_comparison
found = made_comparison("chest-xray", [0.3, 0.6, 0.1], [0.6, 0.3, 0.1])
with History(Path(sys.argv[1])) as history:
    for i in range(int(sys.argv[2])):
        history.add(f"{i:064x}", found, {}, None)
        print(i, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.sqlite"


@pytest.fixture
def writer(tmp_path, path):
    """Start a process that writes so many records."""
    import shutil

    shutil.copy(Path(__file__).parents[1] / "conftest.py", tmp_path / "tests_comparison.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}

    def start(records):
        return subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(records)],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
        )

    return start


def test_what_was_recorded_is_found_again(path, chest_comparison):
    with History(path) as history:
        number = history.add("a" * 64, chest_comparison, SETTINGS, Path("/scans/Müller 組.dcm"))
    with History(path) as history:
        (row,) = history.find()
    assert row.id == number
    assert row.image_sha256 == "a" * 64
    assert Path(row.path).name == "Müller 組.dcm"
    assert row.teacher_sha256 == chest_comparison.teacher.bundle.card.weights_sha256
    assert (row.teacher_predicted, row.student_predicted, row.same_class) == ("Non-COVID", "COVID-19", False)
    assert row.answers == stored_predictions(chest_comparison)
    assert row.settings == SETTINGS
    assert row.review == Review()


def test_the_path_is_kept_only_if_given(path, chest_comparison):
    with History(path) as history:
        history.add("a" * 64, chest_comparison, {})
        assert next(history.find()).path is None


def test_a_reading_is_of_the_image_whichever_models_it_was_shown_with(path, chest_comparison, tile_comparison):
    with History(path) as history:
        first = history.add("a" * 64, chest_comparison, {"cam": "fast"})
        history.add("a" * 64, chest_comparison, {"cam": "exact"}, Path("/x/copy.dcm"))
        history.add("a" * 64, tile_comparison, {})  # another task
        history.add("b" * 64, chest_comparison, {})  # another image
        history.review(first, Review("COVID-19", "effusion"))
        found = list(history.find(Query(reading="covid-19")))
        assert [(row.image_sha256, row.task) for row in found] == [("a" * 64, "chest-xray")] * 2
        assert {row.review for row in found} == {Review("COVID-19", "effusion")}
        assert list(history.find(Query(reading=OTHER))) == []
        assert len(list(history.find(Query("effusion")))) == 2
        history.review(first, Review(NOT_ASSESSABLE))
        assert history.record(first).review == Review(NOT_ASSESSABLE)
        history.review(first, Review())
        assert history.record(first).review == Review()
        with pytest.raises(UsageError, match="no record 99"):
            history.review(99, Review(OTHER))


def test_a_reading_is_named_as_the_task_names_it():
    task = get_task("chest-xray")
    assert [reading_named(task, text) for text in ("covid-19", "Non-COVID infection", "Not assessable", "OTHER")] == [
        "COVID-19", "Non-COVID", NOT_ASSESSABLE, OTHER,
    ]  # fmt: skip
    with pytest.raises(UsageError, match="Chest X-ray can't be read as 'fracture'") as caught:
        reading_named(task, "fracture")
    assert "Non-COVID" in caught.value.remedy


def test_a_class_called_other_is_the_only_other():
    classes = (ClassLabel(id="scar", name="Scar"), ClassLabel(id="other", name="Something else"))
    task = get_task("chest-xray").model_copy(update={"classes": classes})
    assert readings_of(task) == {"scar": "Scar", "other": "Something else", NOT_ASSESSABLE: "Not assessable"}


def test_search_takes_words_literally_and_filters_add_up(path, chest_comparison, tile_comparison):
    with History(path) as history:
        history.add("a" * 64, chest_comparison, {}, Path("/x/100%_sure.dcm"))
        history.add("b" * 64, tile_comparison, {}, Path("/x/100 tile.png"))
        names = lambda query: [Path(r.path).name for r in history.find(query)]  # noqa: E731
        assert names(Query("100")) == ["100 tile.png", "100%_sure.dcm"]
        assert names(Query("100%_")) == ["100%_sure.dcm"]
        assert names(Query("100 PNG")) == ["100 tile.png"]
        assert names(Query("'; DROP TABLE analyses; --")) == []
        assert names(Query(task="chest-xray")) == ["100%_sure.dcm"]
        assert names(Query(same_class=True)) == ["100 tile.png"]
        assert names(Query("100", task="chest-xray", same_class=True)) == []
        assert names(Query(limit=1)) == ["100 tile.png"]
        assert history.clear() == 2
        assert history.count() == 0


def test_a_withheld_answer_is_neither_an_agreement_nor_a_disagreement(path, chest_comparison, strange_comparison):
    with History(path) as history:
        for i, found in enumerate((chest_comparison, strange_comparison)):
            history.add(f"{i:064x}", found, {})
        assert len(list(history.find())) == 2
        same = chest_comparison.same_class
        assert [row.image_sha256 for row in history.find(Query(same_class=same))] == ["0" * 64]
        assert list(history.find(Query(same_class=not same))) == []


def test_cleared_records_are_gone_from_the_file(path, chest_comparison):
    with History(path) as history:
        history.add("a" * 64, chest_comparison, {}, Path("/x/JaneDoe.dcm"))
        history.clear()
    left = b"".join(p.read_bytes() for p in path.parent.iterdir())
    assert b"JaneDoe" not in left


def test_a_killed_process_loses_at_most_the_record_in_hand(path, writer):
    process = writer(10**6)
    seen = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    seen += [int(line) for line in process.stdout.read().splitlines() if line.strip()]
    process.wait()
    process.stdout.close()
    with History(path) as history:
        assert history.notice == ""
        assert 0 <= history.count() - len(seen) <= 1
        assert sorted(int(row.image_sha256, 16) for row in history.find(Query(limit=10**6)))[: len(seen)] == seen


def test_two_processes_write_at_once(path, writer):
    running = [writer(40), writer(40)]
    for process in running:
        process.communicate()
    assert [process.returncode for process in running] == [0, 0]
    with History(path) as history:
        assert history.count() == 80


def test_a_file_that_another_window_is_beginning_is_waited_for(path, monkeypatch):
    """SQLite refuses at once, whatever its timeout, while another connection turns the file to write-ahead logging."""
    refusals = [2]

    class Refused(sqlite3.Connection):
        def execute(self, words, *rest):
            if "journal_mode" in words and refusals[0]:
                refusals[0] -= 1
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise error
            return super().execute(words, *rest)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: connect(*args, **options, factory=Refused))
    with History(path) as history:
        assert history.count() == 0
    assert refusals == [0]
    refusals[0] = 1
    with pytest.raises(HistoryError, match="busy"):
        History(path, wait=-1)


def test_a_damaged_file_is_set_aside_and_work_goes_on(path, chest_comparison):
    path.write_bytes(b"this is no database, but long enough to be taken for one " * 100)
    with History(path) as history:
        assert "set aside" in history.notice
        history.add("a" * 64, chest_comparison, {})
        assert history.count() == 1
    (aside,) = path.parent.glob("history-damaged-*.sqlite")
    assert aside.read_bytes().startswith(b"this is no database")


def test_a_file_damaged_inside_is_set_aside(path, chest_comparison):
    with History(path) as history:
        for i in range(200):
            history.add(f"{i:064x}", chest_comparison, {})
    data = bytearray(path.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 512] = b"\xff" * 512
    path.write_bytes(data)
    with History(path) as history:
        assert "set aside" in history.notice
        assert history.count() == 0


def test_an_older_layout_is_brought_up_to_date(path, chest_comparison, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "MIGRATIONS", module.MIGRATIONS[:1])
        row = analysis("a" * 64, chest_comparison, {}).stored()
        del row["reading"], row["verdict"], row["note"]
        with History(path) as old, old._database:
            places = ", ".join("?" * len(row))
            old._database.execute(f"INSERT INTO analyses ({', '.join(row)}) VALUES ({places})", [*row.values()])  # noqa: S608
    with History(path) as history:
        (row,) = history.find()
        assert (row.image_sha256, row.review) == ("a" * 64, Review())
        history.review(row.id, Review("Normal"))
    with History(path) as again:
        assert again._database.execute("PRAGMA user_version").fetchone()[0] == len(module.MIGRATIONS)


def test_what_was_said_in_an_older_version_becomes_a_class_where_it_names_one(path, chest_comparison, monkeypatch):
    """The comparison disagrees; those that agree, or show one prediction alone, name a class."""
    made = analysis("", chest_comparison, {}, Path("/x/a.png"))
    same = replace(made, student_predicted="Non-COVID", same_class=True)
    hidden = replace(made, answers={**made.answers, "teacher": {**made.answers["teacher"], "novel": True}})
    said = {  # image: what was said of which analyses, in turn
        "agree on one": [(same, "agree", "sure")],
        "agree with two that differ": [(made, "agree", "which?")],
        "agree with the one shown": [(hidden, "agree", "")],
        "disagree": [(same, "disagree", "effusion")],
        "unsure": [(same, "unsure", "")],
        "note alone": [(same, None, "see below")],
        "changed mind": [(same, "agree", ""), (replace(same, settings={"cam": "exact"}), "disagree", "no")],
        "nothing": [(same, None, "")],
    }
    with monkeypatch.context() as patch:
        patch.setattr(module, "MIGRATIONS", module.MIGRATIONS[:2])
        with History(path) as old, old._database:
            for image, analyses in said.items():
                for found, verdict, note in analyses:
                    row = replace(found, image_sha256=image, verdict=verdict, note=note).stored()
                    del row["reading"]
                    places = ", ".join("?" * len(row))
                    old._database.execute(f"INSERT INTO analyses ({', '.join(row)}) VALUES ({places})", [*row.values()])  # noqa: S608
    with History(path) as history:
        found = {row.image_sha256: row.review for row in reversed(list(history.find()))}
        assert found == {
            "agree on one": Review("Non-COVID", "sure", "agree"),
            "agree with two that differ": Review(None, "which?", "agree"),
            "agree with the one shown": Review("COVID-19", "", "agree"),
            "disagree": Review(None, "effusion", "disagree"),
            "unsure": Review(None, "", "unsure"),
            "note alone": Review(None, "see below"),
            "changed mind": Review(None, "no", "disagree"),
            "nothing": Review(),
        }
        task = get_task("chest-xray")
        assert found["agree on one"].in_words(task) == "Non-COVID infection"
        assert found["disagree"].in_words(task) == "Disagree (older reading)"
        assert {row.image_sha256 for row in history.find(Query(reading="disagree"))} == {"disagree", "changed mind"}
        assert len(list(history.find(Query(reading="agree")))) == 4  # that of before the mind was changed too
        (row,) = history.find(Query(image_sha256="disagree"))
        history.review(row.id, Review("Normal", "effusion"))
        assert history.record(row.id).review.in_words(task) == "Normal"


def test_a_newer_layout_is_left_alone(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(HistoryError, match="newer version"):
        History(path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_there(path, chest_comparison):
    with History(path) as history:
        history.add("a" * 64, chest_comparison, {})
        pages = history._database.execute("PRAGMA page_count").fetchone()[0]
        history._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(HistoryError, match="disk is full"):
            for i in range(100):
                history.add(f"{i:064x}", chest_comparison, {})
        assert history.count() >= 1
    with History(path) as history:
        assert history.notice == ""


def test_a_folder_that_may_not_be_written_is_a_clear_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(TwinlensError) as caught:
        History(blocked / "history.sqlite")
    assert str(blocked) in str(caught.value)


def test_the_command_line_keeps_back_what_cannot_be_judged(tmp_path, strange_comparison):
    with History(tmp_path / "history.sqlite") as history:
        history.add("a" * 64, strange_comparison, {}, Path("/x/leg.dcm"))
    answer = subprocess.run(
        [sys.executable, "-m", "core", "history", "list"], capture_output=True, encoding="utf-8", check=False,
        cwd=ROOT, env={**os.environ, "TWINLENS_DATA": str(tmp_path)},
    )  # fmt: skip
    assert "– not assessable · COVID-19 65.0 %" in answer.stdout


def test_the_command_line_lists_reviews_exports_and_clears(tmp_path, chest_comparison):
    data = tmp_path / "data"
    with History(data / "history.sqlite") as history:
        history.add("a" * 64, chest_comparison, {}, Path("/x/=cmd.dcm"))

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "core", "history", *arguments], capture_output=True, encoding="utf-8", check=False,
            cwd=ROOT, env={**os.environ, "TWINLENS_DATA": str(data)},
        )  # fmt: skip

    assert "can't be read as 'unsure'" in run("review", "1", "unsure").stderr
    assert run("review", "1", "normal", "--note", "=1+1").returncode == 0
    listed = json.loads(run("list", "--json", "--reading", "Normal").stdout)["analyses"]
    assert [(row["reading"], row["verdict"], row["note"]) for row in listed] == [("Normal", None, "=1+1")]
    assert "≠ Non-COVID infection 62.0 % · COVID-19 65.0 % · Normal · =1+1" in run("list", "cmd").stdout
    assert run("export", str(tmp_path / "h.csv")).returncode == 0
    (row,) = csv.DictReader((tmp_path / "h.csv").read_text(encoding="utf-8").splitlines())
    assert row["note"] == "'=1+1"
    assert "Not for diagnosis" in row["notice"]
    assert run("clear").returncode == 2
    assert "1 records deleted" in run("clear", "--yes").stdout
