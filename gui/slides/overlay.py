"""The predictions of a grid as colours over the slide, and the lists that explain them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen

from core.compare.record import ComparisonRecord, PredictionRecord
from core.images.region import Region
from core.models.card import Role
from core.slides.comparing import FieldResult
from core.tasks import Task
from gui.common import theme
from gui.slides.viewport import Viewport

# Okabe and Ito's colours for any colour vision, less those near the accents of teacher and student and the stain
CLASS_COLOURS = ("#0072b2", "#e69f00", "#56b4e9", "#f0e442", "#d55e00", "#000000", "#ffffff")
NOT_ASSESSABLE = "#808080"
HATCHED = 12  # pixels of the view that a field takes at least to be hatched
FAINTEST, STRONGEST = 0.2, 0.75  # opacity at chance level and at certainty
Shown = Literal["teacher", "student", "disagreement"]


@dataclass(frozen=True)
class Fill:
    """How a field is filled.

    Attributes:
        colour: with its opacity.
        hatched: whether it is crossed by lines: uncertain, or not assessable.
    """

    colour: QColor
    hatched: bool = False


def class_colour(task: Task, label: str) -> QColor:
    """Return the colour of a class: by its place in the task."""
    place = task.class_ids.index(label) if label in task.class_ids else 0
    return QColor(CLASS_COLOURS[place % len(CLASS_COLOURS)])


def side_of(record: ComparisonRecord, role: Role) -> PredictionRecord:
    """Return one network's prediction."""
    return record.teacher if role == "teacher" else record.student


def fill_of(result: FieldResult, task: Task, shown: Shown) -> Fill | None:
    """Return how a field is filled; None for one that is left clear.

    Args:
        result: both predictions.
        task: whose classes they are.
        shown: which network's prediction is shown, or whether they disagree.
    """
    record = result.record
    if record.error is not None:
        return Fill(_faded(QColor(NOT_ASSESSABLE), STRONGEST), hatched=True)
    if shown == "disagreement":
        if record.is_novel:
            return Fill(_faded(QColor(NOT_ASSESSABLE), 0.5), hatched=True)
        return None if record.agreement.same_class else Fill(_faded(theme.colour("warning"), 0.6))
    prediction = side_of(record, shown)
    if prediction.novel:
        return Fill(_faded(QColor(NOT_ASSESSABLE), 0.5), hatched=True)
    chance = 1 / len(task.classes)
    certainty = max(0.0, (prediction.confidence - chance) / (1 - chance))
    opacity = FAINTEST + (STRONGEST - FAINTEST) * certainty
    return Fill(_faded(class_colour(task, prediction.predicted), opacity), hatched=prediction.is_uncertain)


def paint(painter: QPainter, fill: Fill, place: QRectF) -> None:
    """Fill a place on the view."""
    painter.fillRect(place, fill.colour)
    if fill.hatched:
        hatch(painter, fill, place)


def hatch(painter: QPainter, fill: Fill, place: QRectF) -> None:
    """Draw lines across a place on the view, dark or light as its colour demands."""
    dark = fill.colour.lightnessF() < 0.35
    lines = QColor(255, 255, 255, 200) if dark else QColor(0, 0, 0, 170)
    painter.fillRect(place, QBrush(lines, Qt.BrushStyle.BDiagPattern))


class Overlay:
    """The predictions of a grid; drawn as one picture with a pixel for each field, however many there are.

    Args:
        fields: all fields of the grid, of one size.
        task: whose classes are shown.

    Attributes:
        results: what was added, in its order.
        task: whose classes are shown.
    """

    def __init__(self, fields: Sequence[Region], task: Task) -> None:
        self.task = task
        self.results: list[FieldResult] = []
        self._side = fields[0].width
        self._left, self._top = min(field.x for field in fields), min(field.y for field in fields)
        right, bottom = max(field.x for field in fields), max(field.y for field in fields)
        self._size = QSize((right - self._left) // self._side + 1, (bottom - self._top) // self._side + 1)
        self._numbers: dict[tuple[int, int], int] = {}
        self._hatched: dict[Shown, dict[tuple[int, int], Fill]] = {shown: {} for shown in get_args(Shown)}
        self._pictures = {shown: QImage(self._size, QImage.Format.Format_ARGB32) for shown in get_args(Shown)}
        for picture in self._pictures.values():
            picture.fill(0)

    @property
    def extent(self) -> QRectF:
        """The part of the slide from the first field to the last."""
        width, height = self._size.width() * self._side, self._size.height() * self._side
        return QRectF(self._left, self._top, width, height)

    def add(self, found: Iterable[FieldResult]) -> None:
        """Take results."""
        for result in found:
            cell = self._cell(QPointF(result.region.x, result.region.y))
            self._numbers[cell] = len(self.results)
            self.results.append(result)
            for shown, picture in self._pictures.items():
                fill = fill_of(result, self.task, shown)
                if fill is not None:
                    picture.setPixelColor(*cell, fill.colour)
                    if fill.hatched:
                        self._hatched[shown][cell] = fill

    def number_at(self, place: QPointF) -> int | None:
        """Return the number of the result at a place of the slide."""
        return self._numbers.get(self._cell(place))

    def draw(self, painter: QPainter, viewport: Viewport, shown: Shown) -> None:
        """Draw what is in view; lines only over fields that are large enough for them."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(viewport.to_view(self.extent), self._pictures[shown])
        if self._side * viewport.scale < HATCHED:
            return
        seen = viewport.visible()
        (left, top), (right, bottom) = self._cell(seen.topLeft()), self._cell(seen.bottomRight())
        for (column, row), fill in self._hatched[shown].items():
            if left <= column <= right and top <= row <= bottom:
                place = QRectF(self._left + column * self._side, self._top + row * self._side, self._side, self._side)
                hatch(painter, fill, viewport.to_view(place))

    def _cell(self, place: QPointF) -> tuple[int, int]:
        """Return the column and row of the grid at a place of the slide."""
        return math.floor((place.x() - self._left) / self._side), math.floor((place.y() - self._top) / self._side)


def outline(painter: QPainter, place: QRectF, colour: QColor, width: float = 2) -> None:
    """Draw a frame that is seen on light and on dark."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for tint, pen in ((QColor(0, 0, 0, 160), width + 2), (colour, width)):
        painter.setPen(QPen(tint, pen, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.MiterJoin))
        painter.drawRect(place)


def tally(results: Iterable[FieldResult], role: Role) -> Counter[str]:
    """Return how many fields have each class by one network.

    The empty label counts those that are not assessable or could not be read.
    """
    found: Counter[str] = Counter()
    for result in results:
        record = result.record
        if record.error is not None or side_of(record, role).novel:
            found[""] += 1
        else:
            found[side_of(record, role).predicted] += 1
    return found


def rectangle(region: Region) -> QRectF:
    """Return a region as Qt has it."""
    return QRectF(region.x, region.y, region.width, region.height)


def _faded(colour: QColor, opacity: float) -> QColor:
    faded = QColor(colour)
    faded.setAlphaF(opacity)
    return faded
