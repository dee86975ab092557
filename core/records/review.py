"""The reader's own reading of an image: a class of the task, another finding, or not assessable, with a note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from core.errors import UsageError
from core.tasks import Task

OTHER, NOT_ASSESSABLE = "other", "not_assessable"
Opinion = Literal["agree", "disagree", "unsure"]
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)


@dataclass(frozen=True)
class Review:
    """The reader's reading of an image.

    Attributes:
        reading: a class label of the task, ``other``, ``not_assessable``, or None where there is none.
        note: free text.
        older: what was said of the two predictions in a version that had no readings by class.
    """

    reading: str | None = None
    note: str = ""
    older: Opinion | None = None

    def __bool__(self) -> bool:
        return bool(self.reading or self.note or self.older)

    def in_words(self, task: Task | None) -> str:
        """Return the reading in words, without the note; empty where there is none.

        Args:
            task: whose classes are meant, None where it is no longer known.
        """
        if self.reading is None:
            return "" if self.older is None else f"{self.older.capitalize()} (older reading)"
        return self.reading if task is None else readings_of(task).get(self.reading, self.reading)


NO_REVIEW = Review()


def readings_of(task: Task) -> dict[str, str]:
    """Return what an image of a task can be read as, each with its name; a class called ``other`` is the only other."""
    classes = {label.id: label.name for label in task.classes}
    return {**classes, **{key: name for key, name in _OUTSIDE.items() if key not in classes}}


def reading_named(task: Task, text: str) -> str:
    """Return the reading that a person names by its label or its name, in capitals or not.

    Raises:
        UsageError: if the task has none of that name.
    """
    for key, name in readings_of(task).items():
        if text.casefold().replace("-", "_") in {word.casefold().replace("-", "_") for word in (key, name)}:
            return key
    raise UsageError(f"{task.name} can't be read as {text!r}.", remedy=f"Take one of {', '.join(readings_of(task))}.")


_OUTSIDE = {OTHER: "Other", NOT_ASSESSABLE: "Not assessable"}
