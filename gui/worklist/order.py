"""What the worklist can be sorted by."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from gui.engine.result import FileResult
from gui.worklist.entry import Entry, Grouping, State, group_of

Key = Callable[[Entry], Any]


class Order(StrEnum):
    """What the list is sorted by."""

    ADDED = "added"
    NAME = "name"
    TEACHER = "teacher"
    STUDENT = "student"
    DIVERGENCE = "divergence"
    CONFIDENCE = "confidence"
    LABEL = "label"
    READING = "reading"
    WRONG = "wrong"
    AGAINST = "against"
    TASK = "task"
    STATE = "state"


def sort_key(order: Order, grouping: Grouping) -> Key:
    """Return the key that sorts entries: by group, then in an order, then as they were added."""
    key = _KEYS[order]
    return lambda entry: (group_of(entry, grouping), key(entry), entry.number)


def _of_result(key: Callable[[FileResult], Any]) -> Key:
    """Sort by a key of the predictions; files without any, or where they are withheld (None), come last."""

    def of(entry: Entry) -> tuple[Any, ...]:
        value = None if entry.file_result is None else key(entry.file_result)
        return (1,) if value is None else (0, value)

    return of


def _known_first(key: Callable[[Entry], Any]) -> Key:
    """Sort by a key; files for which it is empty come last."""
    return lambda entry: (0, value) if (value := key(entry)) else (1,)


_KEYS: dict[Order, Key] = {
    Order.ADDED: lambda _entry: 0,
    Order.NAME: lambda entry: entry.path.name.casefold(),
    Order.TEACHER: _of_result(lambda v: None if v.teacher.novel else (v.teacher.name, -v.teacher.confidence)),
    Order.STUDENT: _of_result(lambda v: None if v.student.novel else (v.student.name, -v.student.confidence)),
    Order.DIVERGENCE: _of_result(lambda v: None if v.novel else -v.divergence),
    Order.CONFIDENCE: _known_first(lambda entry: entry.least_confidence),
    Order.LABEL: _known_first(lambda entry: entry.label_words),
    Order.READING: _known_first(lambda entry: entry.reading_words),
    Order.WRONG: _known_first(lambda entry: -entry.wrong),
    Order.AGAINST: _known_first(lambda entry: -entry.against_reading),
    Order.TASK: _of_result(lambda v: v.record.task),
    Order.STATE: lambda entry: list(State).index(entry.state),
}
