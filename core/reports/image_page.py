"""The page of one image in a report: study, result, pictures, findings, impression and signature."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from core.compare.comparison import Comparison, ModelResult
from core.compare.wording import HIDDEN, NO_COMPARISON, NOT_ASSESSABLE, agree_or_not, uncertainty
from core.explain.overlays import Pictures, grey_scale, heat_scale
from core.images.medical_image import MedicalImage
from core.reports.layout import FOOT, GAP, GREY, HEADING, INK, LINE, MOST_CLASSES, SMALL, STUDENT, TEACHER, TEXT, Sheets
from core.reports.text import Rgb, lines
from core.tasks import Task

CAUTION = (
    "A heat map shows what a prediction rests on, not where disease is. It can be wrong, and can rest on markers, "
    "edges or devices."
)
MOST_PORTRAIT = 1.2  # height over width up to which a picture fills its column
LOWEST = 120.0  # points that a picture has at least
PLAIN = 112.0  # width of the picture without a heat map
ROW, CLASS_ROW = 15.0, 14.0  # points that a line of the study or a class takes
SCALES, SIGNATURE = 33.0, 42.0  # points under a picture, and of the line at the end


@dataclass(frozen=True)
class PageText:
    """What a person or the settings add to a page.

    Attributes:
        name: how the image is called: its file's name, or a number.
        impression: free text.
        reader: who reads it, or an empty string.
        patient: name, number, date of birth and accession number, each empty where it is not known or not asked for.
        remark: what is said of the patient's identity.
        with_date: whether the study's date is printed.
        window: the pixel values spread over the scale of grey, None for the file's own way of showing itself.
    """

    name: str
    impression: str
    reader: str
    patient: tuple[str, str, str, str]
    remark: str
    with_date: bool
    window: tuple[float, float] | None


def image_page(sheets: Sheets, image: MedicalImage, comparison: Comparison, shown: Pictures, text: PageText) -> None:
    """Draw the page of one image, and further ones where a long text needs them."""
    task = comparison.teacher.bundle.card.described_task
    sheets.begin(f"Comparison of teacher and student · {task.name}", text.name)
    _study(sheets, image, text)
    _result(sheets, comparison, task)
    notices = [f"Note: {notice}" for notice in (*image.notices, *comparison.notices)]
    below = _height_below(sheets, notices, text.impression, shown, task)
    _pictures(sheets, comparison, shown, task, sheets.y - FOOT - below)
    sheets.paragraph(CAUTION, SMALL - 0.5, GREY)
    _findings(sheets, image, comparison, shown, text, task)
    for notice in notices:
        sheets.paragraph(notice, SMALL, GREY)
    _signature(sheets, text.reader)


def warnings(comparison: Comparison, task: Task) -> list[str]:
    """Return what limits the predictions: the image is not assessable, or several classes stay plausible."""
    found = []
    for role, result in (("Teacher", comparison.teacher), ("Student", comparison.student)):
        prediction = result.prediction
        who = f"{role} ({result.bundle.name})"
        if prediction.novelty is not None and prediction.is_out_of_distribution:
            found.append(f"{who} · {NOT_ASSESSABLE}. {prediction.novelty.reason}")
        elif words := uncertainty(task, prediction.predicted, prediction.plausible):
            found.append(f"{who} · {words}")
    return found


def file_facts(image: MedicalImage) -> str:
    """Return format, modality, size and spacing of an image in a line."""
    parts = [image.format, image.modality, f"{image.width} × {image.height} px"]
    if image.spacing is not None:
        parts.append(f"{image.spacing[0]:.3g} × {image.spacing[1]:.3g} mm")
    return " · ".join(filter(None, parts))


def window_words(image: MedicalImage, window: tuple[float, float] | None) -> str:
    """Return where the range of pixel values that is shown comes from."""
    if image.pixels.ndim == 3:
        return "colours as in the file"
    if window is not None:
        return "set by the reader"
    if image.lookup is not None:
        return "look-up table of the file"
    return "pixel range" if image.window is None else "window of the file"


def _study(sheets: Sheets, image: MedicalImage, text: PageText) -> None:
    """Draw the study in two columns; what is not known is a line to write on."""
    facts = [fact for fact in image.study if text.with_date or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", fact)]
    patient, number, born, accession = text.patient
    columns = (
        (("Patient", patient), ("Patient ID", number), ("Date of birth", born)),
        (("Study", " · ".join(facts)), ("Accession no.", accession), ("Image", text.name), ("File", file_facts(image))),
    )
    half = (sheets.room - GAP) / 2
    top = sheets.y - 10
    for column, fields in enumerate(columns):
        for row, (name, value) in enumerate(fields):
            sheets.field(name, value, sheets.left + column * (half + GAP), top - ROW * row, half, 64)
    sheets.text(sheets.left, top - 3 * ROW, text.remark, SMALL - 0.5, colour=GREY, room=half)
    sheets.y = top - 3 * ROW - 8
    sheets.line(sheets.y)


def _result(sheets: Sheets, comparison: Comparison, task: Task) -> None:
    """Draw what both found, whether they agree, and whether it is certain; under it, what limits it."""
    limits = warnings(comparison, task)
    sheets.y -= 4
    sheets.paragraph(_in_a_line(comparison, task, bool(limits)), HEADING + 1, bold=True)
    sheets.y -= 5
    if limits:
        sheets.warning("\n".join(limits))


def _in_a_line(comparison: Comparison, task: Task, is_limited: bool) -> str:
    if comparison.is_withheld:
        return NO_COMPARISON
    teacher, student = comparison.teacher.prediction, comparison.student.prediction
    if comparison.same_class:
        both = agree_or_not(task, teacher.predicted, student.predicted)
        words = f"✓ {both} · teacher {100 * teacher.confidence:.0f} %, student {100 * student.confidence:.0f} %"
    else:
        found = (f"{task.class_name(p.predicted)} {100 * p.confidence:.0f} %" for p in (teacher, student))
        words = "≠ Disagree: teacher {}, student {}".format(*found)
    if teacher.is_out_of_distribution or student.is_out_of_distribution:
        return f"Not to be relied on · {words[2:]}"
    return f"{words} · uncertain" if is_limited else words


def _height_below(sheets: Sheets, notices: list[str], impression: str, shown: Pictures, task: Task) -> float:
    """Return the points that all under the pictures takes."""
    texts = [(CAUTION, SMALL - 0.5), *((notice, SMALL) for notice in notices)]
    written = sum(len(lines(words, size, sheets.room)) * size * LINE for words, size in texts)
    table = _table_height(task) + HEADING * 2 + len(lines(impression, TEXT, _left_room(sheets))) * TEXT * LINE
    return SCALES + 28 + written + max(table, _plain_height(shown) + SCALES) + SIGNATURE


def _left_room(sheets: Sheets) -> float:
    return sheets.room - PLAIN - GAP


def _plain_height(shown: Pictures) -> float:
    return PLAIN * min(shown.aspect, MOST_PORTRAIT)


def _table_height(task: Task) -> float:
    more = len(task.classes) > MOST_CLASSES
    return CLASS_ROW * (min(len(task.classes), MOST_CLASSES) + 1 + more)


def _pictures(sheets: Sheets, comparison: Comparison, shown: Pictures, task: Task, room: float) -> None:
    """Draw the image with each network's heat map, side by side, as large as they fit."""
    column = (sheets.room - GAP) / 2
    height = max(LOWEST, min(column * min(shown.aspect, MOST_PORTRAIT), room))
    width = height / shown.aspect
    sheets.need(height + SCALES + 20)
    sheets.y -= 14
    top = sheets.y
    panels: list[tuple[str, Rgb, bytes | None, ModelResult]] = [
        ("Teacher", TEACHER, shown.teacher, comparison.teacher),
        ("Student", STUDENT, shown.student, comparison.student),
    ]
    for i, (title, colour, data, result) in enumerate(panels):
        x = sheets.left + i * (column + GAP)
        sheets.text(x, top, f"{title} · {result.bundle.name}", TEXT + 1, bold=True, colour=colour, room=column)
        x, y = x + (column - width) / 2, top - 6 - height
        sheets.picture(data or shown.image, x, y, width, height)
        if data is None:
            sheets.text(x, y - 10, _why_no_map(result), SMALL, colour=GREY, room=width)
        else:
            _heat_scale(sheets, result, task, x, y, width)
    sheets.y = top - 6 - height - SCALES + 6


