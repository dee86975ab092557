"""What stands on a slide's view beside the slide: scale bar, magnification, and the overview with the part in view."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gui.common import theme

BAR = 140  # pixels that the scale bar takes at most
OVERVIEW_SIDE = 168
MARGIN = 2 * theme.GRID


def round_length(most: float) -> float:
    """Return the greatest of 1, 2 and 5 times a power of ten that is not above a length."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most * 1.0001)


def length_words(micrometres: float) -> str:
    """Return a length in µm or mm."""
    return f"{micrometres / 1000:g} mm" if micrometres >= 1000 else f"{micrometres:g} µm"


def magnification_words(mpp: float | None, scale: float) -> str:
    """Return how large the slide is shown.

    Args:
        mpp: µm along a pixel of level 0, or None where it is not known.
        scale: pixels of the view along a pixel of level 0.
    """
    if mpp is None:
        return f"{100 * scale:.3g} % · scale not stated"
    return f"{10 * scale / mpp:.2g}× · {mpp / scale:.3g} µm/px"  # 1 µm a pixel counts as 10×


def draw_scale(painter: QPainter, view: QRectF, mpp: float | None, scale: float) -> None:
    """Draw the scale bar and the magnification in the lower left corner of a view."""
    words = magnification_words(mpp, scale)
    painter.setFont(theme.font(theme.SMALL))
    width = painter.fontMetrics().horizontalAdvance(words)
    length = 0.0
    if mpp is not None:
        length = round_length(BAR * mpp / scale)
        width = max(width, BAR)
    height = 48 if length else 24
    box = QRectF(view.left() + MARGIN, view.bottom() - MARGIN - height, width + 2 * theme.GRID, height)
    painter.fillRect(box, QColor(0, 0, 0, 140))
    inner = box.adjusted(theme.GRID, 2, -theme.GRID, -4)
    painter.setPen(theme.colour("on_image"))
    if length and mpp is not None:
        across = length * scale / mpp
        y = inner.top() + 22
        painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), 18), 0, length_words(length))
        painter.fillRect(QRectF(inner.left(), y - 2, across, 3), theme.colour("on_image"))
    painter.drawText(inner, int(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft), words)


def overview_place(view: QRectF, picture: QImage) -> QRectF:
    """Return where the overview stands: the lower right corner of a view."""
    shrink = OVERVIEW_SIDE / max(picture.width(), picture.height())
    width, height = picture.width() * shrink, picture.height() * shrink
    return QRectF(view.right() - MARGIN - width, view.bottom() - MARGIN - height, width, height)


def draw_overview(painter: QPainter, place: QRectF, picture: QImage, seen: QRectF) -> None:
    """Draw the overview with the part in view.

    Args:
        painter: paints on the view.
        place: where on the view.
        picture: the whole slide.
        seen: the part in view, as shares of the slide.
    """
    painter.fillRect(place.adjusted(-1, -1, 1, 1), QColor(0, 0, 0, 160))
    painter.drawImage(place, picture)
    part = QRectF(
        place.left() + seen.left() * place.width(),
        place.top() + seen.top() * place.height(),
        max(4.0, seen.width() * place.width()),
        max(4.0, seen.height() * place.height()),
    ).intersected(place)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 180), 3), (QColor("#ffffff"), 1)):
        painter.setPen(QPen(colour, width))
        painter.drawRect(part)


def place_in(place: QRectF, at: QPointF) -> tuple[float, float]:
    """Return which share of the slide, across and down, a point on the overview is at."""
    return (at.x() - place.left()) / place.width(), (at.y() - place.top()) / place.height()
