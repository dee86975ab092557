from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from core.images.study import Study
from core.records.review import Review
from gui.worklist.entry import Grouping
from gui.worklist.filter import Show, Wanted, WorklistFilter
from gui.worklist.model import COLUMNS, ENTRY_ROLE, Worklist
from gui.worklist.order import Order
from tests.gui.worklist.samples import path, result

NORMAL, COVID, OTHER_INFECTION = "Normal", "COVID-19", "Non-COVID"


@pytest.fixture
def worklist(qtbot):
    files = Worklist()
    QAbstractItemModelTester(files, QAbstractItemModelTester.FailureReportingMode.Fatal)
    files.add([path(name) for name in ("d", "b", "a", "c")])
    files.set_result(path("a"), result((NORMAL, 0.9), (NORMAL, 0.8), 0.1))
    files.set_result(path("b"), result((COVID, 0.7), (NORMAL, 0.6), 0.5, uncertain=True))
    files.set_error(path("c"), "/x/c.png: The file is empty.")
    return files


@pytest.fixture
def read(qtbot):
    """Files that were labelled and read; the letters are explained where they are used."""
    files = Worklist()
    files.add([path(name) for name in "abcdef"])
    files.set_result(path("a"), result((NORMAL, 0.95), (NORMAL, 0.9), label=NORMAL, reading=NORMAL))
    files.set_result(path("b"), result((COVID, 0.7), (NORMAL, 0.6), label=NORMAL, reading=COVID))
    files.set_result(path("c"), result((COVID, 0.99), (COVID, 0.9), label=NORMAL))
    files.set_result(path("d"), result(None, (NORMAL, 0.8), label=COVID, reading="not_assessable"))
    files.set_result(path("e"), result((OTHER_INFECTION, 0.5), (OTHER_INFECTION, 0.4), reading="other"))
    return files


def names(model):
    return "".join(model.index(row, 0).data(ENTRY_ROLE).path.stem for row in range(model.rowCount(QModelIndex())))


def test_each_file_is_listed_once(worklist):
    assert worklist.add([path("a"), path("e"), path("e")]) == 1
    assert names(worklist) == "dbace"


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
    assert names(worklist) == expected
    assert [worklist.row_of(path(name)) for name in expected] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.CONFIDENCE, "ebdacf"),  # 0.4, 0.6, 0.8 (of the one that is shown), 0.9 twice, none
        (Order.LABEL, "dabcef"),  # COVID-19, Normal three times, none twice
        (Order.READING, "badecf"),  # COVID-19, Normal, Not assessable, Other, none twice
        (Order.WRONG, "cdbaef"),  # 0.99, 0.8, 0.7 for another class than the label's
        (Order.AGAINST, "dbeacf"),  # 0.8, 0.6, 0.5 for another class than what was read
    ],
)
def test_files_are_sorted_by_reading_label_and_what_differs_from_them(read, order, expected):
    read.sort_by(order)
    assert names(read) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(Show.WRONG), "bcd"),
        (Wanted(Show.AGAINST), "bde"),
        (Wanted(Show.READ), "abde"),
        (Wanted(Show.UNREAD), "c"),
        (Wanted(label=NORMAL), "abc"),
        (Wanted(reading=COVID), "b"),
        (Wanted(reading="not_assessable"), "d"),
        (Wanted(below=0.65), "be"),
        (Wanted(Show.WRONG, label=NORMAL, below=0.65), "b"),
        (Wanted(Show.WRONG, text="C", label=NORMAL), "c"),
    ],
)
def test_the_filter_combines_reading_label_errors_and_confidence(read, wanted, expected):
    shown = WorklistFilter(read)
    shown.choose(wanted)
    assert names(shown) == expected


def test_a_file_that_is_read_leaves_the_unread_at_once(read):
    shown = WorklistFilter(read)
    shown.choose(Wanted(Show.UNREAD))
    read.set_review(path("c"), Review(COVID))
    assert names(shown) == ""
    read.set_review(path("c"), Review(note="a note is no reading"))
    assert names(shown) == "c"


def test_sorting_keeps_hold_of_the_chosen_file(worklist):
    shown = WorklistFilter(worklist)
    held = [QPersistentModelIndex(shown.index(1, column)) for column in (0, 3)]
    worklist.sort_by(Order.NAME)
    assert [(index.data(ENTRY_ROLE).path.stem, index.column()) for index in held] == [("b", 0), ("b", 3)]


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
    shown.choose(Wanted(show))
    assert names(shown) == expected


def test_an_answer_that_comes_later_moves_the_file_through_the_filter(worklist):
    shown = WorklistFilter(worklist)
    shown.choose(Wanted(Show.DISAGREE))
    worklist.set_result(path("d"), result((NORMAL, 0.9), (COVID, 0.8), 0.4))
    assert names(shown) == "db"
    worklist.set_results({})
    assert names(shown) == ""


def test_the_text_of_a_line_says_everything_to_a_screen_reader(worklist, read):
    spoken = worklist.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "b.png" in spoken
    assert "Chest X-ray" in spoken
    assert "Teacher: COVID-19, 70.0 %" in spoken
    assert "Disagree" in spoken
    assert "Uncertain" in spoken
    assert "The file is empty" in worklist.index(3, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    spoken = read.index(3, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "Teacher: not assessable" in spoken
    assert "Label: COVID-19\nYour reading: Not assessable" in spoken


def test_the_table_has_a_cell_for_each_thing_known(worklist, read):
    heads = [read.headerData(i, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole) for i in range(len(COLUMNS))]
    cells = [read.index(3, column).data() for column in range(len(COLUMNS))]
    assert dict(zip(heads, cells, strict=True)) == {
        "Image": "d.png", "Teacher": "not assessable", "Student": "80 %  Normal", "Agree": "⊘", "Label": "COVID-19",
        "Your reading": "Not assessable", "Note": "", "Folder or study": str(Path("/x")),
    }  # fmt: skip
    assert worklist.index(3, 1).data() == "Failed"


def test_files_of_one_task_stand_together(worklist):
    worklist.set_result(path("d"), result(("lung_n", 0.9), ("lung_n", 0.8), task="lung-colon"))
    worklist.sort_by(Order.TASK)
    assert names(worklist) == "badc"


def test_files_are_grouped_by_folder_then_sorted(qtbot):
    files = Worklist()
    folders = ("/y/second/", "/y/first/", "/y/second/", "/y/first/")
    files.add([Path(folder + name + ".png") for folder, name in zip(folders, "abcd", strict=True)])
    files.sort_by(Order.NAME, Grouping.FOLDER)
    assert names(files) == "bdac"
    shown = WorklistFilter(files)
    shown.choose(Wanted(text="y/SEC"))  # the group's name is searched too
    assert names(shown) == "ac"
    files.sort_by(Order.NAME)
    shown.choose(Wanted(text="y/SEC"))
    assert names(shown) == ""


def test_files_are_grouped_by_study_as_it_becomes_known(worklist):
    worklist.sort_by(Order.NAME, Grouping.STUDY)
    assert names(worklist) == "abcd"
    old, new = Study("1.2", "2020-01-02", "2020-01-02 · CR"), Study("1.1", "2021-01-02", "2021-01-02 · CR")
    worklist.set_studies({path("a"): new, path("b"): None, path("c"): old, path("d"): new})
    assert names(worklist) == "bcad"  # without a study first, then by date


def test_removed_files_are_gone_and_the_rest_is_found(worklist):
    worklist.remove([path("b")])
    assert names(worklist) == "dac"
    assert worklist.row_of(path("c")) == 2
    assert worklist.row_of(path("b")) is None
