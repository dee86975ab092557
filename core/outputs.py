"""All that a batch of comparisons can be written to at once: tables, report, pictures, DICOM results, history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from core.agreement_statistics import Tally
from core.batch import Compared, Record
from core.comparison import Comparison
from core.dicom_results import write_dicom_results
from core.errors import SourceError, TwinlensError
from core.export import PICTURES, CsvTable, JsonLines, PictureFolder
from core.files import written_whole
from core.history import NO_REVIEW, History, HistoryError, Review
from core.labels import Labels
from core.medical_image import MedicalImage
from core.report import ReportWriter
from core.report_layout import PaperSize
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
        picture_kinds: which of them, names of ``core.export.PICTURES``.
        dicom: a folder for DICOM results.
        hide_names: whether images are called by numbers in place of their files' names.
        with_identity: whether the patient's identity is carried into report and DICOM results.
        with_refused: whether report, pictures and DICOM results hold the answers to images that a model can't judge.
            Tables and records always do: their column ``novel`` says it.
        labelled: whether both models are scored against the labels that a ``manifest.csv`` or the names of the images'
            folders tell (``core.labels``).
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


@dataclass
class Outputs:
    """Writes each comparison to all that is wanted; files appear when the ``with`` block ends well.

    Attributes:
        wanted: what is to be written.
        task: the task of all images, or None where it is told from each image.
        settings: how the answers are made, plain values, for the history.
        remarks: lines for a person, when all is done.
        failed: whether something could not be done that was asked for.

    Raises:
        WriteError: if a file can't be written.
    """

    wanted: Wanted
    task: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    failed: bool = False
    _count: int = 0

    def __enter__(self) -> Self:
        wanted = self.wanted
        self._tallies: dict[str, Tally] = {}
        self._labels = Labels()
        self._records: list[Callable[[Record], None]] = []
        with ExitStack() as stack:
            if wanted.csv is not None:
                self._records.append(CsvTable(stack.enter_context(written_whole(wanted.csv)), self.task).add)
            if wanted.jsonl is not None:
                self._records.append(JsonLines(stack.enter_context(written_whole(wanted.jsonl))).add)
            self._pictures = None
            if wanted.pictures is not None:
                self._pictures = PictureFolder(
                    wanted.pictures, hide_names=wanted.hide_names, kinds=wanted.picture_kinds
                )
            self._report = None
            if wanted.report is not None:
                self._report = stack.enter_context(
                    ReportWriter(
                        wanted.report, wanted.paper, hide_names=wanted.hide_names, with_identity=wanted.with_identity
                    )
                )
            self._history = self._opened(stack) if wanted.history else None
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.__exit__(*exception)  # type: ignore[arg-type]
        for tally in self._tallies.values():
            self.remarks += _scores(tally)

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
        path = Path(found.record["path"])
        text = self.wanted.impression if impression is None else impression
        record = read_by(found.record, review, self._labels) | {"impression": text}
        if window is not None and record["image"] is not None:
            record["image"] = {**record["image"], "shown_low": window[0], "shown_high": window[1]}
        if self.wanted.hide_names:
            record["path"] = f"Image {self._count}"
            record["error"] = record["error"] and _reason(found.record)
        for write in self._records:
            write(record)
        if found.image is None or found.comparison is None:
            if self._report is not None:
                self._report.add_failed(path, _reason(found.record))
            return
        self._add_answers(found.image, found.comparison, record, window)

    def _add_answers(
        self, image: MedicalImage, comparison: Comparison, record: Record, window: tuple[float, float] | None
    ) -> None:  # fmt: skip
        label = record["label"] if self.wanted.labelled else None
        if self.wanted.labelled:
            task = get_task(record["task"])
            said = (comparison.teacher.prediction.predicted, comparison.student.prediction.predicted)
            self._tallies.setdefault(task.id, Tally(task)).add(*said, label)
        seen = comparison if self.wanted.with_refused else comparison.withholding()
        if self._report is not None:
            self._report.add(image, seen, record["impression"], window=window, label=label)
        if self._pictures is not None:
            self._pictures.add(image, seen, record, window)
        if self.wanted.dicom is not None:
            try:
                write_dicom_results(
                    self.wanted.dicom, image, seen, keep_identity=self.wanted.with_identity, window=window
                )
            except SourceError as error:  # the other images' results are written all the same
                self.failed = True
                self.remarks.append(f"{record['path']}: {error.problem} {error.remedy}")
        if self._history is not None:
            self._record(self._history, image, comparison)

    def _record(self, history: History, image: MedicalImage, comparison: Comparison) -> None:
        try:
            history.add(image.digest, comparison, self.settings, None if self.wanted.hide_names else image.path)
        except HistoryError as error:  # what was asked for, the comparison, goes on without it
            self.remarks.append(f"The history goes no further: {error}")
            self._history = None

    def _opened(self, stack: ExitStack) -> History | None:
        try:
            history = stack.enter_context(History())
        except TwinlensError as error:
            self.remarks.append(f"No history is kept: {error}")
            return None
        if history.notice:
            self.remarks.append(history.notice)
        return history


def read_by(record: Record, review: Review, labels: Labels) -> Record:
    """Return a record with the reader's verdict and note, and the image's true class where its place tells it."""
    label = None
    if record["task"] is not None:
        label = labels.of(Path(record["path"]).absolute(), get_task(record["task"]))
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
    return lines