def _why_no_map(result: ModelResult) -> str:
    if result.withheld:
        return "Hidden."
    return "No heat map was made." if result.heat_map is None else "Heat map not known well enough."


def _heat_scale(sheets: Sheets, result: ModelResult, task: Task, x: float, y: float, width: float) -> None:
    assert result.heat_map is not None  # noqa: S101 - a picture with a map has one
    sheets.picture(heat_scale(), x, y - 8, width, 4)
    sheets.text(x, y - 16, "low", SMALL, colour=GREY)
    sheets.text(x + width, y - 16, "high", SMALL, colour=GREY, align="right")
    explained = task.classes[result.heat_map.class_index].name
    sheets.text(x + width / 2, y - 16, f"evidence for {explained}", SMALL, colour=GREY, align="centre", room=width - 50)


def _findings(
    sheets: Sheets, image: MedicalImage, comparison: Comparison, shown: Pictures, text: PageText, task: Task
) -> None:
    """Draw the table of both predictions with the impression under it, and the image alone beside them."""
    room, aside = _left_room(sheets), _plain_height(shown) + SCALES
    sheets.need(max(_table_height(task) + HEADING * 2, aside) + 12)
    sheets.y -= 10
    page, top = sheets.page, sheets.y
    width = _plain_height(shown) / shown.aspect
    x = sheets.right - width
    sheets.picture(shown.image, x, top - _plain_height(shown), width, _plain_height(shown))
    _grey_scale(sheets, image, text.window, x, top - _plain_height(shown), width)
    _table(sheets, comparison, task, room)
    sheets.y -= HEADING * 1.6
    sheets.text(sheets.left, sheets.y, "Impression", HEADING, bold=True)
    sheets.y -= 3
    impression = text.impression.strip()
    sheets.paragraph(impression or "None given.", colour=INK if impression else GREY, room=room)
    if sheets.page == page:
        sheets.y = min(sheets.y, top - aside + 6)


