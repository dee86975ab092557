"""The page of one image in a report: the pictures, both predictions, the impression, and how they were made."""

from __future__ import annotations

from dataclasses import dataclass

from core.compare.comparison import Comparison, ModelResult
from core.compare.record import agreement_of
from core.compare.wording import (
    HIDDEN,
    NO_COMPARISON,
    NOT_ASSESSABLE,
    agree_or_not,
    figures,
    milliseconds,
    uncertainty,
)
from core.explain.overlays import Pictures, grey_scale, heat_scale
from core.images.medical_image import MedicalImage
from core.models.card import Card
from core.reports.layout import GAP, GREY, HEADING, INK, MOST_CLASSES, SMALL, STUDENT, TEACHER, TEXT, Sheets
from core.reports.text import Rgb
from core.runtimes.load import runtime_name
from core.tasks import Task

SALIENCY_CAUTION = (
    "A heat map shows which parts of the image a prediction rests on, not where disease is. It can be wrong where "
    "the prediction is right, look plausible where that is wrong, and rest on markers, edges or devices. Each "
    "map is scaled to its own highest value, so that brightness can't be compared between maps."
)
MOST_PORTRAIT = 1.2  # height over width up to which a picture fills its column
REST = 636.0  # points of a page that are not for the pictures, with up to five classes, so that all fits on one sheet
CLASS_ROW = 13.0  # points that a class takes


@dataclass(frozen=True)
class PageText:
    """What a person or the settings add to a page.

    Attributes:
        name: how the image is called: its file's name, or a number.
        impression: free text.
        identity: the patient's identity in a line, or what stands for it.
        window: the pixel values spread over the scale of grey, None for the file's own way of showing itself.
    """

    name: str
    impression: str
    identity: str
    window: tuple[float, float] | None


def image_page(sheets: Sheets, image: MedicalImage, comparison: Comparison, shown: Pictures, text: PageText) -> None:
    """Draw the page of one image, and further ones where a long text needs them."""
    task = comparison.teacher.bundle.card.described_task
    sheets.begin(f"Comparison of teacher and student · {task.name}", text.name)
    sheets.y -= 12
    sheets.text(sheets.left, sheets.y, text.name, HEADING + 1.5, bold=True, room=sheets.room)
    sheets.y -= 12
    sheets.text(sheets.left, sheets.y, _about(image), SMALL, colour=GREY, room=sheets.room)
    sheets.y -= 11
    sheets.text(sheets.left, sheets.y, text.identity, SMALL, colour=GREY, room=sheets.room)
    sheets.y -= 10
    _agreement(sheets, comparison, task)
    _pictures(sheets, image, comparison, shown, text, task)
    if shown.teacher or shown.student:
        sheets.paragraph(SALIENCY_CAUTION, SMALL - 0.5, GREY)
    _answers(sheets, comparison, task)
    sheets.heading("Impression")
    sheets.paragraph(text.impression.strip() or "None given.", colour=INK if text.impression.strip() else GREY)
    sheets.heading("How this was made", 60)
    columns = (sheets.left, sheets.left + 74, sheets.left + 74 + (sheets.room - 74 + GAP) / 2)
    sheets.table(_method(comparison, task), columns)
    for notice in (*image.notices, *comparison.notices):
        sheets.paragraph(f"Note: {notice}", SMALL, GREY)


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


def _both(comparison: Comparison) -> tuple[ModelResult, ModelResult]:
    return comparison.teacher, comparison.student


def _about(image: MedicalImage) -> str:
    parts = [image.format, image.modality, f"{image.width} × {image.height} pixels", f"{image.bits} bits"]
    if image.spacing is not None:
        parts.append(f"{image.spacing[0]:.3g} × {image.spacing[1]:.3g} mm a pixel")
    return " · ".join([*filter(None, parts), f"SHA-256 {image.digest[:16]}…"])


