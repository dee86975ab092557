"""A line across the image: left of it the image alone is seen, right of it what is laid over."""

from __future__ import annotations

from collections.abc import Callable

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem

from gui.common import theme


class Swipe:
    """Clips the layer of an image at a line that can be dragged.

    Args:
        box: what image and line are drawn in.
        layer: what is clipped.

    Attributes:
        line: the line; hidden while there is no swipe.
    """

    def __init__(self, box: pg.ViewBox, layer: QGraphicsItem) -> None:
        self._on = False
        self._extent = QRectF(0, 0, 1, 1)
        self._clip = QGraphicsRectItem()
        self._clip.setPen(QPen(Qt.PenStyle.NoPen))
        self._clip.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape)
        layer.setParentItem(self._clip)
        box.addItem(self._clip, ignoreBounds=True)
        pen, wide = pg.mkPen(theme.colour("on_image"), width=2), pg.mkPen(theme.colour("focus"), width=4)
        self.line = pg.InfiniteLine(pos=0.5, angle=90, movable=True, pen=pen, hoverPen=wide)
        self.line.sigPositionChanged.connect(self._clip_at_line)
        box.addItem(self.line, ignoreBounds=True)
        self.line.hide()
        self._clip_at_line()

    @property
    def share(self) -> float:
        """Where the line is, as a share of the image's width."""
        return float((self.line.value() - self._extent.left()) / self._extent.width())

    def on_moved(self, tell: Callable[[float], object]) -> None:
        """Tell where the line is whenever it was moved."""
        self.line.sigPositionChanged.connect(lambda: tell(self.share))

    def set_on(self, on: bool) -> None:
        """Show the line and clip, or neither."""
        self._on = on
        self.line.setVisible(on)
        self._clip_at_line()

    def set_extent(self, extent: QRectF) -> None:
        """Take the place of another image; the line stays at its share of the width."""
        if extent != self._extent:
            share, self._extent = self.share, extent
            self.line.setBounds((extent.left(), extent.right()))
            self.place(share)
            self._clip_at_line()

    def place(self, share: float) -> None:
        """Move the line to a share of the image's width, in [0, 1]."""
        self.line.setValue(self._extent.left() + min(max(share, 0.0), 1.0) * self._extent.width())

    def move(self, by: float) -> None:
        """Move the line by a share of the image's width."""
        if self._on:
            self.place(self.share + by)

    def _clip_at_line(self) -> None:
        seen = QRectF(self._extent)
        if self._on:
            seen.setLeft(self.line.value())
        self._clip.setRect(seen)
