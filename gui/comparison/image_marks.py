"""Marks over an image: which edge lies where in the patient, and a scale bar."""

from __future__ import annotations

from math import floor, log10

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui.common import theme
from gui.comparison.orientation import Edges

LONGEST, SHARE = 160, 0.3  # pixels of the scale bar; of the view's width
TICK = 4
ABOVE = 5 * theme.GRID  # pixels of the lower edge that belong to the words in the corners


def nice_length(most: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above a length."""
    power: float = 10.0 ** floor(log10(most))
    return next(step * power for step in (5, 2, 1) if step * power <= most * (1 + 1e-9))


def length_words(millimetres: float) -> str:
    """Return a length in cm, mm or µm."""
    if millimetres >= 10:
        return f"{millimetres / 10:g} cm"
    return f"{millimetres:g} mm" if millimetres >= 0.1 else f"{1000 * millimetres:g} µm"


class ImageMarks(QWidget):
    """Lies over a view and lets the mouse through.

    Attributes:
        edges: the letters at the edges.
        scale: length of the bar in pixels of the widget and its words, None without a bar.
    """

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Orientation and scale")
        self.edges = Edges()
        self.scale: tuple[float, str] | None = None

    def show_edges(self, edges: Edges) -> None:
        """Show where in the patient the edges lie."""
        if edges != self.edges:
            self.edges = edges
            self._describe()

    def show_scale(self, millimetres: float | None, at_detector: bool) -> None:
        """Show a bar.

        Args:
            millimetres: length of a pixel of the widget, None where it is not known.
            at_detector: whether that is the length at the detector.
        """
        scale = None
        room = min(LONGEST, SHARE * self.width())
        if millimetres is not None and room > 0:
            long = nice_length(room * millimetres)
            scale = long / millimetres, length_words(long) + (" at the detector" if at_detector else "")
        if scale != self.scale:
            self.scale = scale
            self._describe()

    def _describe(self) -> None:
        sides = zip(("left", "top", "right", "bottom"), vars(self.edges).values(), strict=True)
        letters = ", ".join(f"{side} {letter}" for side, letter in sides if letter)
        bar = "" if self.scale is None else f"scale bar {self.scale[1]}"
        self.setAccessibleDescription("; ".join(filter(None, (letters, bar))))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint letters and bar."""
        painter = QPainter(self)
        paint_edges(painter, QRectF(self.rect()), self.edges)
        if self.scale is None:
            return
        long, words = self.scale
        left, y = 2.0 * theme.GRID, float(self.height() - ABOVE)
        for colour, width in ((QColor(0, 0, 0, 170), 4), (theme.colour("on_image"), 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(left, y), QPointF(left + long, y))
            for x in (left, left + long):
                painter.drawLine(QPointF(x, y - TICK), QPointF(x, y + TICK))
        _write(painter, words, QPointF(left, y - 2 * theme.GRID), theme.SMALL, Qt.AlignmentFlag.AlignLeft)


def paint_edges(painter: QPainter, place: QRectF, edges: Edges) -> None:
    """Write the letters of the edges at the edges of a picture."""
    middle, far = place.center(), 2 * theme.GRID
    for letter, at in (
        (edges.left, QPointF(place.left() + far, middle.y())),
        (edges.top, QPointF(middle.x(), place.top() + far)),
        (edges.right, QPointF(place.right() - far, middle.y())),
        (edges.bottom, QPointF(middle.x(), place.bottom() - ABOVE)),
    ):
        _write(painter, letter, at, theme.TITLE)


def _write(
    painter: QPainter, text: str, at: QPointF, size: int, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignHCenter
) -> None:
    """Write words around a point, or right of it, on a shade."""
    if not text:
        return
    painter.setFont(theme.font(size, bold=size == theme.TITLE))
    left = at.x() - (150 if side == Qt.AlignmentFlag.AlignHCenter else 0)
    flags = side | Qt.AlignmentFlag.AlignVCenter
    place = painter.boundingRect(QRectF(left, at.y() - 20, 300, 40), flags, text)
    painter.fillRect(place.adjusted(-4, -1, 4, 1), QColor(0, 0, 0, 140))
    painter.setPen(theme.colour("on_image"))
    painter.drawText(place, flags, text)
