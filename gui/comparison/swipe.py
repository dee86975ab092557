"""A line across the image: left of it the image alone is seen, right of it what is laid over."""

from __future__ import annotations

from collections.abc import Callable

import pyqtgraph as pg
from PySide6.QtCore import QRectF

from gui.common import theme


class Swipe:
    """A line that can be dragged, left of which nothing is laid over the image.

    Args:
        box: what image and line are drawn in.
        cut: is told where the line is on the plane, None while there is none.

    Attributes:
        line: the line; hidden while there is no swipe.
    """

    def __init__(self, box: pg.ViewBox, cut: Callable[[float | None], object]) -> None:
        self._on = False
        self._extent = QRectF(0, 0, 1, 1)
        self._cut = cut
        pen, wide = pg.mkPen(theme.colour("on_image"), width=2), pg.mkPen(theme.colour("focus"), width=4)
        self.line = pg.InfiniteLine(pos=0.5, angle=90, movable=True, pen=pen, hoverPen=wide)
        self.line.sigPositionChanged.connect(self._cut_at_line)
        box.addItem(self.line, ignoreBounds=True)
        self.line.hide()
        self._cut_at_line()

    @property
    def share(self) -> float:
        """Where the line is, as a share of the image's width."""
        return float((self.line.value() - self._extent.left()) / self._extent.width())

    def on_moved(self, tell: Callable[[float], object]) -> None:
        """Tell where the line is whenever it was moved."""
        self.line.sigPositionChanged.connect(lambda: tell(self.share))

    def set_on(self, on: bool) -> None:
        """Show the line and cut there, or neither."""
        self._on = on
        self.line.setVisible(on)
        self._cut_at_line()

    def set_extent(self, extent: QRectF) -> None:
        """Take the place of another image; the line stays at its share of the width."""
        if extent != self._extent:
            share, self._extent = self.share, extent
            self.line.setBounds((extent.left(), extent.right()))
            self.place(share)
            self._cut_at_line()

    def place(self, share: float) -> None:
        """Move the line to a share of the image's width, in [0, 1]."""
        self.line.setValue(self._extent.left() + min(max(share, 0.0), 1.0) * self._extent.width())

    def move(self, by: float) -> None:
        """Move the line by a share of the image's width."""
        if self._on:
            self.place(self.share + by)

    def _cut_at_line(self) -> None:
        self._cut(self.line.value() if self._on else None)