def _agreement(sheets: Sheets, comparison: Comparison, task: Task) -> None:
    for warning in warnings(comparison, task):
        sheets.warning(warning)
    if comparison.is_withheld:
        sheets.y -= HEADING + 2
        sheets.text(sheets.left, sheets.y, NO_COMPARISON, HEADING + 1, bold=True, colour=GREY)
        sheets.y -= 2
        sheets.paragraph("A prediction for an image outside the training data means nothing.", SMALL + 0.5, GREY)
        return
    first, second = (result.prediction.predicted for result in _both(comparison))
    both = agree_or_not(task, first, second)
    words, colour = f"{'✓' if comparison.same_class else '≠'} {both}", INK
    if any(result.prediction.is_out_of_distribution for result in _both(comparison)):
        words, colour = f"Not to be relied on · {both}", GREY
    sheets.y -= HEADING + 2
    sheets.text(sheets.left, sheets.y, words, HEADING + 1, bold=True, colour=colour, room=sheets.room)
    sheets.y -= 2
    sheets.paragraph(" · ".join(figures(task, first, agreement_of(comparison))), SMALL + 0.5, GREY)


def _pictures(
    sheets: Sheets, image: MedicalImage, comparison: Comparison, shown: Pictures, text: PageText, task: Task
) -> None:
    column = (sheets.room - 2 * GAP) / 3
    height = min(column * min(shown.aspect, MOST_PORTRAIT), sheets.height - REST - _beyond_five(task))
    width = height / shown.aspect
    sheets.y -= 20
    top = sheets.y
    panels: list[tuple[str, str, Rgb, bytes | None, ModelResult | None]] = [
        ("Image", "", INK, shown.image, None),
        ("Teacher", comparison.teacher.bundle.name, TEACHER, shown.teacher, comparison.teacher),
        ("Student", comparison.student.bundle.name, STUDENT, shown.student, comparison.student),
    ]
    for i, (title, name, colour, data, result) in enumerate(panels):
        x = sheets.left + i * (column + GAP)
        sheets.text(x, top, f"{title} · {name}" if name else title, TEXT + 1, bold=True, colour=colour, room=column)
        y = top - 6 - height
        if data is None:
            sheets.text(x, y + height - 20, _why_no_map(result), TEXT, colour=GREY, room=column)
            continue
        sheets.picture(data, x, y, width, height)
        if result is None:
            _grey_scale(sheets, image, text.window, x, y, width)
        else:
            _heat_scale(sheets, result, task, x, y, width, column)
    sheets.y = top - 6 - height - 31


def _why_no_map(result: ModelResult | None) -> str:
    if result is not None and result.withheld:
        return "Hidden."
    return "No heat map was made." if result is None or result.heat_map is None else "Heat map not known well enough."


def _grey_scale(
    sheets: Sheets, image: MedicalImage, window: tuple[float, float] | None, x: float, y: float, width: float
) -> None:
    if image.pixels.ndim == 3:
        sheets.text(x, y - 17, "colours as in the file", SMALL, colour=GREY)
        return
    sheets.picture(grey_scale(image.inverted), x, y - 9, width, 5)
    low, high = window or image.display_window()
    sheets.text(x, y - 17, f"{low:g}", SMALL, colour=GREY)
    sheets.text(x + width, y - 17, f"{high:g}", SMALL, colour=GREY, align="right")
    if window is not None:
        whose = "set by the reader"
    elif image.lookup is not None:
        whose = "look-up table of the file"
    elif image.window is not None:
        whose = "window of the file"
    else:
        whose = "pixel range"
    sheets.text(x + width / 2, y - 17, whose, SMALL, colour=GREY, align="centre")


def _heat_scale(
    sheets: Sheets, result: ModelResult, task: Task, x: float, y: float, width: float, column: float
) -> None:
    assert result.heat_map is not None  # noqa: S101 - a picture with a map has one
    sheets.picture(heat_scale(), x, y - 9, width, 5)
    sheets.text(x, y - 17, "low", SMALL, colour=GREY)
    sheets.text(x + width, y - 17, "high", SMALL, colour=GREY, align="right")
    explained = task.classes[result.heat_map.class_index].name
    sheets.text(x, y - 26, f"evidence for {explained}", SMALL, colour=GREY, room=column)