def _grey_scale(
    sheets: Sheets, image: MedicalImage, window: tuple[float, float] | None, x: float, y: float, width: float
) -> None:
    words = window_words(image, window)
    if image.pixels.ndim == 3:
        sheets.text(x + width / 2, y - 10, words, SMALL, colour=GREY, align="centre", room=width)
        return
    sheets.picture(grey_scale(image.inverted), x, y - 8, width, 4)
    low, high = window or image.display_window()
    sheets.text(x, y - 16, f"{low:g}", SMALL, colour=GREY)
    sheets.text(x + width, y - 16, f"{high:g}", SMALL, colour=GREY, align="right")
    sheets.text(x + width / 2, y - 25, words, SMALL, colour=GREY, align="centre", room=width)


def _table(sheets: Sheets, comparison: Comparison, task: Task, room: float) -> None:
    """Draw the probability of each class by both networks, ``room`` wide, from the cursor down."""
    first, cell = sheets.left + room * 0.36, room * 0.32
    sheets.y -= TEXT
    sheets.text(sheets.left, sheets.y, "Finding", SMALL, bold=True, colour=GREY)
    sides = ((comparison.teacher, TEACHER, "Teacher"), (comparison.student, STUDENT, "Student"))
    for i, (_result, colour, title) in enumerate(sides):
        sheets.text(first + i * cell, sheets.y, title, SMALL, bold=True, colour=colour)
    sheets.line(sheets.y - 4, sheets.left, sheets.left + room)
    for index in _shown_classes(comparison, task):
        sheets.y -= CLASS_ROW
        tops = [not result.withheld and index == result.prediction.top for result, *_ in sides]
        sheets.text(sheets.left, sheets.y, task.classes[index].name, TEXT, bold=any(tops), room=room * 0.36 - 8)
        for i, (result, colour, _title) in enumerate(sides):
            x, end = first + i * cell, first + (i + 1) * cell - 10
            if result.withheld:
                sheets.text(end, sheets.y, HIDDEN, TEXT, align="right", colour=GREY)
                continue
            p = float(result.prediction.probabilities[index])
            sheets.bar(x, sheets.y, cell - 58, p, colour)
            sheets.text(end, sheets.y, f"{100 * p:.1f} %", TEXT, bold=tops[i], align="right")
    sheets.y -= 4
    if len(task.classes) > MOST_CLASSES:
        sheets.paragraph(f"The most probable {MOST_CLASSES} of {len(task.classes)} classes.", SMALL, GREY, room=room)


def _shown_classes(comparison: Comparison, task: Task) -> list[int]:
    """Return the indices of the classes that have room: all in their order, or the most probable ones of many."""
    if len(task.classes) <= MOST_CLASSES:
        return list(range(len(task.classes)))
    seen = [result.prediction for result in (comparison.teacher, comparison.student) if not result.withheld]
    if not seen:  # the order would tell the prediction
        return list(range(MOST_CLASSES))
    highest = (-np.sum([prediction.probabilities for prediction in seen], axis=0)).argsort(kind="stable")
    return [int(i) for i in highest[:MOST_CLASSES]]


def _signature(sheets: Sheets, reader: str) -> None:
    """Draw who reads it, when the report was made, and a line to sign on."""
    sheets.need(SIGNATURE)
    sheets.y = FOOT + 8  # what is left above it is room to write
    third = (sheets.room - 2 * GAP) / 3
    for i, (name, value) in enumerate((("Reader", reader), ("Date", sheets.made), ("Signature", ""))):
        sheets.field(name, value, sheets.left + i * (third + GAP), sheets.y, third)
