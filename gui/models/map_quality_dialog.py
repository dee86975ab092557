"""How good a model's heat maps are, as its card states it: a diagram with intervals, in a dialog of its own."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.models.architectures import model_name
from core.models.card import Card
from core.models.map_quality import MapFigure, MapQuality
from core.quality.bootstrap import Estimate
from core.quality.measures import in_order, measure_of, title
from core.reports.map_quality import BETTER, CAUTION, method_name, number
from gui.common import theme
from gui.common.placement import fitted

NAMES, AXIS, FIGURES, ROW, HEAD = 250, 300, 190, 22, 26  # logical pixels
LOW, HIGH = -0.5, 1.0  # of the axis; what has no place on it, such as an entropy, is in the card's table


def add_map_quality(buttons: QDialogButtonBox, card: Card) -> None:
    """Add a button that shows the quality of a card's heat maps, where the card states it.

    Args:
        buttons: of the dialog that shows the card.
        card: the card.
    """
    if card.map_quality is not None:
        button = buttons.addButton("&Heat maps…", QDialogButtonBox.ButtonRole.ActionRole)
        button.setAutoDefault(False)
        button.setToolTip("Show how good this model's heat maps are")
        button.clicked.connect(lambda: MapQualityDialog(card, buttons).open())


class MapQualityDialog(QDialog):
    """Shows the measures of a model's heat maps with their intervals.

    Args:
        card: a card that states them.
    """

    def __init__(self, card: Card, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert card.map_quality is not None  # noqa: S101 - the button is there only then
        quality = card.map_quality
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Quality of heat maps: {model_name(card.model)}")
        self.picture = quality_picture(quality, card.role, self.devicePixelRatioF())
        diagram = QLabel()
        diagram.setPixmap(QPixmap.fromImage(self.picture))
        diagram.setAccessibleName("Measures of the heat maps")
        diagram.setAccessibleDescription(in_words(quality))
        diagram.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        area = QScrollArea()
        area.setWidget(diagram)
        area.setWidgetResizable(True)
        measured = f"{quality.images} images of {quality.dataset}, measured on {quality.measured_on.isoformat()}."
        words = QLabel(f"{measured} ↑ higher is better, ↓ lower is better. {CAUTION}")
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        theme.styled(words, "small", "dim")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(area, 1)
        column.addWidget(words)
        column.addWidget(buttons)
        self.resize(fitted(self, QSize(NAMES + AXIS + FIGURES + 90, 620)))


def in_words(quality: MapQuality) -> str:
    """Return all figures as text, for those who can't see the diagram."""
    return "; ".join(
        f"{method_name(method.method)}, {title(figure.measure)}: {number(_estimate(figure))}"
        for method in quality.methods
        for figure in _shown(method.figures)
    )


def quality_picture(quality: MapQuality, role: theme.Role, ratio: float) -> QImage:
    """Return a diagram: for each method a heading, and a row with dot, interval and figure for each measure.

    Args:
        quality: the figures.
        role: whose accent the dots have.
        ratio: pixels of the screen a logical pixel.
    """
    rows = sum(1 + len(_shown(method.figures)) for method in quality.methods)
    width, height = NAMES + AXIS + FIGURES, HEAD + ROW * rows
    picture = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.font(theme.SMALL))
    _draw_axis(painter, height)
    top = HEAD
    for method in quality.methods:
        painter.setPen(theme.colour("text"))
        painter.setFont(theme.font(theme.SMALL, bold=True))
        seconds = f" · {method.seconds_per_map:.2f} s a map"
        painter.drawText(
            QRectF(0, top, width, ROW), Qt.AlignmentFlag.AlignVCenter, method_name(method.method) + seconds
        )
        painter.setFont(theme.font(theme.SMALL))
        top += ROW
        for figure in _shown(method.figures):
            _draw_row(painter, figure, top, role)
            top += ROW
    painter.end()
    return picture


def place(value: float) -> float:
    """Return where on the diagram a value lies, in logical pixels from its left."""
    return NAMES + AXIS * (min(max(value, LOW), HIGH) - LOW) / (HIGH - LOW)


def _draw_axis(painter: QPainter, height: int) -> None:
    for tick in (LOW, 0.0, 0.5, HIGH):
        painter.setPen(theme.colour("dim"))
        painter.drawText(QRectF(place(tick) - 20, 0, 40, HEAD), Qt.AlignmentFlag.AlignCenter, f"{tick:g}")
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(QPointF(place(tick), HEAD), QPointF(place(tick), height))


def _draw_row(painter: QPainter, figure: MapFigure, top: int, role: theme.Role) -> None:
    middle = top + ROW / 2
    painter.setPen(theme.colour("text"))
    name = f"{title(figure.measure)} {BETTER[measure_of(figure.measure).better]}"
    painter.drawText(QRectF(0, top, NAMES - 8, ROW), Qt.AlignmentFlag.AlignVCenter, name)
    painter.drawText(
        QRectF(NAMES + AXIS + 12, top, FIGURES - 12, ROW), Qt.AlignmentFlag.AlignVCenter, number(_estimate(figure))
    )
    painter.setPen(QPen(theme.colour(role), 1.5))
    if figure.low is not None and figure.high is not None:
        painter.drawLine(QPointF(place(figure.low), middle), QPointF(place(figure.high), middle))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(role))
    painter.drawEllipse(QPointF(place(figure.value), middle), 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _shown(figures: tuple[MapFigure, ...]) -> list[MapFigure]:
    """Return the figures that have a place on the axis, in the order of the measures."""
    of = {figure.measure: figure for figure in figures if LOW <= figure.value <= HIGH and math.isfinite(figure.value)}
    return [of[key] for key in in_order(of)]


def _estimate(figure: MapFigure) -> Estimate:
    return Estimate(figure.value, figure.low, figure.high, figure.images)