def _answers(sheets: Sheets, comparison: Comparison, task: Task) -> None:
    half = (sheets.room - GAP) / 2
    sheets.y -= 21
    top = sheets.y
    for i, (title, result, colour) in enumerate(
        (("Teacher", comparison.teacher, TEACHER), ("Student", comparison.student, STUDENT))
    ):
        x = sheets.left + i * (half + GAP)
        card = result.bundle.card
        name = f"{title} · {result.bundle.name}"
        sheets.text(x, top, name, HEADING, bold=True, room=half * 0.62, colour=colour)
        latency = milliseconds(result.prediction.latency.forward_ms)
        size = f"{card.parameters / 1e6:.1f} M parameters · {latency}"
        sheets.text(x + half, top, size, SMALL, colour=GREY, align="right")
        for row, index in enumerate(_shown_classes(result, task)):
            y = top - 16 - CLASS_ROW * row
            label = task.classes[index]
            if result.withheld:
                sheets.text(x, y, label.name, TEXT - 1, room=half * 0.61, colour=GREY)
                sheets.text(x + half, y, HIDDEN, TEXT - 0.5, align="right", colour=GREY)
                continue
            p = float(result.prediction.probabilities[index])
            first = index == result.prediction.top
            sheets.text(x, y, label.name, TEXT - 1, bold=first, room=half * 0.61)
            sheets.bar(x + half * 0.62, y, half * 0.22, p, colour)
            sheets.text(x + half, y, f"{100 * p:.1f} %", TEXT - 0.5, bold=first, align="right")
    sheets.y = top - 16 - CLASS_ROW * (min(MOST_CLASSES, len(task.classes)) - 1) - 4
    if len(task.classes) > MOST_CLASSES:
        sheets.paragraph(f"The most probable {MOST_CLASSES} of {len(task.classes)} classes.", SMALL, GREY)


def _beyond_five(task: Task) -> float:
    """Return the points that more classes than five take."""
    more = len(task.classes) > MOST_CLASSES
    return CLASS_ROW * max(0, min(len(task.classes), MOST_CLASSES) - 5 + more)


def _shown_classes(answer: ModelResult, task: Task) -> list[int]:
    """Return the indices of the classes that have room: all in their order, or the most probable ones of many."""
    if len(task.classes) <= MOST_CLASSES:
        return list(range(len(task.classes)))
    if answer.withheld:  # the order would tell the prediction
        return list(range(MOST_CLASSES))
    return [int(i) for i in (-answer.prediction.probabilities).argsort(kind="stable")[:MOST_CLASSES]]


def _method(comparison: Comparison, task: Task) -> list[tuple[str, str, str]]:
    results = _both(comparison)
    cards = [result.bundle.card for result in results]

    def row(name: str, values: list[str]) -> tuple[str, str, str]:
        return (name, values[0], values[1])

    return [
        row("Model", [f"{card.id}, made {card.training.made_on} by {card.training.maker}" for card in cards]),
        row("Weights", [f"SHA-256 {card.weights_sha256[:32]}…, stored as {card.storage}" for card in cards]),
        row("Test scores", [_scores(card) for card in cards]),
        row("Prediction", [_timing(result) for result in results]),
        row("Preprocessing", [card.preprocessing.in_words() for card in cards]),
        row("Heat map", [_map(result, task) for result in results]),
    ]  # fmt: skip


def _scores(card: Card) -> str:
    if not card.scores:
        return "None were measured."
    s = card.scores[0]
    return (
        f"Accuracy {100 * s.accuracy:.1f} %, macro F1 {100 * s.macro_f1:.1f} %, calibration error {100 * s.ece:.1f} %, "
        f"on {s.images} images: {s.dataset.split(' (')[0]}. {s.caution}"
    ).replace(" %", "\N{NO-BREAK SPACE}%")


def _timing(result: ModelResult) -> str:
    found = result.prediction
    times = (
        f"{milliseconds(found.latency.forward_ms)} forward, {milliseconds(found.latency.total_ms)} with preprocessing"
    )
    runtime = runtime_name(found.runtime)
    return f"{times}; {runtime}, {found.device}, {found.precision}; temperature {result.bundle.card.temperature:g}"


def _map(result: ModelResult, task: Task) -> str:
    found = result.heat_map
    if result.withheld:
        return "Hidden."
    if found is None:
        return "None was made."
    error = "exact" if found.estimated_error == 0 else f"estimated error {100 * found.estimated_error:.1f} %"
    return (
        f"Score-CAM for {task.classes[found.class_index].name} on layer {found.layer}, {found.method}: "
        f"{found.maps_scored} forwards for {found.maps_total} maps, {error}, {milliseconds(1e3 * found.seconds)}"
    )
