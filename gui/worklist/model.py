"""The worklist's data: files, the predictions for each, sorting, and the filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from core.compare.record import Record, failed_record
from core.names import readable
from core.records.review import NO_REVIEW, Review
from core.tasks import TASKS
from gui.common.wording import review_words
from gui.engine.result import FileResult, ModelSummary
from gui.engine.results import Result

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
    UNCERTAIN = "unsure"
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
    TASK = "task"
    STATE = "state"


@dataclass(slots=True)
class Entry:
    """One file of the worklist.

    Attributes:
        path: the file.
        number: its place in the order in which files were added.
        result: the predictions by the present choice, with the review of them; None before there are any.
        error: why it could not be compared, or an empty string.
        unreadable: whether the reason is the file itself, so that no models could.
    """

    path: Path
    number: int
    result: Result | None = None
    error: str = ""
    unreadable: bool = False

    @property
    def file_result(self) -> FileResult | None:
        """The predictions of both models."""
        return None if self.result is None else self.result.file_result

    @property
    def review(self) -> Review:
        """The reader's opinion."""
        return NO_REVIEW if self.result is None else self.result.review

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.error:
            return State.FAILED
        return State.WAITING if self.file_result is None else State.DONE

    def record(self) -> Record | None:
        """Return its record for exports, None while nothing is known."""
        if self.error:
            return failed_record(self.path, self.error)
        return None if self.file_result is None else self.file_result.record


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
            return readable(entry.path.name)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{readable(entry.path)}\n{self._tooltip(entry)}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{readable(entry.path.name)}. {self._tooltip(entry)}"
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
        """Note the reader's opinion on a file."""
        row = self._rows.get(path)
        result = None if row is None else self._entries[row].result
        if row is not None and result is not None:
            result.review = review
            self.dataChanged.emit(self.index(row), self.index(row))

    def set_results(self, found: Mapping[Path, Result]) -> None:
        """Show the results of another choice; files that have none wait, but those that can't be read."""
        for entry in self._entries:
            entry.result = found.get(entry.path)
            if entry.result is not None or not entry.unreadable:
                entry.error, entry.unreadable = "", False
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))

    def sort_by(self, order: Order) -> None:
        """Sort the files; those without predictions come last where predictions are the key."""
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        entries = [self._entries[index.row()] for index in old]
        self._entries.sort(key=_KEYS[order])
        self._rows = {entry.path: row for row, entry in enumerate(self._entries)}
        self.changePersistentIndexList(old, [self.index(self._rows[entry.path]) for entry in entries])
        self.layoutChanged.emit()

    def _change(self, path: Path, result: Result | None, error: str, unreadable: bool = False) -> None:
        row = self._rows.get(path)
        if row is None:
            return
        entry = self._entries[row]
        entry.result, entry.error, entry.unreadable = result, error, unreadable
        self.dataChanged.emit(self.index(row), self.index(row))

    def _tooltip(self, entry: Entry) -> str:
        if entry.error:
            return f"Failed: {entry.error}"
        if entry.file_result is None:
            return "Not analysed yet"
        found = entry.file_result
        task = TASKS.get(found.record.task)
        lines = [
            *([] if task is None else [task.name]),
            self._side("Teacher: {0}", found.teacher),
            self._side("Student: {0}", found.student),
        ]
        if not found.novel:
            lines.append("Agree" if found.agree else "Disagree")
        if found.uncertain:
            lines.append("Uncertain: more than one class is plausible")
        if entry.review.opinion is not None:
            lines.append(f"Your reading: {review_words(entry.review.opinion)}")
        if entry.review.note:
            lines.append(f"Note: {entry.review.note}")
        return "\n".join(lines)

    def _side(self, words: str, summary: ModelSummary) -> str:
        """Return one model's prediction in words; nothing of one that is withheld."""
        if summary.novel:
            return words.format("not assessable: outside the training data")
        return words.format(f"{summary.name}, {100 * summary.confidence:.1f} %")


def _last_without(key: Callable[[FileResult], Any]) -> Callable[[Entry], tuple[Any, ...]]:
    """Sort by a key of the predictions; files without any, or where they are withheld (None), come last."""

    def of(entry: Entry) -> tuple[Any, ...]:
        value = None if entry.file_result is None else key(entry.file_result)
        return (1, 0, entry.number) if value is None else (0, value, entry.number)

    return of


_KEYS: dict[Order, Callable[[Entry], Any]] = {
    Order.ADDED: lambda entry: entry.number,
    Order.NAME: lambda entry: (entry.path.name.casefold(), entry.number),
    Order.TEACHER: _last_without(lambda v: None if v.teacher.novel else (v.teacher.name, -v.teacher.confidence)),
    Order.STUDENT: _last_without(lambda v: None if v.student.novel else (v.student.name, -v.student.confidence)),
    Order.DIVERGENCE: _last_without(lambda v: None if v.novel else -v.divergence),
    Order.TASK: _last_without(lambda v: v.record.task),
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
        self._only: frozenset[Path] | None = None

    def show_only(self, paths: Iterable[Path] | None) -> None:
        """Let through some files alone, in addition to the rest of the filter; None for all."""
        self.beginFilterChange()
        self._only = None if paths is None else frozenset(paths)
        self.endFilterChange()

    def choose(self, show: Show, text: str) -> None:
        """Let through files of one kind whose name holds a text, in capitals or not."""
        self.beginFilterChange()
        self._show, self._text = show, text.casefold()
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Return whether a row of the worklist is shown."""
        entry = self._worklist.index(row, 0, parent).data(ENTRY_ROLE)
        if self._only is not None and entry.path not in self._only:
            return False
        if self._text and self._text not in readable(entry.path.name).casefold():
            return False
        return _ACCEPTS[self._show](entry)


_ACCEPTS: dict[Show, Callable[[Entry], bool]] = {
    Show.ALL: lambda _entry: True,
    Show.DISAGREE: lambda entry: entry.file_result is not None and entry.file_result.disagree,
    Show.UNCERTAIN: lambda entry: entry.file_result is not None and entry.file_result.uncertain,
    Show.NOVEL: lambda entry: entry.file_result is not None and entry.file_result.novel,
    Show.FAILED: lambda entry: bool(entry.error),
    Show.WAITING: lambda entry: entry.state is State.WAITING,
    Show.UNREVIEWED: lambda entry: entry.file_result is not None and entry.review.opinion is None,
}
