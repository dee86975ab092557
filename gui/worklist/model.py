"""The worklist's data: files and the predictions for each, as a table with a row for each file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.images.study import Study
from core.models.card import Role
from core.names import readable
from core.records.review import Review
from gui.common import theme
from gui.engine.result import ModelSummary
from gui.engine.results import Result
from gui.worklist.entry import Entry, Grouping, group_of
from gui.worklist.order import Order, sort_key

Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        head: its name.
        order: what a click on its name sorts by.
        cell: a file's text in it.
        width: pixels.
        role: the colour of its text.
    """

    head: str
    order: Order
    cell: Callable[[Entry], str]
    width: int
    role: theme.Role = "text"


COLUMNS = (
    Column("Image", Order.NAME, lambda entry: readable(entry.path.name), 128),
    Column("Teacher", Order.TEACHER, lambda entry: _prediction(entry, "teacher"), 144, "teacher"),
    Column("Student", Order.STUDENT, lambda entry: _prediction(entry, "student"), 144, "student"),
    Column("Agree", Order.DIVERGENCE, lambda entry: entry.sign, 56),
    Column("Your reading", Order.READING, lambda entry: entry.reading_words, 112),
    Column("Label", Order.LABEL, lambda entry: entry.label_words, 112),
    Column("Note", Order.READING, lambda entry: entry.review.note, 120, "dim"),
    Column("Folder or study", Order.ADDED, lambda entry: group_of(entry, Grouping.STUDY)[-1], 160, "dim"),
)


class Worklist(QAbstractTableModel):
    """The files, each once, in the order that was last asked for.

    Attributes:
        grouping: what files stand together by.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.grouping = Grouping.NONE
        self._entries: list[Entry] = []
        self._rows: dict[Path, int] = {}
        self._added = 0
        self._order = Order.ADDED

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of files."""
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: ANN401 - as Qt has it
        """Return a column's name."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].head
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:  # noqa: ANN401 - as Qt has it
        """Return an entry, or its texts for people and screen readers."""
        if not index.isValid():
            return None
        entry, column = self._entries[index.row()], COLUMNS[index.column()]
        if role == ENTRY_ROLE:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return column.cell(entry)
        if role == Qt.ItemDataRole.ForegroundRole:
            return theme.colour("warning" if entry.error and index.column() < 2 else column.role)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{readable(entry.path)}\n{entry.in_words()}"
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == 0:
            return f"{readable(entry.path.name)}. {entry.in_words()}"
        return None

    def entries(self) -> list[Entry]:
        """Return all files in their present order."""
        return list(self._entries)

    def entry_of(self, path: Path | None) -> Entry | None:
        """Return a file's entry, None if it is not in the list."""
        row = None if path is None else self._rows.get(path)
        return None if row is None else self._entries[row]

    def row_of(self, path: Path) -> int | None:
        """Return the row of a file, None if it is not in the list."""
        return self._rows.get(path)

    def add(self, paths: Iterable[Path]) -> int:
        """Append the files that are not in the list yet; return how many there were."""
        new = [path for path in dict.fromkeys(paths) if path not in self._rows]
        if not new:
            return 0
        first = len(self._entries)
        self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
        for row, path in enumerate(new, first):
            self._entries.append(Entry(path, self._added))
            self._rows[path] = row
            self._added += 1
        self.endInsertRows()
        return len(new)

    def remove(self, paths: Iterable[Path]) -> list[tuple[int, Entry]]:
        """Take files out of the list; they stay on disk. Return their rows and entries, for :meth:`put_back`."""
        doomed = set(paths)
        removed = [(row, entry) for row, entry in enumerate(self._entries) if entry.path in doomed]
        self._replace([entry for entry in self._entries if entry.path not in doomed])
        return removed

    def put_back(self, removed: Iterable[tuple[int, Entry]]) -> None:
        """Put files back in their rows, with all that was known of them, but those that were added again since."""
        entries = list(self._entries)
        for row, entry in removed:
            if entry.path not in self._rows:
                entries.insert(row, entry)
        self._replace(entries)

    def _replace(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self._entries = entries
        self._rows = {entry.path: row for row, entry in enumerate(entries)}
        self.endResetModel()

    def set_result(self, path: Path, result: Result) -> None:
        """Take the predictions for a file."""
        self._change(path, result, "")

    def set_error(self, path: Path, reason: str, *, unreadable: bool = False) -> None:
        """Note why a file could not be compared; an unreadable one can't be by any models."""
        self._change(path, None, reason, unreadable)

    def set_review(self, path: Path, review: Review) -> None:
        """Note the reading of a file."""
        row = self._rows.get(path)
        result = None if row is None else self._entries[row].result
        if row is not None and result is not None:
            result.review = review
            self._tell_changed(row, row)

    def tell_changed(self, path: Path) -> None:
        """Have a file shown anew whose reading was changed elsewhere."""
        if (row := self._rows.get(path)) is not None:
            self._tell_changed(row, row)

    def set_results(self, found: Mapping[Path, Result]) -> None:
        """Show the results of another choice; files that have none wait, but those that can't be read."""
        for entry in self._entries:
            entry.result = found.get(entry.path)
            if entry.result is not None or not entry.unreadable:
                entry.error, entry.unreadable = "", False
        if self._entries:
            self._tell_changed(0, len(self._entries) - 1)

    def set_studies(self, found: Mapping[Path, Study | None]) -> None:
        """Note which studies files belong to."""
        for path, study in found.items():
            if (row := self._rows.get(path)) is not None:
                self._entries[row].study = study
        self.sort_by(self._order, self.grouping)

    def sort_by(self, order: Order, grouping: Grouping = Grouping.NONE) -> None:
        """Sort the files, by groups first; those without predictions come last where predictions are the key."""
        self._order, self.grouping = order, grouping
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        held = [(self._entries[index.row()].path, index.column()) for index in old]
        self._entries.sort(key=sort_key(order, grouping))
        self._rows = {entry.path: row for row, entry in enumerate(self._entries)}
        self.changePersistentIndexList(old, [self.index(self._rows[path], column) for path, column in held])
        self.layoutChanged.emit()

    def _change(self, path: Path, result: Result | None, error: str, unreadable: bool = False) -> None:
        row = self._rows.get(path)
        if row is None:
            return
        entry = self._entries[row]
        entry.result, entry.error, entry.unreadable = result, error, unreadable
        self._tell_changed(row, row)

    def _tell_changed(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))


def _prediction(entry: Entry, role: Role) -> str:
    if entry.file_result is None:
        return ("Failed" if entry.error else "Not analysed yet") if role == "teacher" else ""
    one: ModelSummary = getattr(entry.file_result, role)
    return "not assessable" if one.novel else f"{100 * one.confidence:.0f} %  {one.name}"
