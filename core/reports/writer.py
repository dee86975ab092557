"""The PDF report: a summary where there are several images, a page for each, and a technical appendix."""

from __future__ import annotations

import re
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Self

from core.compare.agreement import Tally
from core.compare.comparison import Comparison, ModelResult
from core.compare.wording import HIDDEN
from core.explain.overlays import pictures
from core.images.medical_image import MedicalImage, PatientIdentity
from core.names import readable
from core.reports.appendix import Appendix
from core.reports.image_page import PageText, image_page, warnings
from core.reports.layout import PaperSize, Sheets
from core.reports.letterhead import NO_LETTERHEAD, Letterhead
from core.reports.person_name import name_in_words
from core.reports.right_to_left import isolated
from core.reports.summary_page import SUMMARY_PREFIX, Line, summary_pages
from core.system.atomic_files import bytes_written_whole
from core.tasks import Task


class ReportWriter:
    """Writes a report image by image; of each only a few lines stay in memory, for summary and appendix.

    The file appears under its name only when the ``with`` block ends well: an exception, a cancelled job's among them,
    leaves nothing behind, and what was there before stays.

    Args:
        path: where it is written.
        paper: size of the paper.
        hide_names: whether images are called by numbers in place of their files' names.
        with_identity: whether the identity that an image carries (``read_image(…, with_identity=True)``) is printed,
            and the date of its study.
        letterhead: institution, reader and logo.
        with_appendix: whether it ends with the technical appendix.

    Raises:
        WriteError: if it can't be written.
    """

    def __init__(
        self,
        path: Path,
        paper: PaperSize = "A4",
        *,
        hide_names: bool = False,
        with_identity: bool = False,
        letterhead: Letterhead = NO_LETTERHEAD,
        with_appendix: bool = True,
    ) -> None:
        self._path = path
        self._paper = paper
        self._hide_names = hide_names
        self._with_identity = with_identity
        self._letterhead = letterhead
        self._appendix = Appendix() if with_appendix else None
        self._tallies: dict[str, Tally] = {}
        self._rows: list[Line] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            file = stack.enter_context(bytes_written_whole(self._path))
            self._sheets = Sheets(file, self._paper, datetime.now().astimezone(), letterhead=self._letterhead)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        with self._stack:
            if kind is None:
                self._finish()
            else:
                self._sheets.pdf.discard()
                self._stack.__exit__(kind, *rest)  # type: ignore[arg-type]

    def add(
        self,
        image: MedicalImage,
        comparison: Comparison,
        impression: str = "",
        *,
        window: tuple[float, float] | None = None,
        label: str | None = None,
    ) -> None:
        """Write the page of one image.

        Args:
            image: the opened image.
            comparison: both models on it; a prediction that is withheld is not printed.
            impression: the reader's free text, printed literally.
            window: the pixel values spread over the scale of grey; by default the file's own way of showing itself.
            label: the image's true class where it is known, for the scores in the summary.
        """
        task = comparison.teacher.bundle.card.described_task
        maps = comparison.teacher.drawn_map, comparison.student.drawn_map
        patient, remark = self._identity(image)
        text = PageText(
            self._name(image.path), impression, self._letterhead.reader, patient, remark, self._with_identity, window
        )
        first = self._sheets.page + 1
        image_page(self._sheets, image, comparison, pictures(image, *maps, window), text)
        if self._appendix is not None:
            self._appendix.add(first, text.name, image, comparison, window)
        if not comparison.is_withheld:
            predicted = (comparison.teacher.prediction.predicted, comparison.student.prediction.predicted)
            self._tallies.setdefault(task.id, Tally(task)).add(*predicted, label)
        self._rows.append(
            Line(
                page=first,
                name=text.name,
                teacher=_in_words(comparison.teacher, task),
                student=_in_words(comparison.student, task),
                same=None if comparison.is_withheld else comparison.same_class,
                warned=bool(warnings(comparison, task)),
            )
        )

    def add_failed(self, path: Path, reason: str) -> None:
        """Note an image that could not be opened; it has a line in the summary."""
        self._rows.append(Line(0, self._name(path), "", "", False, error=reason))

    def _finish(self) -> None:
        if self._appendix is not None:
            self._appendix.draw(self._sheets)
        if len(self._rows) > 1 or not any(row.page for row in self._rows):
            self._sheets.end()
            self._sheets.page, self._sheets.prefix = 0, SUMMARY_PREFIX
            summary_pages(self._sheets, list(self._tallies.values()), self._rows)
            self._sheets.end()
            self._sheets.pdf.move_to_front(self._sheets.page, SUMMARY_PREFIX)
        self._sheets.end()
        self._sheets.pdf.close()

    def _name(self, path: Path) -> str:
        return f"Image {len(self._rows) + 1}" if self._hide_names else isolated(readable(path.name))

    def _identity(self, image: MedicalImage) -> tuple[tuple[str, str, str, str], str]:
        """Return name, number, birth date and accession number, empty where not known, and a remark on them."""
        if not self._with_identity:
            remark = f"Pseudonym {image.digest[:8]} · the patient's identity is not part of this report"
            return ("", "", "", ""), remark
        who = image.identity or PatientIdentity()
        known = (name_in_words(who.name), who.patient_id, _date(who.birth_date), who.accession)
        name, number, born, accession = map(isolated, known)
        return (name, number, born, accession), "" if any(known) else "The file names no patient."


def _in_words(result: ModelResult, task: Task) -> str:
    found = result.prediction
    return HIDDEN if result.withheld else f"{task.class_name(found.predicted)} {100 * found.confidence:.1f} %"


def _date(stated: str) -> str:
    """Return a date as DICOM files state it in the form of ISO 8601; anything else as it is."""
    return f"{stated[:4]}-{stated[4:6]}-{stated[6:]}" if re.fullmatch(r"\d{8}", stated) else stated
