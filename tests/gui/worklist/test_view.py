"""The worklist on screen, without models: what is chosen, what a filter does to it, and what is counted."""

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QAbstractItemView

from gui.worklist.entry import Grouping
from gui.worklist.filter import Show
from gui.worklist.model import COLUMNS, ENTRY_ROLE, Worklist
from gui.worklist.order import Order
from gui.worklist.thumbnails import Thumbnails
from gui.worklist.view import WorklistView
from tests.gui.worklist.samples import path, result

AGREE = (("Normal", 0.9), ("Normal", 0.8))
DIFFER = (("COVID-19", 0.9), ("Normal", 0.8))


@pytest.fixture
def made(qtbot):
    """Makes a view on so many files, and notes which were chosen."""

    def make(names, mode="lines"):
        worklist = Worklist()
        view = WorklistView(worklist, Thumbnails(worklist))
        qtbot.addWidget(view)
        view.set_mode(mode)
        view.resize(264, 500)
        view.show()
        worklist.add([path(name) for name in names])
        view.opened = []
        view.chosen.connect(lambda chosen: view.opened.append(chosen.stem))
        return worklist, view

    return make


def pick(box, value):
    box.setCurrentIndex(box.findData(value))


def is_seen(view):
    """Whether the row of the chosen file is in view."""
    shown = view.view()
    row = shown.visualRect(view.filter.index(view._row(), 0))
    return row.top() >= 0 and row.bottom() <= shown.viewport().height()


@pytest.mark.parametrize("mode", ["thumbnails", "lines", "table"])
def test_typing_a_filter_does_not_change_the_image_shown(made, qtbot, mode):
    _worklist, view = made(["ant", "bee", "cat", "dog"], mode)
    view.choose(path("cat"))
    for text in ("b", "be", "bee", "", "cat", "nothing", ""):
        view.search.setText(text)
        assert view.current_path() == path("cat")
    assert view.opened == ["cat"]
    assert view.selected_paths() == [path("cat")]
    view.search.setText("bee")
    assert (view.place(), view.selected_paths()) == ("– / 1", [])
    view.view().setFocus()
    view.list.setFocus()  # where Qt would make the first row the current one
    assert view.opened == ["cat"]
    qtbot.mouseClick(view.view().viewport(), Qt.MouseButton.LeftButton, pos=view.view().visualRect(
        view.filter.index(0, 0)).center())  # fmt: skip
    assert view.opened == ["cat", "bee"]


def test_keys_go_on_from_where_the_hidden_file_stood(made, qtbot):
    worklist, view = made(["a", "b", "c", "d", "e"])
    pick(view.show_box, Show.WAITING)
    view.choose(path("c"))
    worklist.set_result(path("c"), result(*AGREE))  # it is analysed, and so no longer one that waits
    assert [entry.path.stem for entry in view.shown_entries()] == ["a", "b", "d", "e"]
    assert view.opened == ["c"]  # no other comes on screen, which would be analysed and vanish in turn
    qtbot.keyClick(view.list, Qt.Key.Key_Down)
    assert view.opened == ["c", "d"]
    worklist.set_result(path("d"), result(*AGREE))
    worklist.set_result(path("a"), result(*AGREE))  # one above it vanishes as well
    qtbot.keyClick(view.list, Qt.Key.Key_Up)
    assert view.opened == ["c", "d", "b"]
    worklist.set_result(path("b"), result(*AGREE))
    view.step(1)
    assert view.opened[-1] == "e"
    view.clear_filter()
    assert view.selected_paths() == [path("e")]
    assert view.place() == "5 / 5"


@pytest.mark.parametrize("mode", ["thumbnails", "lines", "table"])
def test_the_current_row_stays_in_view(made, qtbot, mode):
    worklist, view = made([f"{number:03}" for number in range(400)], mode)
    view.choose(path("200"))
    assert is_seen(view)
    pick(view.order_box, Order.NAME)
    assert is_seen(view)
    for number in range(150):  # they are sorted under those without a label
        worklist.set_result(path(f"{number:03}"), result(*DIFFER, label="Normal"))
    pick(view.order_box, Order.WRONG)
    assert is_seen(view)
    for text in ("2", ""):
        view.search.setText(text)
        qtbot.waitUntil(lambda: is_seen(view))
    for other in ("table", "thumbnails", "lines"):
        view.set_mode(other)
        qtbot.waitUntil(lambda: is_seen(view))
    assert view.opened == ["200"]


