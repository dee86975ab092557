"""A diagram whose axes both go from 0 to 100 %: its axes, and what reliability diagrams and ROC curves draw in it."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from core.compare.agreement import Interval
from core.reports.document import TICKS, dot
from gui.common import theme

SIDE, LEFT, ABOVE, BELOW, GAP = 272, 52, 28, 44, 24  # logical pixels of the square and of what is around it


def draw_axes(painter: QPainter, box: QRectF, title: str, across: str, up: str) -> None:
    """Draw the square with its title, ticks, names of axes and diagonal.

    Args:
        painter: what draws.
        box: the square; around it ``LEFT``, ``ABOVE``, ``BELOW`` and ``GAP`` have to be free.
        title: what stands above it.
        across: the name of the horizontal axis.
        up: that of the vertical one.
    """
    painter.setPen(theme.colour("text"))
    painter.setFont(theme.font(theme.SMALL, bold=True))
    above = QRectF(box.left(), box.top() - ABOVE, box.width() + GAP, ABOVE - 8)
    painter.drawText(above, Qt.AlignmentFlag.AlignVCenter, title)
    painter.setPen(theme.colour("dim"))
    painter.setFont(theme.font(theme.SMALL))
    centre, right = Qt.AlignmentFlag.AlignCenter, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for share in TICKS:
        words = f"{100 * share:.0f}"
        painter.drawText(QRectF(_place(box, share, 0).x() - 20, box.bottom() + 4, 40, 16), centre, words)
        painter.drawText(QRectF(box.left() - 40, _place(box, 0, share).y() - 8, 34, 16), right, words)
    painter.drawText(QRectF(box.left(), box.bottom() + 22, box.width(), 18), centre, across)
    painter.save()
    painter.translate(box.left() - LEFT, box.bottom())
    painter.rotate(-90)
    painter.drawText(QRectF(0, 0, box.height(), 18), centre, up)
    painter.restore()
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.drawRect(box)
    painter.setPen(QPen(theme.colour("dim"), 1, Qt.PenStyle.DashLine))
    painter.drawLine(_place(box, 0, 0), _place(box, 1, 1))


def draw_reliability(
    painter: QPainter, box: QRectF, points: Iterable[tuple[float, Interval, float]], role: theme.Role
) -> None:
    """Draw the points of a reliability diagram, each with its interval, larger for more images.

    Args:
        painter: what draws.
        box: the square.
        points: mean confidence, share right, and share of all images, as ``core.reports.document.Curve`` has them.
        role: whose accent they have.
    """
    for confidence, found, share in sorted(points, key=lambda point: -point[2]):
        painter.setPen(QPen(theme.colour(role), 1.2))
        painter.drawLine(_place(box, confidence, found.low), _place(box, confidence, found.high))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role))
        painter.drawEllipse(_place(box, confidence, found.value), SIDE * dot(share), SIDE * dot(share))
        painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_curve(
    painter: QPainter, box: QRectF, points: Iterable[tuple[float, float]], role: theme.Role, style: Qt.PenStyle
) -> None:
    """Draw a line through points, each across and up in [0, 1]."""
    painter.setPen(QPen(theme.colour(role), 1.8, style))
    painter.drawPolyline(QPolygonF([_place(box, across, up) for across, up in points]))


def _place(box: QRectF, across: float, up: float) -> QPointF:
    return QPointF(box.left() + across * box.width(), box.bottom() - up * box.height())
