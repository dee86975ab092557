"""What is drawn over an image as lines: outlines of a heat map's highest part, and the cross of the linked pointer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem

Outline = tuple[npt.NDArray[np.float32], QColor]
SHADE = QColor(0, 0, 0, 170)  # under each line, so that it is seen on bright parts too


class Outlines:
    """Closed outlines, of the same width at every zoom.

    Args:
        parent: the item in which positions count.

    Attributes:
        items: what is drawn, two for each outline.
    """

    def __init__(self, parent: QGraphicsItem) -> None:
        self._parent = parent
        self.items: list[QGraphicsPathItem] = []

    def draw(self, outlines: list[Outline], extent: QRectF, size: int) -> None:
        """Draw outlines in place of those before.

        Args:
            outlines: polygons (n, 2) on a square map, with a colour.
            extent: where that map lies.
            size: its height and width.
        """
        for item in self.items:
            remove(item)
        self.items = []
        scale = np.array([extent.width() / size, extent.height() / size])
        for polygon, tint in outlines:
            path = QPainterPath()
            path.addPolygon([QPointF(x, y) for x, y in (polygon + 0.5) * scale])
            path.closeSubpath()
            for colour, width in ((SHADE, 4.0), (tint, 2.0)):
                item = QGraphicsPathItem(path, self._parent)
                pen = QPen(colour, width)
                pen.setCosmetic(True)
                item.setPen(pen)
                self.items.append(item)


def remove(item: QGraphicsItem) -> None:
    """Take an item out of what it is drawn in."""
    item.setParentItem(None)  # type: ignore[arg-type]  # PySide's stubs do not know that there may be none
    if item.scene() is not None:
        item.scene().removeItem(item)


def cross() -> QGraphicsPathItem:
    """Return the hidden cross that marks where the pointer is in the other view, of the same size at every zoom."""
    path = QPainterPath()
    for near, far in ((4, 12), (-4, -12)):
        path.moveTo(near, 0)
        path.lineTo(far, 0)
        path.moveTo(0, near)
        path.lineTo(0, far)
    item = QGraphicsPathItem(path)
    item.setFlag(QGraphicsPathItem.GraphicsItemFlag.ItemIgnoresTransformations)
    item.setPen(QPen(QColor(255, 255, 255, 200), 1))
    item.hide()
    return item
