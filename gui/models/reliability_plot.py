"""Reliability diagrams as a picture in the colours of the theme, to stand in a text."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from core.reports.document import CONFIDENCE_AXIS, RIGHT_AXIS, Curve
from gui.common import theme
from gui.common.unit_square import ABOVE, BELOW, GAP, LEFT, SIDE, draw_axes, draw_reliability


def reliability_picture(curves: tuple[Curve, ...], role: theme.Role, ratio: float) -> QImage:
    """Return the diagrams beside each other.

    Args:
        curves: what they show.
        role: whose accent the dots have.
        ratio: pixels of the screen a logical pixel.
    """
    width, height = len(curves) * (LEFT + SIDE + GAP), ABOVE + SIDE + BELOW
    picture = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for i, curve in enumerate(curves):
        box = QRectF(i * (LEFT + SIDE + GAP) + LEFT, ABOVE, SIDE, SIDE)
        draw_axes(painter, box, curve.title, CONFIDENCE_AXIS, RIGHT_AXIS)
        draw_reliability(painter, box, curve.points(), role)
    painter.end()
    return picture
