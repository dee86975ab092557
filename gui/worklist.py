"""The worklist's data: files, what both models said of each, sorting, and the filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from core.batch import Record, failed_record
from core.history import NO_REVIEW, Review
from gui.verdict import Verdict
from gui.wording import review_words

Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = int(Qt.ItemDataRole.UserRole)


class State(Enum):
    """Where a file stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Show(StrEnum):
    """Which files the filter lets through."""

    ALL = "all"
    DISAGREE = "disagree"
    UNSURE = "unsure"
    NOVEL = "novel"
    FAILED = "failed"
    WAITING = "waiting"
    UNREVIEWED = "unreviewed"


class Order(StrEnum):
    """What the list is sorted by."""

    ADDED = "added"
    NAME = "name"
    TEACHER = "teacher"
    STUDENT = "student"
    DIVERGENCE = "divergence"
    STATE = "state"


@dataclass(slots=True)
class Entry:
    """One file of the worklist.

    Attributes:
        path: the file.
        number: its place in the order in which files were added.
        verdict: what both models said, once they were asked.
        error: why it could not be compared, or an empty string.
        review: what the reviewer thinks of the verdict.
    """

    path: Path
    number: int
    verdict: Verdict | None = None
    error: str = ""
    review: Review = NO_REVIEW

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.error:
            return State.FAILED
        return State.WAITING if self.verdict is None else State.DONE

    def record(self) -> Record | None:
        """Return its record for exports, None while nothing is known."""
        if self.error:
            return failed_record(self.path, self.error)
        return None if self.verdict is None else self.verdict.record


class Worklist(QAbstractListModel):
    """The files, each once, in the order that was last asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[Entry] = []
        self._rows: dict[Path, int] = {}
        self._added = 0

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of files."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:  # noqa: ANN401 - as Qt has it
        """Return an entry, or its texts for people and screen readers."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == ENTRY_ROLE:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.path.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.path}\n{self._answer(entry)}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.path.name}. {self._answer(entry)}"
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

    def remove(self, paths: Iterable[Path]) -> None:
        """Take files out of the list; they stay on disk."""
        doomed = set(paths)
        self.beginResetModel()
        self._entries = [entry for entry in self._entries if entry.path not in doomed]
        self._rows = {entry.path: row for row, entry in enumerate(self._entries)}
        self.endResetModel()

    def set_verdict(self, path: Path, verdict: Verdict) -> None:
        """Note what both models said of a file."""
        self._change(path, verdict, "")

    def set_error(self, path: Path, reason: str) -> None:
        """Note why a file could not be compared."""
        self._change(path, None, reason)

    def set_review(self, path: Path, review: Review) -> None:
        """Note what the reviewer thinks of a file's verdict."""
        row = self._rows.get(path)
        if row is not None:
            self._entries[row].review = review
            self.dataChanged.emit(self.index(row), self.index(row))

    def forget_verdicts(self) -> None:
        """Put all files back to waiting: other models compare from now on."""
        for entry in self._entries:
            entry.verdict, entry.error, entry.review = None, "", NO_REVIEW
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))

    def sort_by(self, order: Order) -> None:
        """Sort the files; those without an answer come last where answers count."""
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        entries = [self._entries[index.row()] for index in old]
        self._entries.sort(key=_KEYS[order])
        self._rows = {entry.path: row for row, entry in enumerate(self._entries)}
        self.changePersistentIndexList(old, [self.index(self._rows[entry.path]) for entry in entries])
        self.layoutChanged.emit()

    def _change(self, path: Path, verdict: Verdict | None, error: str) -> None:
        row = self._rows.get(path)
        if row is None:
            return
        self._entries[row].verdict, self._entries[row].error = verdict, error
        self.dataChanged.emit(self.index(row), self.index(row))

    def _answer(self, entry: Entry) -> str:
        if entry.error:
            return self.tr("Failed: {0}").format(entry.error)
        if entry.verdict is None:
            return self.tr("Not analysed yet")
        teacher, student = entry.verdict.teacher, entry.verdict.student
        lines = [
            self.tr("Teacher: {0}, {1:.1f} %").format(teacher.name, 100 * teacher.confidence),
            self.tr("Student: {0}, {1:.1f} %").format(student.name, 100 * student.confidence),
            self.tr("They agree") if entry.verdict.agree else self.tr("They disagree"),
        ]
        if entry.verdict.unsure:
            lines.append(self.tr("Unsure: more than one class is plausible"))
        if entry.verdict.novel:
            lines.append(self.tr("Can't be judged: unlike the training images"))
        if entry.review.verdict is not None:
            lines.append(self.tr("You: {0}").format(review_words(entry.review.verdict)))
        if entry.review.note:
            lines.append(self.tr("Note: {0}").format(entry.review.note))
        return "\n".join(lines)


def _last_without_answer(key: Callable[[Verdict], Any]) -> Callable[[Entry], tuple[Any, ...]]:
    def of(entry: Entry) -> tuple[Any, ...]:
        return (1, 0, entry.number) if entry.verdict is None else (0, key(entry.verdict), entry.number)

    return of


_KEYS: dict[Order, Callable[[Entry], Any]] = {
    Order.ADDED: lambda entry: entry.number,
    Order.NAME: lambda entry: (entry.path.name.casefold(), entry.number),
    Order.TEACHER: _last_without_answer(lambda v: (v.teacher.name, -v.teacher.confidence)),
    Order.STUDENT: _last_without_answer(lambda v: (v.student.name, -v.student.confidence)),
    Order.DIVERGENCE: _last_without_answer(lambda v: -v.divergence),
    Order.STATE: lambda entry: (list(State).index(entry.state), entry.number),
}


class WorklistFilter(QSortFilterProxyModel):
    """The files that the filter lets through, in the worklist's order."""

    def __init__(self, worklist: Worklist, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(worklist)
        self._worklist = worklist
        self._show = Show.ALL
        self._text = ""

    def choose(self, show: Show, text: str) -> None:
        """Let through files of one kind whose name holds a text, in capitals or not."""
        self.beginFilterChange()
        self._show, self._text = show, text.casefold()
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Return whether a row of the worklist is shown."""
        entry = self._worklist.index(row, 0, parent).data(ENTRY_ROLE)
        if self._text and self._text not in entry.path.name.casefold():
            return False
        return _ACCEPTS[self._show](entry)


_ACCEPTS: dict[Show, Callable[[Entry], bool]] = {
    Show.ALL: lambda _entry: True,
    Show.DISAGREE: lambda entry: entry.verdict is not None and not entry.verdict.agree,
    Show.UNSURE: lambda entry: entry.verdict is not None and entry.verdict.unsure,
    Show.NOVEL: lambda entry: entry.verdict is not None and entry.verdict.novel,
    Show.FAILED: lambda entry: bool(entry.error),
    Show.WAITING: lambda entry: entry.state is State.WAITING,
    Show.UNREVIEWED: lambda entry: entry.verdict is not None and entry.review.verdict is None,
}
