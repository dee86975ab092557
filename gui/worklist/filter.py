"""Which files of the worklist are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel

from core.names import readable
from gui.worklist.entry import Entry, Grouping, State, group_of
from gui.worklist.model import ENTRY_ROLE, Worklist

Index = QModelIndex | QPersistentModelIndex


class Show(StrEnum):
    """Which files the filter lets through."""

    ALL = "all"
    DISAGREE = "disagree"
    UNCERTAIN = "unsure"
    NOVEL = "novel"
    WRONG = "wrong"
    AGAINST = "against"
    UNREAD = "unread"
    READ = "read"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class Wanted:
    """Which files are shown: those to which all of it applies.

    Attributes:
        show: the kind of files.
        text: occurs in the name, or in the name of the group, whatever the case.
        label: label of the true class, None for any.
        reading: your reading, None for any.
        below: a prediction that is shown has less than this confidence, in [0, 1]; None for any.
        only: these files alone, None for any.
    """

    show: Show = Show.ALL
    text: str = ""
    label: str | None = None
    reading: str | None = None
    below: float | None = None
    only: frozenset[Path] | None = None

    def accepts(self, entry: Entry, grouping: Grouping) -> bool:
        """Return whether a file is shown."""
        if self.only is not None and entry.path not in self.only:
            return False
        if self.text and self.text.casefold() not in _searched(entry, grouping):
            return False
        if self.label is not None and entry.label != self.label:
            return False
        if self.reading is not None and entry.review.reading != self.reading:
            return False
        if self.below is not None and not (entry.least_confidence or 1.0) < self.below:
            return False
        return _ACCEPTS[self.show](entry)


class WorklistFilter(QSortFilterProxyModel):
    """The files that the filter lets through, in the worklist's order."""

    def __init__(self, worklist: Worklist, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(worklist)
        self._worklist = worklist
        self.wanted = Wanted()

    def choose(self, wanted: Wanted) -> None:
        """Show the files that are wanted."""
        self.beginFilterChange()
        self.wanted = wanted
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Return whether a row of the worklist is shown."""
        entry: Entry = self._worklist.index(row, 0, parent).data(ENTRY_ROLE)
        return self.wanted.accepts(entry, self._worklist.grouping)


def _searched(entry: Entry, grouping: Grouping) -> str:
    return "\n".join((readable(entry.path.name), *group_of(entry, grouping)[-1:])).casefold()


_ACCEPTS: dict[Show, Callable[[Entry], bool]] = {
    Show.ALL: lambda _entry: True,
    Show.DISAGREE: lambda entry: entry.file_result is not None and entry.file_result.disagree,
    Show.UNCERTAIN: lambda entry: entry.file_result is not None and entry.file_result.uncertain,
    Show.NOVEL: lambda entry: entry.file_result is not None and entry.file_result.novel,
    Show.WRONG: lambda entry: entry.wrong > 0,
    Show.AGAINST: lambda entry: entry.against_reading > 0,
    Show.UNREAD: lambda entry: entry.file_result is not None and not entry.reading_words,
    Show.READ: lambda entry: bool(entry.reading_words),
    Show.FAILED: lambda entry: bool(entry.error),
    Show.WAITING: lambda entry: entry.state is State.WAITING,
}
