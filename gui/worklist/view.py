"""The worklist on screen: thumbnails, lines or a table, with filter and order; emits which file was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QLabel, QListView, QStackedLayout, QVBoxLayout, QWidget

from gui.common import theme
from gui.worklist.delegate import WorklistDelegate
from gui.worklist.entry import Entry, State
from gui.worklist.filter import Wanted, WorklistFilter
from gui.worklist.filter_bar import FilterBar
from gui.worklist.model import ENTRY_ROLE, Worklist
from gui.worklist.order import Order
from gui.worklist.studies import Studies
from gui.worklist.table import WorklistTable
from gui.worklist.thumbnails import Thumbnails

Mode = Literal["thumbnails", "lines", "table"]
WIDE, NARROW, TABLE = 264, 72, 720  # pixels: lines, thumbnails, table
COUNT_AFTER = 200  # milliseconds in which changes are counted once

Flag = QItemSelectionModel.SelectionFlag


class WorklistView(QWidget):
    """The worklist as thumbnails, as lines or as a table.

    The file that was chosen stays so until a person chooses another, also where a filter hides it.

    Args:
        worklist: the files.
        thumbnails: where the pictures beside the names come from.

    Attributes:
        filter: the files that are shown.
        list: thumbnails and lines.
        table: the table; both have one selection.
        bar: filter, order and groups.
        count: how many files there are, and how many of them are analysed and failed.
    """

    chosen = Signal(object)  # path
    place_changed = Signal()

    def __init__(self, worklist: Worklist, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._worklist = worklist
        self._shown: Path | None = None  # the file that was chosen
        self._gap = 0  # the row before which it stood, where a filter hides it
        self._seen = True  # whether the chosen row was in view before the list changed
        self.mode: Mode = "lines"
        self.filter = WorklistFilter(worklist, self)
        self.list = QListView()
        self._count_timer = self._timer(COUNT_AFTER, self._recount)
        self._return_timer = self._timer(0, lambda: self._return(scroll=self._seen))
        self._delegate = WorklistDelegate(thumbnails, self.list)
        self._studies = Studies(worklist, self)
        self.bar = FilterBar()
        self.search, self.show_box, self.order_box = self.bar.search, self.bar.show_box, self.bar.order_box
        self.count = QLabel()
        theme.styled(self.count, "small", "dim")
        self.filter.rowsAboutToBeRemoved.connect(self._before_removed)  # before the views make another row current
        self.filter.rowsAboutToBeInserted.connect(self._note_view)
        self.filter.layoutAboutToBeChanged.connect(self._note_view)
        self._set_up_list()
        self.table = WorklistTable(self.filter, self.list.selectionModel())
        self.table.installEventFilter(self)
        self.table.order_wanted.connect(self._choose_order)
        self._lay_out()
        selection = self.list.selectionModel()
        selection.currentChanged.connect(self._on_selected)
        selection.selectionChanged.connect(self._on_selected)
        thumbnails.ready.connect(self._thumbnail_ready)
        self.bar.filtered.connect(self._filter_changed)
        self.bar.sorted.connect(self.sort)
        self.filter.rowsInserted.connect(self._after_inserted)
        self.filter.rowsRemoved.connect(self._return_soon)
        self.filter.layoutChanged.connect(self._return_soon)
        worklist.rowsInserted.connect(self._on_added)
        worklist.dataChanged.connect(self._count_soon)
        worklist.modelReset.connect(self._recount)
        self._recount()
        self.set_mode("thumbnails")

    @property
    def wide(self) -> bool:
        """Whether names, predictions and the filter are shown, beside the thumbnails."""
        return self.mode != "thumbnails"

    def set_mode(self, mode: Mode) -> None:
        """Show thumbnails alone, lines, or a table; a filter that is set stays."""
        self.mode = mode
        self._delegate.wide = self.wide
        self.bar.setVisible(self.wide)
        self._views.setCurrentWidget(self.table if mode == "table" else self.list)
        self.setMinimumWidth(WIDE if self.wide else NARROW)
        self.setMaximumWidth({"thumbnails": NARROW, "lines": 2 * WIDE, "table": 2 * TABLE}[mode])
        self.list.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if self.wide else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        self.list.scheduleDelayedItemsLayout()
        self._recount()
        self._seen = True
        self._return_soon()

    @property
    def width_wanted(self) -> int:
        """The width in pixels that it takes when its mode is chosen."""
        return {"thumbnails": NARROW, "lines": WIDE, "table": TABLE}[self.mode]

    def view(self) -> QAbstractItemView:
        """Return the view on screen, which takes the keyboard."""
        return self.table if self.mode == "table" else self.list

    def place(self) -> str:
        """Return which file of how many is chosen, e.g. ``3 / 202``; – where a filter hides it, empty without one."""
        if self._shown is None:
            return ""
        row = self._row()
        return f"{'–' if row is None else f'{row + 1:,}'} / {self.filter.rowCount():,}"

    def current_path(self) -> Path | None:
        """Return the chosen file."""
        return self._shown

    def selected_paths(self) -> list[Path]:
        """Return all selected files."""
        return [index.data(ENTRY_ROLE).path for index in self.list.selectionModel().selectedRows()]

    def all_paths(self) -> list[Path]:
        """Return all files, whatever the filter lets through."""
        return [entry.path for entry in self._worklist.entries()]

    def shown_entries(self) -> list[Entry]:
        """Return the files that the filter lets through, in order."""
        return [self.filter.index(row, 0).data(ENTRY_ROLE) for row in range(self.filter.rowCount())]

    def choose(self, path: Path, *, keep_filter: bool = False) -> None:
        """Make a file the chosen one; a filter that hides it is cleared unless it is to be kept."""
        if self._worklist.row_of(path) is None:
            return
        if not self._index_of(path).isValid():
            if keep_filter:
                self._take(path)
                return
            self.clear_filter()
        self._go_to(self._index_of(path))

    def choose_if_shown(self, path: Path) -> None:
        """Make a file the chosen one, unless a filter hides it."""
        if self._index_of(path).isValid():
            self._go_to(self._index_of(path))

    def select(self, paths: Iterable[Path]) -> None:
        """Select files beside the chosen one, as far as they are shown."""
        for path in paths:
            index = self._index_of(path)
            if index.isValid():
                self.list.selectionModel().select(index, Flag.Select | Flag.Rows)

    def remove(self, paths: Iterable[Path]) -> list[tuple[int, Entry]]:
        """Take files out of the list and return them; the chosen one stays chosen, else its neighbour is."""
        removed: list[tuple[int, Entry]] = []
        self._keep_place(lambda: removed.extend(self._worklist.remove(paths)))
        return removed

    def put_back(self, removed: Iterable[tuple[int, Entry]]) -> None:
        """Put files back that were taken out."""
        self._keep_place(lambda: self._worklist.put_back(removed))

    def step(self, by: int) -> None:
        """Choose the file that many lines further down, as far as the list goes."""
        rows, row = self.filter.rowCount(), self._row()
        if rows:
            start = row if row is not None else self._gap - 1 if by > 0 else self._gap
            self._go_to(self.filter.index(min(max(start + by, 0), rows - 1), 0))

    def choose_first(self) -> None:
        """Choose the first file that the filter lets through."""
        self._go_to(self.filter.index(0, 0))

    def choose_last(self) -> None:
        """Choose the last file that the filter lets through."""
        self._go_to(self.filter.index(self.filter.rowCount() - 1, 0))

    def next_disagreement(self) -> bool:
        """Choose the next file on which the two disagree, from the top again after the end; return whether there is."""
        rows, row = self.filter.rowCount(), self._row()
        first = self._gap if row is None else row + 1
        for i in range(rows):
            index = self.filter.index((first + i) % rows, 0)
            found = index.data(ENTRY_ROLE).file_result
            if found is not None and found.disagree:
                self._go_to(index)
                return True
        return False

    def sort(self) -> None:
        """Sort anew by what is chosen; results that came since find their places."""
        self._worklist.sort_by(self.bar.order, self.bar.grouping)
        self._delegate.grouping = self.bar.grouping
        self._studies.read()
        self._return()

    def clear_filter(self) -> None:
        """Show all files."""
        self.bar.clear()

    def settings(self) -> dict[str, object]:
        """Return filter, order, groups and mode, to be restored at the next start."""
        return {**self.bar.settings(), "mode": self.mode}

    def restore(self, settings: Mapping[str, object]) -> None:
        """Take what :meth:`settings` returned."""
        self.bar.restore(settings)
        for mode in get_args(Mode):
            if settings.get("mode") == mode:
                self.set_mode(mode)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what has changed while it was hidden."""
        super().showEvent(event)
        self._return()
        self._recount()

    def hideEvent(self, event: QHideEvent) -> None:
        """Leave what is due until it is shown again."""
        super().hideEvent(event)
        self._count_timer.stop()
        self._return_timer.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Go on from where the chosen file stood, by the arrow keys, where a filter hides it."""
        if (
            isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._shown is not None and self._row() is None
        ):  # fmt: skip
            self.step(1 if event.key() == Qt.Key.Key_Down else -1)
            return True
        return super().eventFilter(watched, event)

    def _index_of(self, path: Path) -> QModelIndex:
        row = self._worklist.row_of(path)
        return QModelIndex() if row is None else self.filter.mapFromSource(self._worklist.index(row, 0))

    def _row(self) -> int | None:
        """Return the row of the chosen file, None where it is hidden."""
        index = QModelIndex() if self._shown is None else self._index_of(self._shown)
        return index.row() if index.isValid() else None

    def _go_to(self, index: QModelIndex) -> None:
        if index.isValid():
            self.list.selectionModel().setCurrentIndex(index, Flag.ClearAndSelect | Flag.Rows)
            self.view().scrollTo(index)

    def _on_selected(self, *_changed: QModelIndex | QItemSelection) -> None:
        """Take the current row as chosen where it is selected: Qt makes others current when rows vanish."""
        selection = self.list.selectionModel()
        current = selection.currentIndex()
        if current.isValid() and selection.isRowSelected(current.row()):
            self._take(current.data(ENTRY_ROLE).path)

    def _take(self, path: Path) -> None:
        if path != self._shown:
            self._shown = path
            self.place_changed.emit()
            self.chosen.emit(path)

    def _keep_place(self, change: Callable[[], object]) -> None:
        """Change the list as a whole, which makes the view forget what was chosen, and choose it again."""
        row = self._row()
        row = self._gap if row is None else row
        change()
        if self._shown is not None and self._worklist.row_of(self._shown) is not None:
            self._gap = min(row, self.filter.rowCount())
            self._return()
        else:
            self._shown = None
            self._go_to(self.filter.index(min(row, self.filter.rowCount() - 1), 0))
        self._recount()

    def _note_view(self) -> None:
        """Note, before the first of several changes, whether the chosen row is in view."""
        row = self._row()
        if row is not None and not self._return_timer.isActive():
            view = self.view()
            self._seen = view.visualRect(self.filter.index(row, 0)).intersects(view.viewport().rect())

    def _before_removed(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._note_view()
        row = self._row()
        if row is not None and first <= row <= last:
            self._gap = first
        elif row is None and first < self._gap:
            self._gap -= min(last + 1, self._gap) - first

    def _after_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        if self._row() is None and first < self._gap:
            self._gap += last - first + 1
        self._return_soon()

    def _on_added(self) -> None:
        if (self.bar.order, self.bar.grouping) != (self.bar.order_box.itemData(0), self.bar.group_box.itemData(0)):
            self.sort()
        self._recount()

    def _return_soon(self) -> None:
        """Bring the chosen row back, once for all changes that come together; into view if it was."""
        if self.isVisible():
            self._return_timer.start()
        self._count_soon()

    def _return(self, *, scroll: bool = True) -> None:
        """Make the chosen file's row the current one again, and bring it into view; where it is hidden none is."""
        if self._shown is None:
            return
        index, selection = self._index_of(self._shown), self.list.selectionModel()
        if index.isValid():
            if selection.currentIndex().row() != index.row() or not selection.isRowSelected(index.row()):
                selection.setCurrentIndex(index, Flag.ClearAndSelect | Flag.Rows)
            if scroll:
                self.view().scrollTo(index)
        elif selection.hasSelection():
            selection.clearSelection()

    def _thumbnail_ready(self, path: Path) -> None:
        self.list.update(self._index_of(path))

    def _filter_changed(self, wanted: Wanted) -> None:
        self.filter.choose(wanted)
        self._return()
        self._recount()

    def _count_soon(self) -> None:
        if not self.isVisible():
            self.place_changed.emit()  # it is counted when it is shown
        elif not self._count_timer.isActive():
            self._count_timer.start()

    def _recount(self) -> None:
        entries, shown = self._worklist.entries(), self.filter.rowCount()
        states = [entry.state for entry in entries]
        done, failed = states.count(State.DONE), states.count(State.FAILED)
        files = "1 file" if len(entries) == 1 else f"{len(entries):,} files"
        words = [files if shown == len(entries) else f"{shown:,} of {len(entries):,}"]
        full = [words[0], f"{done:,} analysed", *([f"{failed:,} failed"] if failed else [])]
        self.count.setText(" · ".join(full if self.wide else words) if entries else "")
        self.count.setToolTip(", ".join(full) if entries else "")
        self.place_changed.emit()

    def _timer(self, milliseconds: int, action: Callable[[], None]) -> QTimer:
        """Return a timer that does something once, after changes that come together."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(action)
        return timer

    def _set_up_list(self) -> None:
        self.list.setAccessibleName("Worklist")
        self.list.setModel(self.filter)
        self.list.setItemDelegate(self._delegate)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.installEventFilter(self)

    def _choose_order(self, order: Order) -> None:
        self.order_box.setCurrentIndex(self.order_box.findData(order))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        views = QWidget()
        self._views = QStackedLayout(views)
        self._views.addWidget(self.list)
        self._views.addWidget(self.table)
        column.addWidget(self.bar)
        column.addWidget(views, 1)
        self.count.setContentsMargins(8, 4, 0, 4)
        column.addWidget(self.count)
