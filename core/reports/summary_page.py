"""The first pages of a report on many images: how often the two agree, what they score, and a line for each image."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.compare.agreement import Scores, Tally, too_few
from core.compare.wording import HIDDEN
from core.reports.layout import (
    GREY,
    HEADING,
    INK,
    MOST_CLASSES,
    RULE,
    SMALL,
    STUDENT,
    TEACHER,
    TEXT,
    TRACK,
    WARNING,
    PaperSize,
    Sheets,
)
from core.reports.letterhead import NO_LETTERHEAD, Letterhead
from core.reports.text import lines
from core.system.atomic_files import bytes_written_whole

CELL, ROW = 74.0, 13.0
SUMMARY_PREFIX = "S"  # of the summary's page numbers: it stands first and is written last


@dataclass(frozen=True)
class Line:
    """One image in the table of a summary.

    Attributes:
        page: the page that shows it, 0 where it could not be opened.
        name: how it is called.
        teacher: the teacher's prediction in words.
        student: the student's.
        same: whether they agree; None where one is hidden.
        warned: whether its page carries a warning.
        error: why it could not be opened, else an empty string.
    """

    page: int
    name: str
    teacher: str
    student: str
    same: bool | None
    warned: bool = False
    error: str = ""


def write_summary(
    path: Path, paper: PaperSize, tallies: list[Tally], rows: list[Line], letterhead: Letterhead = NO_LETTERHEAD
) -> None:
    """Write a PDF that holds the summary alone.

    Raises:
        WriteError: if it can't be written.
    """
    with bytes_written_whole(path) as file:
        sheets = Sheets(file, paper, datetime.now().astimezone(), letterhead=letterhead)
        sheets.prefix = SUMMARY_PREFIX
        summary_pages(sheets, tallies, rows)
        sheets.end()
        sheets.pdf.close()


def summary_pages(sheets: Sheets, tallies: list[Tally], rows: list[Line]) -> None:
    """Draw the summary."""
    sheets.begin("Summary", "Summary")
    opened = sum(not row.error for row in rows)
    hidden = sum(not row.error and row.same is None for row in rows)
    sheets.y -= 16
    sheets.text(sheets.left, sheets.y, f"Summary of {len(rows)} images", HEADING + 1.5, bold=True)
    sheets.y -= 4
    facts = [f"{opened - hidden} compared"]
    if hidden:
        facts.append(f"{hidden} {HIDDEN}")
    if opened < len(rows):
        facts.append(f"{len(rows) - opened} could not be opened")
    if warned := sum(row.warned for row in rows):
        facts.append(f"{WARNING} {warned} with a warning")
    sheets.paragraph(" · ".join(facts), TEXT, GREY)
    for tally in tallies:
        _agreement(sheets, tally)
    _table(sheets, rows)


def _agreement(sheets: Sheets, tally: Tally) -> None:
    classes = tally.task.classes
    fits = len(classes) <= MOST_CLASSES
    sheets.heading(tally.task.name, 90 + ROW * len(classes) * fits)
    kappa = "" if tally.kappa is None else f" · Cohen's kappa {tally.kappa:.2f}"
    same = int(tally.confusion.trace())
    sheets.paragraph(f"Both agree on {same} of {tally.images}: {tally.agreement}{kappa}")
    if fits:
        _confusion(sheets, tally)
    if (found := tally.scores()) is not None:
        _scores(sheets, tally, found)


def _confusion(sheets: Sheets, tally: Tally) -> None:
    """Draw how often each class of the teacher met each of the student."""
    classes = tally.task.classes
    first = sheets.left + 150
    cell = min(CELL, (sheets.right - first) / len(classes))
    sheets.y -= ROW + 2
    sheets.text(first, sheets.y, "Student →", SMALL, bold=True, colour=STUDENT)
    heads = [lines(label.name, SMALL, cell - 10) for label in classes]
    sheets.y -= 10 * max(map(len, heads))
    for column, head in enumerate(heads):
        for i, line in enumerate(reversed(head)):
            right = first + cell * (column + 1) - 6
            sheets.text(right, sheets.y + 10 * i, line, SMALL, colour=GREY, align="right")
    sheets.text(sheets.left, sheets.y, "Teacher ↓", SMALL, bold=True, colour=TEACHER)
    sheets.y -= 2
    table = tally.confusion
    for i, label in enumerate(classes):
        sheets.y -= ROW
        sheets.text(sheets.left, sheets.y, label.name, SMALL, room=146)
        for j in range(len(classes)):
            x = first + cell * j
            if i == j:
                sheets.pdf.canvas.setFillColorRGB(*TRACK)
                sheets.pdf.canvas.rect(x, sheets.y - 3.5, cell - 2, ROW - 1, stroke=0, fill=1)
            sheets.text(x + cell - 6, sheets.y, str(table[i, j]), TEXT - 0.5, bold=i == j, align="right")
    sheets.y -= 6


def _scores(sheets: Sheets, tally: Tally, found: tuple[Scores, Scores]) -> None:
    sheets.heading(f"Against the labels of {tally.labelled} images", 40)
    rows = [("with 95 % intervals", "Teacher", "Student")]
    rows.append(("Accuracy", *(str(s.accuracy) for s in found)))  # type: ignore[arg-type]
    rows.append(("Macro F1", *(str(s.macro_f1) for s in found)))  # type: ignore[arg-type]
    for label in found[0].recall if len(tally.task.classes) <= MOST_CLASSES else ():
        name = f"Recall, {tally.task.class_name(label)}"
        rows.append((name, str(found[0].recall[label]), str(found[1].recall[label])))
    sheets.table(rows, (sheets.left, sheets.left + 170, sheets.left + 340))
    if note := too_few(tally.labelled):
        sheets.paragraph(f"{WARNING} {note[0].upper()}{note[1:]}.", SMALL)


def _table(sheets: Sheets, rows: list[Line]) -> None:
    """Draw a line for each image."""
    sheets.heading("Images", 40)
    left, room = sheets.left, sheets.room
    ends = [left + 28, left + 0.32 * room, left + 0.60 * room, left + 0.88 * room, sheets.right]
    page = 0
    for number, row in enumerate(rows, 1):
        sheets.need(ROW)
        if sheets.page != page:
            page = sheets.page
            _head(sheets, ends)
        sheets.y -= ROW
        y = sheets.y
        sheets.text(left + 20, y, str(number), SMALL, colour=GREY, align="right")
        sheets.text(ends[0], y, row.name, SMALL, room=ends[1] - ends[0] - 8)
        if row.error:
            sheets.text(ends[1], y, f"{WARNING} {row.error}", SMALL, colour=GREY, room=sheets.right - ends[1])
            continue
        sheets.text(ends[1], y, row.teacher, SMALL, colour=TEACHER, room=ends[2] - ends[1] - 8)
        sheets.text(ends[2], y, row.student, SMALL, colour=STUDENT, room=ends[3] - ends[2] - 8)
        sign = {True: "✓", False: "≠", None: "–"}[row.same] + (f" {WARNING}" if row.warned else "")
        sheets.text(ends[3], y, sign, SMALL, bold=True, colour=INK)
        sheets.text(sheets.right, y, str(row.page), SMALL, colour=GREY, align="right")


def _head(sheets: Sheets, ends: list[float]) -> None:
    sheets.y -= ROW
    for x, title in zip(ends, ("image", "teacher", "student", "agree", "page"), strict=True):
        align = "right" if title == "page" else "left"
        sheets.text(x, sheets.y, title, SMALL, bold=True, colour=GREY, align=align)  # type: ignore[arg-type]
    canvas = sheets.pdf.canvas
    canvas.setStrokeColorRGB(*RULE)
    canvas.line(sheets.left, sheets.y - 4, sheets.right, sheets.y - 4)
    sheets.y -= 3
