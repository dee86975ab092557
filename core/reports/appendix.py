"""The technical appendix of a report: how its predictions and heat maps were made, once for all its images."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.compare.comparison import Comparison, ModelResult
from core.compare.record import agreement_of
from core.compare.wording import figures, milliseconds
from core.explain.heatmap import HeatMap
from core.explain.reference_cams import METHODS
from core.images.medical_image import MedicalImage
from core.models.card import Card
from core.reports.image_page import file_facts, window_words
from core.reports.layout import GAP, GREY, SMALL, STUDENT, TEACHER, TEXT, Sheets
from core.runtimes.load import runtime_name
from core.tasks import Task

SALIENCY_CAUTION = (
    "A heat map shows which parts of the image a prediction rests on, not where disease is. It can be wrong where "
    "the prediction is right, look plausible where that is wrong, and rest on markers, edges or devices. Each "
    "map is scaled to its own highest value, so that brightness can't be compared between maps."
)
Row = tuple[str, str, str]


@dataclass
class _Models:
    """Both models of some images, and how they were run and explained there, each way once."""

    title: str
    cards: tuple[Card, Card]
    runs: tuple[dict[str, None], dict[str, None]] = field(default_factory=lambda: ({}, {}))
    maps: tuple[dict[str, None], dict[str, None]] = field(default_factory=lambda: ({}, {}))


class Appendix:
    """Gathers a few lines of each image; drawn when all are known."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], _Models] = {}
        self._images: list[tuple[str, str, Row, str]] = []

    def add(
        self, page: int, name: str, image: MedicalImage, comparison: Comparison, window: tuple[float, float] | None
    ) -> None:
        """Note how the predictions and heat maps of an image were made.

        Args:
            page: the page that shows it.
            name: how it is called.
            image: the opened image.
            comparison: both models on it.
            window: the pixel values spread over the scale of grey, None for the file's own way.
        """
        both = (comparison.teacher, comparison.student)
        cards = (both[0].bundle.card, both[1].bundle.card)
        task = cards[0].described_task
        key = (cards[0].weights_sha256, cards[1].weights_sha256)
        models = self._models.setdefault(key, _Models(task.name, cards))
        for i, result in enumerate(both):
            models.runs[i][_run(result)] = None
            if not result.withheld and result.heat_map is not None:
                models.maps[i][_method(result.heat_map)] = None
        facts = (f"SHA-256 {image.digest}", file_facts(image), f"{image.bits} bits", window_words(image, window))
        row = ("Forward, heat map", _made(both[0], task), _made(both[1], task))
        agreed = "" if comparison.is_withheld else _agreement(comparison, task)
        self._images.append((f"{name} · page {page}", " · ".join(facts), row, agreed))

    def draw(self, sheets: Sheets) -> None:
        """Draw what was gathered, on pages of its own."""
        if not self._images:
            return
        sheets.begin("Technical appendix", "Technical appendix")
        columns = (sheets.left, sheets.left + 74, sheets.left + 74 + (sheets.room - 74 + GAP) / 2)
        for models in self._models.values():
            sheets.heading(f"Models: {models.title}", 60)
            sheets.y -= TEXT + 3
            for x, words, colour in ((columns[1], "Teacher", TEACHER), (columns[2], "Student", STUDENT)):
                sheets.text(x, sheets.y, words, SMALL, bold=True, colour=colour)
            sheets.table(_rows(models), columns)
        sheets.heading("Heat maps", 40)
        sheets.paragraph(SALIENCY_CAUTION, SMALL, GREY)
        sheets.heading("Image" if len(self._images) == 1 else "Images", 60)
        for name, about, row, agreed in self._images:
            sheets.need(48)
            sheets.y -= 4
            sheets.paragraph(name, SMALL + 0.5, bold=True)
            sheets.paragraph(about, SMALL, GREY)
            if agreed:
                sheets.paragraph(agreed, SMALL, GREY)
            sheets.table([row], columns)


def _rows(models: _Models) -> list[Row]:
    cards = models.cards

    def row(name: str, values: list[str]) -> Row:
        return (name, values[0], values[1])

    return [
        row("Model", [f"{card.id}, made {card.training.made_on} by {card.training.maker}" for card in cards]),
        row("Size", [f"{card.parameters / 1e6:.1f} M parameters, stored as {card.storage}" for card in cards]),
        row("Weights, SHA-256", [card.weights_sha256 for card in cards]),
        row("Test scores", [_scores(card) for card in cards]),
        row("Preprocessing", [card.preprocessing.in_words() for card in cards]),
        row("Run by", ["; ".join(found) for found in models.runs]),
        row("Heat map", ["; ".join(found) or "None was made." for found in models.maps]),
    ]


def _scores(card: Card) -> str:
    if not card.scores:
        return "None were measured."
    s = card.scores[0]
    return (
        f"Accuracy {100 * s.accuracy:.1f} %, macro F1 {100 * s.macro_f1:.1f} %, calibration error {100 * s.ece:.1f} %, "
        f"on {s.images} images: {s.dataset.split(' (')[0]}. {s.caution}"
    ).replace(" %", "\N{NO-BREAK SPACE}%")


def _run(result: ModelResult) -> str:
    found = result.prediction
    temperature = result.bundle.card.temperature
    return f"{runtime_name(found.runtime)}, {found.device}, {found.precision}; temperature {temperature:g}"


def _method(found: HeatMap) -> str:
    made = found.method.partition(",")[0]  # how many maps of how many is said of each image
    return f"{made if made in METHODS else f'Score-CAM, {made}'}, layer {found.layer}"


def _agreement(comparison: Comparison, task: Task) -> str:
    words = figures(task, comparison.teacher.prediction.predicted, agreement_of(comparison))
    return " · ".join(words)


def _made(result: ModelResult, task: Task) -> str:
    """Return how long the forward took, and how the heat map was made."""
    found, times = result.heat_map, result.prediction.latency
    words = f"{milliseconds(times.forward_ms)} forward, {milliseconds(times.total_ms)} with preprocessing"
    if result.withheld:
        return f"{words}. Hidden."
    if found is None:
        return f"{words}. No heat map."
    error = "exact" if found.estimated_error == 0 else f"estimated error {100 * found.estimated_error:.1f} %"
    explained, taken = task.classes[found.class_index].name, milliseconds(1e3 * found.seconds)
    return f"{words}. For {explained}: {found.maps_scored} forwards for {found.maps_total} maps, {error}, {taken}"
