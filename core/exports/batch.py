"""A batch of comparisons, written in several formats at once and into the history."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from core.compare.agreement import Tally, too_few
from core.compare.ground_truth import Labels
from core.compare.record import ExportRecord, FailedRecord, Reading, Record, reason_of
from core.compare.session import Compared
from core.errors import SourceError, TwinlensError, UsageError, WriteError
from core.exports.format import ExportFormat, Result, Wanted, Write
from core.exports.formats import FORMATS
from core.names import path_from, readable
from core.records.analysis import analysis
from core.records.history import BUSY_SECONDS
from core.records.history_writer import HistoryWriter
from core.records.review import NO_REVIEW, Review
from core.system.atomic_files import cannot_write
from core.tasks import get_task


@dataclass
class _Output:
    """One place that results are written to; what was begun there is finished or discarded when ``stack`` is closed."""

    place: Path
    write: Write
    stack: ExitStack


@dataclass
class Outputs:
    """Writes each comparison in all formats that are wanted; files appear when the ``with`` block ends well.

    A format that can't be written any more, e.g. because its disk is full, is left out from then on; others continue.

    Attributes:
        wanted: what is to be written.
        settings: how the comparisons are made, plain values, for the history.
        remarks: lines for a person, when all is done.
        failed: whether something could not be done that was asked for.
        lost: why outputs were left out.

    Raises:
        UsageError: if there is no such format.
        WriteError: if one of the places can't be written from the start.
    """

    wanted: Wanted
    settings: Mapping[str, object] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    failed: bool = False
    lost: list[TwinlensError] = field(default_factory=list)
    _count: int = 0

    def __enter__(self) -> Self:
        self._tallies: dict[str, Tally] = {}
        self._labels = Labels()
        self._outputs: list[_Output] = []
        self._history = HistoryWriter(wait=BUSY_SECONDS) if self.wanted.history else None
        with ExitStack() as opened:
            for name, place in self.wanted.places.items():
                stack = opened.push(ExitStack())
                write = stack.enter_context(_format(name).open(place, self.wanted))
                self._outputs.append(_Output(place, write, stack))
            opened.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        for output in list(self._outputs):
            try:
                output.stack.__exit__(*exception)  # type: ignore[arg-type]
            except (WriteError, OSError) as error:
                if exception[0] is None:
                    self._give_up(output, error)
        if self._history is not None:
            with self._history:
                self._finish_history(self._history)
        for tally in self._tallies.values():
            self.remarks += _scores(tally)

    @property
    def is_going(self) -> bool:
        """Whether there is an output that is still written to."""
        return bool(self._outputs)

    def add(
        self,
        found: Compared,
        impression: str | None = None,
        window: tuple[float, float] | None = None,
        review: Review = NO_REVIEW,
    ) -> None:
        """Write one comparison, or that there is none.

        Args:
            found: the comparison.
            impression: free text for its page, None for the one that is wanted for all pages.
            window: the pixel values spread over the scale of grey; by default the file's own way of showing itself.
            review: your reading.
        """
        self._count += 1
        text = self.wanted.impression if impression is None else impression
        reading = reading_of(found.record, review, self._labels, text)
        exported = ExportRecord(self._as_shown(found.record, window), reading)
        comparison = found.comparison
        shown = comparison if comparison is None or self.wanted.with_hidden else comparison.withholding()
        result = Result(path_from(found.record.path), exported, found.image, shown, window)
        if self.wanted.labelled and comparison is not None:
            task = comparison.teacher.bundle.card.described_task
            predicted = (comparison.teacher.prediction.predicted, comparison.student.prediction.predicted)
            self._tallies.setdefault(task.id, Tally(task)).add(*predicted, reading.label)
        for output in list(self._outputs):
            self._write(output, result)
        if self._history is not None and found.image is not None and comparison is not None:
            place = None if self.wanted.hide_names else found.image.path
            self._history.record(analysis(found.image.digest, comparison, self.settings, place))

    def _as_shown(self, record: Record, window: tuple[float, float] | None) -> Record:
        """Return a record with the window that its image is shown in, and with its name hidden if that is wanted."""
        if window is not None and record.error is None:
            image = replace(record.image, shown_low=window[0], shown_high=window[1])
            record = replace(record, image=image)
        if not self.wanted.hide_names:
            return record
        name = f"Image {self._count}"
        if record.error is None:
            return replace(record, path=name)
        return FailedRecord(name, reason_of(record))

    def _write(self, output: _Output, result: Result) -> None:
        try:
            output.write(result)
        except SourceError as error:  # the other images' results are written all the same
            self.failed = True
            self.remarks.append(f"{result.exported.record.path}: {error.problem} {error.remedy}")
        except (WriteError, OSError) as error:
            with suppress(WriteError, OSError):
                output.stack.__exit__(type(error), error, error.__traceback__)
            self._give_up(output, error)

    def _give_up(self, output: _Output, error: WriteError | OSError) -> None:
        self._outputs.remove(output)
        self.failed = True
        self.lost.append(cannot_write(output.place, error) if isinstance(error, OSError) else error)
        self.remarks.append(f"Not written: {self.lost[-1]}")

    def _finish_history(self, history: HistoryWriter) -> None:
        if history.waiting:
            history.retry(patiently=True)
        if history.notice:
            self.remarks.append(history.notice)
        if history.waiting and history.is_safe:
            self.remarks.append(
                f"{history.waiting} analyses wait in {readable(history.waiting_file)}, and are recorded when the "
                f"history is next used: {history.error}"
            )
        elif history.waiting:
            self.remarks.append(f"No history is kept of {history.waiting} analyses: {history.error}")


def reading_of(record: Record, review: Review, labels: Labels, impression: str = "") -> Reading:
    """Return what stands beside a record: the reader's reading, and the true class if the folder states it."""
    label = None
    if record.task is not None:
        label = labels.of(path_from(record.path).absolute(), get_task(record.task))
    return Reading(label, review.reading, review.older, review.note, impression)


def _format(name: str) -> ExportFormat:
    if name not in FORMATS:
        raise UsageError(f"There is no export format {name!r}.", remedy=f"There are {', '.join(FORMATS)}.")
    return FORMATS[name]


def _scores(tally: Tally) -> list[str]:
    """Return what both models score on labelled images, in lines."""
    found = tally.scores()
    if found is None:
        return [
            f"{tally.task.name}: no folder is named after a class ({', '.join(tally.task.class_ids)}), and no "
            "manifest.csv names the images."
        ]
    lines = [f"{tally.task.name}, {tally.labelled} of {tally.images} images labelled, with 95 % intervals:"]
    for side, scores in zip(("teacher", "student"), found, strict=True):
        lines.append(f"  {side} accuracy {scores.accuracy}, macro F1 {scores.macro_f1}")
    if note := too_few(tally.labelled):
        lines.append(f"  ⚠ {note}")
    return lines
