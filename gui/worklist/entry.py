"""One file of the worklist: its predictions, label and reading, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path

from core.compare.record import PredictionRecord, Record, failed_record
from core.images.study import Study
from core.names import readable
from core.records.review import NO_REVIEW, Review
from core.tasks import TASKS, Task
from gui.common.wording import class_name
from gui.engine.result import FileResult, ModelSummary
from gui.engine.results import Result


class State(Enum):
    """Where a file stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Entry:
    """One file of the worklist.

    Attributes:
        path: the file.
        number: its place in the order in which files were added.
        result: the predictions by the present choice, with the reading of the image; None before there are any.
        error: why it could not be compared, or an empty string.
        unreadable: whether the reason is the file itself, so that no models could.
        study: the study that its header names, None where that has not been read, or there is none.
    """

    path: Path
    number: int
    result: Result | None = None
    error: str = ""
    unreadable: bool = False
    study: Study | None = None

    @property
    def file_result(self) -> FileResult | None:
        """The predictions of both models."""
        return None if self.result is None else self.result.file_result

    @property
    def review(self) -> Review:
        """The reader's reading and note."""
        return NO_REVIEW if self.result is None else self.result.review

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.error:
            return State.FAILED
        return State.WAITING if self.file_result is None else State.DONE

    @property
    def task(self) -> Task | None:
        """The task of its predictions."""
        return None if self.file_result is None else TASKS.get(self.file_result.record.task)

    @property
    def sign(self) -> str:
        """``✓`` where both agree, ``≠`` where not, ``⊘`` where a prediction is withheld, empty without any."""
        found = self.file_result
        if found is None:
            return ""
        return "⊘" if found.novel else "✓" if found.agree else "≠"

    @property
    def label(self) -> str | None:
        """The true class, where a folder or a manifest states it."""
        return None if self.file_result is None else self.file_result.label

    @property
    def label_words(self) -> str:
        """The true class in words."""
        return "" if self.label is None or self.task is None else class_name(self.task, self.label)

    @property
    def reading_words(self) -> str:
        """The reading in words, without the note."""
        return self.review.in_words(self.task)

    @property
    def wrong(self) -> float:
        """The highest confidence of a prediction that differs from the label, 0 where none does."""
        return self._highest_unlike(self.label)

    @property
    def against_reading(self) -> float:
        """The highest confidence of a prediction that differs from your reading, 0 where none does."""
        return self._highest_unlike(self.review.reading)

    @property
    def least_confidence(self) -> float | None:
        """The lower confidence of the predictions that are not withheld, None where there are none."""
        return min((one.confidence for one in self._shown()), default=None)

    def record(self) -> Record | None:
        """Return its record for exports, None while nothing is known."""
        if self.error:
            return failed_record(self.path, self.error)
        return None if self.file_result is None else self.file_result.record

    def in_words(self) -> str:
        """Return what is known of it in lines; nothing of a prediction that is withheld."""
        if self.error:
            return f"Failed: {self.error}"
        found = self.file_result
        if found is None:
            return "Not analysed yet"
        lines = [] if self.task is None else [self.task.name]
        lines += [f"Teacher: {_prediction(found.teacher)}", f"Student: {_prediction(found.student)}"]
        if not found.novel:
            lines.append("Agree" if found.agree else "Disagree")
        if found.uncertain:
            lines.append("Uncertain: more than one class is plausible")
        if self.label is not None:
            lines.append(f"Label: {self.label_words}")
        if self.reading_words:
            lines.append(f"Your reading: {self.reading_words}")
        if self.review.note:
            lines.append(f"Note: {self.review.note}")
        return "\n".join(lines)

    def _highest_unlike(self, expected: str | None) -> float:
        if expected is None:
            return 0.0
        return max((one.confidence for one in self._shown() if one.predicted != expected), default=0.0)

    def _shown(self) -> list[PredictionRecord]:
        """Return the predictions that are not withheld."""
        if self.file_result is None:
            return []
        record = self.file_result.record
        return [one for one in (record.teacher, record.student) if not one.novel]


class Grouping(StrEnum):
    """What files stand together by."""

    NONE = "none"
    FOLDER = "folder"
    STUDY = "study"


def group_of(entry: Entry, grouping: Grouping) -> tuple[str, ...]:
    """Return the group of a file: what sorts it and tells it from others, then its name; empty without grouping."""
    folder = entry.path.parent
    if grouping is Grouping.NONE:
        return ()
    if grouping is Grouping.FOLDER or entry.study is None:
        return ("", readable(folder), readable(Path(*folder.parts[-2:])))
    return ("study", entry.study.date, entry.study.uid, entry.study.words)


def _prediction(summary: ModelSummary) -> str:
    if summary.novel:
        return "not assessable: outside the training data"
    return f"{summary.name}, {100 * summary.confidence:.1f} %"
