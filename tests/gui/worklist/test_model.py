from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QModelIndex
from PySide6.QtTest import QAbstractItemModelTester

from gui.engine.result import FileResult, ModelSummary
from gui.engine.results import Result
from gui.worklist.model import ENTRY_ROLE, Order, Show, Worklist, WorklistFilter


def said(name, confidence, uncertain=False, novel=False):
    return ModelSummary(name, confidence, uncertain, novel)


def result(teacher, student, divergence=0.0, task="chest-xray"):
    record = SimpleNamespace(path="x", task=task)
    return Result(FileResult(teacher, student, teacher.name == student.name, divergence, record, task, ("", "")))


@pytest.fixture
def worklist(qtbot):
    files = Worklist()
    QAbstractItemModelTester(files, QAbstractItemModelTester.FailureReportingMode.Fatal)
    files.add([Path(f"/x/{name}.png") for name in ("d", "b", "a", "c")])
    files.set_result(Path("/x/a.png"), result(said("Normal", 0.9), said("Normal", 0.8), 0.1))
    files.set_result(Path("/x/b.png"), result(said("COVID-19", 0.7), said("Normal", 0.6, uncertain=True), 0.5))
    files.set_error(Path("/x/c.png"), "/x/c.png: The file is empty.")
    return files


def names(model):
    return [model.index(row, 0).data(ENTRY_ROLE).path.stem for row in range(model.rowCount(QModelIndex()))]


def test_each_file_is_listed_once(worklist):
    assert worklist.add([Path("/x/a.png"), Path("/x/e.png"), Path("/x/e.png")]) == 1
    assert names(worklist) == ["d", "b", "a", "c", "e"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.ADDED, "dbac"),
        (Order.NAME, "abcd"),
        (Order.DIVERGENCE, "badc"),
        (Order.TEACHER, "badc"),
        (Order.STUDENT, "abdc"),
        (Order.TASK, "badc"),
        (Order.STATE, "dbac"),
    ],
)
def test_files_are_sorted_and_those_without_an_answer_come_last(worklist, order, expected):
    worklist.sort_by(order)
    assert "".join(names(worklist)) == expected
    assert [worklist.row_of(Path(f"/x/{name}.png")) for name in expected] == [0, 1, 2, 3]


def test_sorting_keeps_hold_of_the_chosen_file(worklist):
    shown = WorklistFilter(worklist)
    from PySide6.QtCore import QPersistentModelIndex

    held = QPersistentModelIndex(shown.index(1, 0))
    worklist.sort_by(Order.NAME)
    assert held.data(ENTRY_ROLE).path.stem == "b"


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (Show.ALL, "dbac"),
        (Show.DISAGREE, "b"),
        (Show.UNCERTAIN, "b"),
        (Show.NOVEL, ""),
        (Show.FAILED, "c"),
        (Show.WAITING, "d"),
    ],
)
def test_the_filter_lets_through_what_it_says(worklist, show, expected):
    shown = WorklistFilter(worklist)
    shown.choose(show, "")
    assert "".join(names(shown)) == expected


def test_an_answer_that_comes_later_moves_the_file_through_the_filter(worklist):
    shown = WorklistFilter(worklist)
    shown.choose(Show.DISAGREE, "")
    worklist.set_result(Path("/x/d.png"), result(said("Normal", 0.9), said("COVID-19", 0.8), 0.4))
    assert "".join(names(shown)) == "db"
    worklist.set_results({})
    assert names(shown) == []


def test_the_text_of_a_line_says_everything_to_a_screen_reader(worklist):
    from PySide6.QtCore import Qt

    spoken = worklist.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "b.png" in spoken
    assert "Chest X-ray" in spoken
    assert "Teacher: COVID-19, 70.0 %" in spoken
    assert "Disagree" in spoken
    assert "Uncertain" in spoken
    assert "The file is empty" in worklist.index(3).data(Qt.ItemDataRole.AccessibleTextRole)


def test_files_of_one_task_stand_together(worklist):
    worklist.set_result(Path("/x/d.png"), result(said("Benign lung tissue", 0.9), said("Benign lung tissue", 0.8),
                                                 task="lung-colon"))  # fmt: skip
    worklist.sort_by(Order.TASK)
    assert "".join(names(worklist)) == "badc"


def test_removed_files_are_gone_and_the_rest_is_found(worklist):
    worklist.remove([Path("/x/b.png")])
    assert "".join(names(worklist)) == "dac"
    assert worklist.row_of(Path("/x/c.png")) == 2
    assert worklist.row_of(Path("/x/b.png")) is None
