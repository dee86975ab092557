"""All that a batch of comparisons can be written to at once: tables, report, pictures, DICOM results, history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from core.compare.agreement import Tally, too_few
from core.compare.batch import Compared, Record
from core.compare.comparison import Comparison
from core.compare.ground_truth import Labels
from core.errors import SourceError, TwinlensError, WriteError
from core.exports.dicom_objects import write_dicom_results
from core.exports.tables_and_maps import PICTURES, CsvTable, JsonLines, PictureFolder
from core.images.medical_image import MedicalImage
from core.names import path_from, readable
from core.records.history import BUSY_SECONDS, analysis
from core.records.history_writer import HistoryWriter
from core.records.review import NO_REVIEW, Review
from core.reports.layout import PaperSize
from core.reports.writer import ReportWriter
from core.system.atomic_files import cannot_write, make_folder, written_whole
from core.tasks import get_task


@dataclass(frozen=True)
class Wanted:
    """What is to be written; None or False is not.

    Attributes:
        csv: a table.
        jsonl: records as JSON lines.
        report: a PDF.
        paper: the report's paper.
        impression: free text for each of its pages.
        pictures: a folder for overlays and raw heat maps.
        picture_kinds: which of them, names of ``core.exports.tables_and_maps.PICTURES``.
        dicom: a folder for DICOM results.
        hide_names: whether images are called by numbers in place of their files' names.
        with_identity: whether the patient's identity is carried into report and DICOM results.
        with_refused: whether report, pictures and DICOM results hold the answers to images that a model can't judge.
            Tables and records always do: their column ``novel`` says it.
        labelled: whether both models are scored against the labels that a ``manifest.csv`` or the names of the images'
            folders tell (``core.compare.ground_truth``).
        history: whether the answers are recorded in the history.
    """

    csv: Path | None = None
    jsonl: Path | None = None
    report: Path | None = None
    paper: PaperSize = "A4"
    impression: str = ""
    pictures: Path | None = None
    picture_kinds: frozenset[str] = PICTURES
    dicom: Path | None = None
    hide_names: bool = False
    with_identity: bool = False
    with_refused: bool = False
    labelled: bool = False
    history: bool = False


@dataclass(frozen=True)
class _Result:
    """One file of a batch, as it is written."""

    path: Path
    record: Record
    image: MedicalImage | None
    comparison: Comparison | None  # None where the file can't be opened
    shown: Comparison | None  # less the answers that are withheld
    window: tuple[float, float] | None


@dataclass
class _Output:
    """One place that results are written to; what was begun there is finished or discarded when ``stack`` is closed."""

    place: Path
    write: Callable[[_Result], object]
    stack: ExitStack = field(default_factory=ExitStack)


@dataclass
class Outputs:
    """Writes each comparison to all that is wanted; files appear when the ``with`` block ends well.

    What can't be written any more, e.g. because its disk is full, is left out from then on, and the others go on.

    Attributes:
        wanted: what is to be written.
        task: the task of all images, or None where it is told from each image.
        settings: how the answers are made, plain values, for the history.
        remarks: lines for a person, when all is done.
        failed: whether something could not be done that was asked for.
        lost: why outputs were left out.

    Raises:
        WriteError: if one of the places can't be written from the start.
    """

    wanted: Wanted
    task: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
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
            for open_one in (self._table, self._lines, self._picture_folder, self._pdf, self._dicom_folder):
                output = open_one()
                if output is not None:
                    opened.push(output.stack)
                    self._outputs.append(output)
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
            review: what the reader thinks of both answers.
        """
        self._count += 1
        path = path_from(found.record["path"])
        text = self.wanted.impression if impression is None else impression
        record = read_by(found.record, review, self._labels) | {"impression": text}
        if window is not None and record["image"] is not None:
            record["image"] = {**record["image"], "shown_low": window[0], "shown_high": window[1]}
        if self.wanted.hide_names:
            record["path"] = f"Image {self._count}"
            record["error"] = record["error"] and _reason(found.record)
        comparison = found.comparison
        shown = comparison if comparison is None or self.wanted.with_refused else comparison.withholding()
        result = _Result(path, record, found.image, comparison, shown, window)
        if self.wanted.labelled and comparison is not None:
            task = get_task(record["task"])
            said = (comparison.teacher.prediction.predicted, comparison.student.prediction.predicted)
            self._tallies.setdefault(task.id, Tally(task)).add(*said, record["label"])
        for output in list(self._outputs):
            self._write(output, result)
        if self._history is not None and found.image is not None and comparison is not None:
            place = None if self.wanted.hide_names else found.image.path
            self._history.record(analysis(found.image.digest, comparison, self.settings, place))

    def _write(self, output: _Output, result: _Result) -> None:
        try:
            output.write(result)
        except SourceError as error:  # the other images' results are written all the same
            self.failed = True
            self.remarks.append(f"{result.record['path']}: {error.problem} {error.remedy}")
        except (WriteError, OSError) as error:
            with suppress(WriteError, OSError):
                output.stack.__exit__(type(error), error, error.__traceback__)
            self._give_up(output, error)

    def _give_up(self, output: _Output, error: WriteError | OSError) -> None:
        self._outputs.remove(output)
        self.failed = True
        self.lost.append(cannot_write(output.place, error) if isinstance(error, OSError) else error)
        self.remarks.append(f"Not written: {self.lost[-1]}")

    # what can be written

    def _table(self) -> _Output | None:
        if self.wanted.csv is None:
            return None
        stack = ExitStack()
        table = CsvTable(stack.enter_context(written_whole(self.wanted.csv)), self.task)
        return _Output(self.wanted.csv, lambda result: table.add(result.record), stack)

    def _lines(self) -> _Output | None:
        if self.wanted.jsonl is None:
            return None
        stack = ExitStack()
        lines = JsonLines(stack.enter_context(written_whole(self.wanted.jsonl)))
        return _Output(self.wanted.jsonl, lambda result: lines.add(result.record), stack)

    def _picture_folder(self) -> _Output | None:
        wanted = self.wanted
        if wanted.pictures is None:
            return None
        pictures = PictureFolder(wanted.pictures, hide_names=wanted.hide_names, kinds=wanted.picture_kinds)

        def write(result: _Result) -> None:
            if result.image is not None and result.shown is not None:
                pictures.add(result.image, result.shown, result.record, result.window)

        return _Output(wanted.pictures, write)

    def _pdf(self) -> _Output | None:
        wanted = self.wanted
        if wanted.report is None:
            return None
        stack = ExitStack()
        report = stack.enter_context(
            ReportWriter(wanted.report, wanted.paper, hide_names=wanted.hide_names, with_identity=wanted.with_identity)
        )

        def write(result: _Result) -> None:
            record = result.record
            if result.image is None or result.shown is None:
                report.add_failed(result.path, _reason(record))
            else:
                label = record["label"] if wanted.labelled else None
                report.add(result.image, result.shown, record["impression"], window=result.window, label=label)

        return _Output(wanted.report, write, stack)

    def _dicom_folder(self) -> _Output | None:
        wanted = self.wanted
        if wanted.dicom is None:
            return None
        folder = make_folder(wanted.dicom)

        def write(result: _Result) -> None:
            if result.image is not None and result.shown is not None:
                write_dicom_results(
                    folder, result.image, result.shown, keep_identity=wanted.with_identity, window=result.window
                )

        return _Output(folder, write)

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


def read_by(record: Record, review: Review, labels: Labels) -> Record:
    """Return a record with the reader's verdict and note, and the image's true class where its place tells it."""
    label = None
    if record["task"] is not None:
        label = labels.of(path_from(record["path"]).absolute(), get_task(record["task"]))
    return {**record, "label": label, "verdict": review.verdict, "note": review.note}


def _reason(record: Record) -> str:
    """Return a record's error without the path before it."""
    return str(record["error"]).removeprefix(f"{record['path']}: ")


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
