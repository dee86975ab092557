"""Which part of a slide is on screen: its middle and its scale, and the tiles that are needed for it."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSizeF

from core.slides.slide import Level
from gui.slides.tiles import TILE, TileKey

CLOSEST = 8.0  # pixels of the screen along a pixel of level 0
FARTHEST = 0.5  # share of the view that the whole slide fills at least
SEEN = 24.0  # pixels of the view at which a part is large enough to be seen
MOST_TILES = 160  # of a level that are read for one view; beyond it a coarser level has to do


class Viewport:
    """The part of a slide in view; positions are in pixels of level 0.

    Attributes:
        levels: the slide's resolutions; empty while there is no slide.
        centre: what is in the middle of the view.
        scale: pixels of the view along a pixel of level 0.
        size: the view's own, in its pixels.
    """

    def __init__(self) -> None:
        self.levels: tuple[Level, ...] = ()
        self.centre = QPointF()
        self.scale = 1.0
        self.size = QSizeF(1, 1)
        self._fitted = True

    @property
    def extent(self) -> QRectF:
        """The whole slide."""
        return QRectF(0, 0, self.levels[0].width, self.levels[0].height) if self.levels else QRectF(0, 0, 1, 1)

    def show(self, levels: tuple[Level, ...]) -> None:
        """Show another slide, whole."""
        self.levels = levels
        self.fit()

    def resize(self, size: QSizeF) -> None:
        """Take the view's size; the whole slide stays in view if it was."""
        self.size = size
        if self._fitted:
            self.fit()

    def fit(self) -> None:
        """Show the whole slide."""
        self._fitted = True
        self.centre = self.extent.center()
        self.scale = self._whole()

    def visible(self) -> QRectF:
        """Return the part in view; it may reach beyond the slide."""
        return self.from_view(QRectF(0, 0, self.size.width(), self.size.height()))

    def from_view(self, part: QRectF) -> QRectF:
        """Return where a part of the view is on the slide."""
        return QRectF(self.position(part.topLeft()), self.position(part.bottomRight()))

    def position(self, at: QPointF) -> QPointF:
        """Return which place of the slide is at a place of the view."""
        middle = QPointF(self.size.width() / 2, self.size.height() / 2)
        return self.centre + (at - middle) / self.scale

    def to_view(self, part: QRectF) -> QRectF:
        """Return where a part of the slide is on the view."""
        left = (part.left() - self.centre.x()) * self.scale + self.size.width() / 2
        top = (part.top() - self.centre.y()) * self.scale + self.size.height() / 2
        return QRectF(left, top, part.width() * self.scale, part.height() * self.scale)

    def zoom(self, factor: float, at: QPointF) -> None:
        """Zoom in by a factor, within bounds; what is at a place of the view stays there."""
        before = self.position(at)
        self.scale = min(CLOSEST, max(self._whole() * FARTHEST, self.scale * factor))
        self._look_at(self.centre + before - self.position(at))

    def pan(self, by: QPointF) -> None:
        """Move the slide by a distance in pixels of the view."""
        self._look_at(self.centre - by / self.scale)

    def look_at(self, part: QRectF) -> None:
        """Bring a part of the slide into view, if it is not, and large enough to be seen."""
        if part.width() * self.scale < SEEN:
            self.scale = min(CLOSEST, SEEN / part.width())
            self._look_at(part.center())
        elif not self.visible().contains(part):
            self._look_at(part.center())

    def centre_on(self, place: QPointF) -> None:
        """Bring a place of the slide to the middle."""
        self._look_at(place)

    def level(self, density: float) -> int | None:
        """Return the level to be read: the coarsest that is sharp, or coarser where too many tiles would be needed.

        None stands for no level at all: the overview has to do.

        Args:
            density: pixels of the screen along a pixel of the view.
        """
        downsample = 1 / (self.scale * density)
        sharp = [number for number, level in enumerate(self.levels) if level.downsample <= downsample * 1.01]
        for number in range(sharp[-1] if sharp else 0, len(self.levels)):
            columns, rows = self._in_view(number)
            if len(columns) * len(rows) <= MOST_TILES:
                return number
        return None

    def tiles(self, number: int) -> list[TileKey]:
        """Return the tiles of a level that are in view, those in the middle first."""
        columns, rows = self._in_view(number)
        across, down = self._tile_size(number)
        middle = self.centre.x() / across - 0.5, self.centre.y() / down - 0.5
        keys = [TileKey(number, column, row) for row in rows for column in columns]
        return sorted(keys, key=lambda key: math.hypot(key.column - middle[0], key.row - middle[1]))

    def _in_view(self, number: int) -> tuple[range, range]:
        """Return the columns and rows of a level's tiles that are in view."""
        seen = self.visible().intersected(self.extent)
        if seen.isEmpty():
            return range(0), range(0)
        across, down = self._tile_size(number)
        return (
            range(int(seen.left() / across), math.ceil(seen.right() / across)),
            range(int(seen.top() / down), math.ceil(seen.bottom() / down)),
        )

    def _tile_size(self, number: int) -> tuple[float, float]:
        """Return width and height of a level's tile in pixels of level 0."""
        level = self.levels[number]
        return TILE * self.extent.width() / level.width, TILE * self.extent.height() / level.height

    def tile_extent(self, key: TileKey) -> QRectF:
        """Return which part of the slide a tile covers."""
        level = self.levels[key.level]
        across, down = self.extent.width() / level.width, self.extent.height() / level.height
        x, y = key.column * TILE, key.row * TILE
        width, height = min(TILE, level.width - x), min(TILE, level.height - y)
        return QRectF(x * across, y * down, width * across, height * down)

    def _whole(self) -> float:
        extent = self.extent
        return min(self.size.width() / extent.width(), self.size.height() / extent.height()) * 0.96

    def _look_at(self, centre: QPointF) -> None:
        extent = self.extent
        self._fitted = False
        self.centre = QPointF(
            min(max(centre.x(), extent.left()), extent.right()), min(max(centre.y(), extent.top()), extent.bottom())
        )
