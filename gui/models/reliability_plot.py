"""Reliability diagrams as a picture in the colours of the theme, to stand in a text."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from core.reports.document import CONFIDENCE_AXIS, RIGHT_AXIS, TICKS, Curve, dot
from gui.common import theme

SIDE, LEFT, ABOVE, BELOW, GAP = 272, 52, 28, 44, 24  # logical pixels of a diagram's square and of what is around it


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
        _draw(painter, QRectF(i * (LEFT + SIDE + GAP) + LEFT, ABOVE, SIDE, SIDE), curve, role)
    painter.end()
    return picture


def _draw(painter: QPainter, box: QRectF, curve: Curve, role: theme.Role) -> None:
    def place(across: float, up: float) -> QPointF:
        return QPointF(box.left() + across * box.width(), box.bottom() - up * box.height())

    painter.setPen(theme.colour("text"))
    painter.setFont(theme.font(theme.SMALL, bold=True))
    painter.drawText(QRectF(box.left(), 0, box.width() + GAP, ABOVE - 8), Qt.AlignmentFlag.AlignVCenter, curve.title)
    painter.setPen(theme.colour("dim"))
    painter.setFont(theme.font(theme.SMALL))
    centre, right = Qt.AlignmentFlag.AlignCenter, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for share in TICKS:
        words = f"{100 * share:.0f}"
        painter.drawText(QRectF(place(share, 0).x() - 20, box.bottom() + 4, 40, 16), centre, words)
        painter.drawText(QRectF(box.left() - 40, place(0, share).y() - 8, 34, 16), right, words)
    painter.drawText(QRectF(box.left(), box.bottom() + 22, box.width(), 18), centre, CONFIDENCE_AXIS)
    painter.save()
    painter.translate(box.left() - LEFT, box.bottom())
    painter.rotate(-90)
    painter.drawText(QRectF(0, 0, box.height(), 18), centre, RIGHT_AXIS)
    painter.restore()
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.drawRect(box)
    painter.setPen(QPen(theme.colour("dim"), 1, Qt.PenStyle.DashLine))
    painter.drawLine(place(0, 0), place(1, 1))
    for confidence, found, share in sorted(curve.points(), key=lambda point: -point[2]):
        painter.setPen(QPen(theme.colour(role), 1.2))
        painter.drawLine(place(confidence, found.low), place(confidence, found.high))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role))
        painter.drawEllipse(place(confidence, found.value), SIDE * dot(share), SIDE * dot(share))
        painter.setBrush(Qt.BrushStyle.NoBrush)