def test_who_has_scrolled_away_is_not_called_back(made, qtbot):
    worklist, view = made([f"{number:03}" for number in range(400)])
    pick(view.show_box, Show.WAITING)
    view.choose(path("003"))
    qtbot.waitUntil(lambda: not view._return_timer.isActive())
    bar = view.list.verticalScrollBar()
    bar.setValue(bar.maximum())
    worklist.set_result(path("001"), result(*AGREE))
    qtbot.wait(1)
    assert bar.value() > bar.maximum() // 2
    view.list.scrollToTop()
    worklist.set_result(path("002"), result(*AGREE))
    qtbot.waitUntil(lambda: is_seen(view))


def test_the_counts_tell_failed_from_analysed(made, qtbot):
    worklist, view = made(["a", "b", "c", "d"])
    worklist.set_result(path("a"), result(*AGREE))
    worklist.set_result(path("b"), result(*DIFFER))
    worklist.set_error(path("c"), "/x/c.png: The file is empty.")
    qtbot.waitUntil(lambda: view.count.text() == "4 files · 2 analysed · 1 failed")
    pick(view.show_box, Show.DISAGREE)
    assert view.count.text() == "1 of 4 · 2 analysed · 1 failed"
    view.set_mode("thumbnails")
    assert view.count.text() == "1 of 4"
    assert view.count.toolTip() == "1 of 4, 2 analysed, 1 failed"


def test_list_and_table_have_one_selection_and_a_head_sorts(made, qtbot):
    worklist, view = made(["b", "c", "a"], "table")
    view.choose(path("c"))
    view.select([path("a")])
    assert view.selected_paths() == [path("c"), path("a")]
    head = view.table.horizontalHeader()
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=head.viewport().rect().topLeft()
                     + view.table.visualRect(view.filter.index(0, 0)).center())  # fmt: skip
    assert view.bar.order is Order.NAME
    assert [entry.path.stem for entry in view.shown_entries()] == ["a", "b", "c"]
    assert view.table.editTriggers() == QAbstractItemView.EditTrigger.NoEditTriggers
    view.set_mode("lines")
    assert sorted(view.selected_paths()) == [path("a"), path("c")]
    view.list.selectionModel().select(view.filter.index(1, 0), QItemSelectionModel.SelectionFlag.ClearAndSelect
                                      | QItemSelectionModel.SelectionFlag.Rows)  # fmt: skip
    assert view.table.selectionModel().selectedRows()[0].data(ENTRY_ROLE).path == path("b")
    assert all(column.order in Order for column in COLUMNS)
    assert worklist.rowCount() == 3


def test_filter_order_groups_and_mode_come_back(made):
    _worklist, first = made(["a"])
    pick(first.show_box, Show.WRONG)
    pick(first.order_box, Order.READING)
    pick(first.bar.label_box, "COVID-19")
    pick(first.bar.reading_box, "not_assessable")
    first.bar.group_box.setCurrentIndex(1)
    pick(first.bar.below_box, 80)
    first.search.setText("a")
    first.set_mode("table")
    _worklist, second = made([])
    second.restore(first.settings())
    assert second.filter.wanted == first.filter.wanted == first.bar.wanted
    assert (second.bar.order, second.bar.grouping, second.mode) == (Order.READING, Grouping.FOLDER, "table")
    assert second.bar.more.isChecked()  # a filter that is set is not out of sight
    second.clear_filter()
    assert second.filter.wanted == type(second.filter.wanted)()
    second.restore({"show": "unknown", "order": 7, "below": "x", "text": None, "group": [], "mode": "cards"})
    assert (second.bar.order, second.mode) == (Order.READING, "table")


def test_a_file_that_is_to_be_shown_first_leaves_the_filter_alone(made):
    """As at the start, when answers have not come back from the history yet."""
    worklist, view = made(["a", "b", "c"])
    pick(view.show_box, Show.DISAGREE)
    view.choose(path("b"), keep_filter=True)
    assert (view.opened, view.shown_entries(), view.place()) == (["b"], [], "– / 0")
    for name in "cb":
        worklist.set_result(path(name), result(*DIFFER))
    assert [entry.path.stem for entry in view.shown_entries()] == ["b", "c"]
    assert view.opened == ["b"]


def test_files_that_come_later_find_their_group(made):
    worklist, view = made(["a", "b"])
    view.bar.group_box.setCurrentIndex(1)
    other = path("c").parent / "more" / "d.png"
    worklist.add([other, path("c")])
    assert [entry.path.stem for entry in view.shown_entries()] == ["a", "b", "c", "d"]
    heading = [view._delegate._heading(view.filter.index(row, 0), view.shown_entries()[row]) for row in range(4)]
    assert heading == [str(other.parents[1]), "", "", str(other.parent).lstrip("/")]
