"""The worklist on screen: lines with filter and order, or thumbnails alone; emits which file was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.common import theme
from gui.common.input_boxes import ComboBox, LineEdit
from gui.worklist.delegate import WorklistDelegate
from gui.worklist.model import ENTRY_ROLE, Entry, Order, Show, Worklist, WorklistFilter
from gui.worklist.thumbnails import Thumbnails

WIDE, NARROW = 264, 72  # pixels: lines, thumbnails


class WorklistView(QWidget):
    """The list, wide with its filter or as a column of thumbnails.

    Args:
        worklist: the files.
        thumbnails: where the pictures beside the names come from.
    """

    chosen = Signal(object)  # path
    place_changed = Signal()

    def __init__(self, worklist: Worklist, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._worklist = worklist
        self.filter = WorklistFilter(worklist, self)
        self.list = QListView()
        self.list.setAccessibleName("Worklist")
        self.list.setModel(self.filter)
        self._delegate = WorklistDelegate(thumbnails, self.list)
        self.list.setItemDelegate(self._delegate)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.selectionModel().currentChanged.connect(self._current_changed)
        thumbnails.ready.connect(self._thumbnail_ready)

        self.search = LineEdit()
        self.search.setPlaceholderText("Filter by name")
        self.search.setAccessibleName("Filter by name")
        self.search.setClearButtonEnabled(True)
        self.show_box = _box("Which files are shown", self._show_names())
        self.order_box = _box("What the list is sorted by", self._order_names())
        self.search.textChanged.connect(self._filter_changed)
        self.show_box.currentIndexChanged.connect(self._filter_changed)
        self.order_box.currentIndexChanged.connect(self.sort)
        self.only = QPushButton()
        self.only.setVisible(False)
        self.only.setToolTip("Show all files again")
        self.only.clicked.connect(self.clear_filter)
        self.count = QLabel()
        theme.styled(self.count, "small", "dim")

        self._lay_out()
        for signal in (self.filter.rowsInserted, self.filter.rowsRemoved, self.filter.modelReset,
                       self.filter.layoutChanged, worklist.rowsInserted, worklist.modelReset):  # fmt: skip
            signal.connect(self._recount)
        self._recount()
        self.set_wide(False)

    @property
    def wide(self) -> bool:
        """Whether names, predictions and the filter are shown, beside the thumbnails."""
        return self._delegate.wide

    def set_wide(self, wide: bool) -> None:
        """Show lines with the filter, or thumbnails alone; a filter that is set stays."""
        self._delegate.wide = wide
        self._tools.setVisible(wide)
        self.setMinimumWidth(WIDE if wide else NARROW)
        self.setMaximumWidth(2 * WIDE if wide else NARROW)
        self.list.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if wide else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        self.list.scheduleDelayedItemsLayout()
        self._recount()

    def place(self) -> str:
        """Return which file of how many is chosen, e.g. ``3 / 202``; empty where none is."""
        row = self.list.currentIndex().row()
        return f"{row + 1:,} / {self.filter.rowCount():,}" if row >= 0 else ""

    def current_path(self) -> Path | None:
        """Return the chosen file."""
        index = self.list.currentIndex()
        return index.data(ENTRY_ROLE).path if index.isValid() else None

    def selected_paths(self) -> list[Path]:
        """Return all selected files."""
        return [index.data(ENTRY_ROLE).path for index in self.list.selectedIndexes()]

    def all_paths(self) -> list[Path]:
        """Return all files, whatever the filter lets through."""
        return [entry.path for entry in self._worklist.entries()]

    def shown_entries(self) -> list[Entry]:
        """Return the files that the filter lets through, in order."""
        return [self.filter.index(row, 0).data(ENTRY_ROLE) for row in range(self.filter.rowCount())]

    def choose(self, path: Path) -> None:
        """Make a file the chosen one; a filter that hides it is cleared."""
        row = self._worklist.row_of(path)
        if row is None:
            return
        source = self._worklist.index(row)
        index = self.filter.mapFromSource(source)
        if not index.isValid():
            self.clear_filter()
            index = self.filter.mapFromSource(source)
        self._go_to(index)

    def remove(self, paths: Iterable[Path]) -> list[tuple[int, Entry]]:
        """Take files out of the list and return them; the chosen one stays chosen, else its neighbour is."""
        removed: list[tuple[int, Entry]] = []
        self._keep_place(lambda: removed.extend(self._worklist.remove(paths)))
        return removed

    def put_back(self, removed: Iterable[tuple[int, Entry]]) -> None:
        """Put files back that were taken out."""
        self._keep_place(lambda: self._worklist.put_back(removed))

    def _keep_place(self, change: Callable[[], object]) -> None:
        """Change the list as a whole, which makes the view forget what was chosen, and choose it again."""
        chosen, row = self.current_path(), self.list.currentIndex().row()
        change()
        source = None if chosen is None else self._worklist.row_of(chosen)
        if source is not None:
            with QSignalBlocker(self):  # it is the same as before
                self._go_to(self.filter.mapFromSource(self._worklist.index(source)))
        elif self.filter.rowCount():
            self._go_to(self.filter.index(min(max(row, 0), self.filter.rowCount() - 1), 0))

    def step(self, by: int) -> None:
        """Choose the file that many lines further down, as far as the list goes."""
        rows = self.filter.rowCount()
        if rows:
            row = self.list.currentIndex().row()
            self._go_to(self.filter.index(min(max(row + by, 0), rows - 1), 0))

    def choose_first(self) -> None:
        """Choose the first file that the filter lets through."""
        self.step(-self.filter.rowCount())

    def choose_last(self) -> None:
        """Choose the last file that the filter lets through."""
        self.step(self.filter.rowCount())

    def next_disagreement(self) -> bool:
        """Choose the next file on which the two disagree, from the top again after the end; return whether there is."""
        rows = self.filter.rowCount()
        first = self.list.currentIndex().row() + 1
        for i in range(rows):
            index = self.filter.index((first + i) % rows, 0)
            found = index.data(ENTRY_ROLE).file_result
            if found is not None and found.disagree:
                self._go_to(index)
                return True
        return False

    def sort(self) -> None:
        """Sort anew by what is chosen; results that came since find their places."""
        self._worklist.sort_by(self.order_box.currentData())

    def show_only(self, paths: Iterable[Path], words: str) -> None:
        """Show some files alone until the filter is cleared, and choose the first of them.

        Args:
            paths: the files.
            words: what they are; a button with these words shows all files again.
        """
        self.clear_filter()
        self.only.setText(f"✕ {words}")
        self.only.setVisible(True)
        self.filter.show_only(paths)
        self._recount()
        self.choose_first()

    def clear_filter(self) -> None:
        """Show all files."""
        self.only.setVisible(False)
        self.filter.show_only(None)
        self.search.clear()
        self.show_box.setCurrentIndex(0)

    def _go_to(self, index: QModelIndex) -> None:
        self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.list.scrollTo(index)

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self.place_changed.emit()
        if current.isValid():
            self.chosen.emit(current.data(ENTRY_ROLE).path)

    def _thumbnail_ready(self, path: Path) -> None:
        row = self._worklist.row_of(path)
        if row is not None:
            self.list.update(self.filter.mapFromSource(self._worklist.index(row)))

    def _filter_changed(self) -> None:
        self.filter.choose(self.show_box.currentData(), self.search.text())
        self._recount()

    def _recount(self) -> None:
        total, shown = self._worklist.rowCount(), self.filter.rowCount()
        if shown == total:
            words = f"{total:,} files" if total != 1 else "1 file"
        else:
            words = f"{shown:,} of {total:,}" + (" files" if self.wide else "")
        self.count.setText(words if total else "")
        self.place_changed.emit()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._tools = QWidget()
        tools = QVBoxLayout(self._tools)
        tools.setContentsMargins(8, 8, 8, 8)
        tools.setSpacing(8)
        tools.addWidget(self.search)
        boxes = QHBoxLayout()
        boxes.setSpacing(8)
        boxes.addWidget(self.show_box, 1)
        boxes.addWidget(self.order_box, 1)
        tools.addLayout(boxes)
        column.addWidget(self._tools)
        column.addWidget(self.only)
        column.addWidget(self.list, 1)
        self.count.setContentsMargins(8, 4, 0, 4)
        column.addWidget(self.count)

    def _show_names(self) -> dict[str, str]:
        return {
            Show.ALL: "All files",
            Show.DISAGREE: "Disagreements",
            Show.UNCERTAIN: "Uncertain",
            Show.NOVEL: "Not assessable",
            Show.FAILED: "Failed",
            Show.WAITING: "Not analysed",
            Show.UNREVIEWED: "Not reviewed",
        }

    def _order_names(self) -> dict[str, str]:
        return {
            Order.ADDED: "As opened",
            Order.NAME: "By name",
            Order.DIVERGENCE: "By disagreement",
            Order.TEACHER: "By teacher",
            Order.STUDENT: "By student",
            Order.TASK: "By task",
            Order.STATE: "By state",
        }


def _box(name: str, choices: dict[str, str]) -> ComboBox:
    box = ComboBox()
    box.setAccessibleName(name)
    box.setToolTip(name)
    box.setMinimumContentsLength(6)
    box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for value, words in choices.items():
        box.addItem(words, value)
    return box
