"""Tiles of a slide, read in the background: what is in view first, kept as long as there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from core.errors import TwinlensError
from core.slides.grid import OVERVIEW, Mask, default_side, tissue_mask
from core.slides.opening import open_slide
from core.slides.slide import Level, Rgb, Slide
from gui.common.threads import Worker

TILE = 512  # pixels of a level along the side of a tile
KEPT_BYTES = 256 << 20


class TileKey(NamedTuple):
    """A tile's place: the number of the level, and how many tiles lie left of and above it."""

    level: int
    column: int
    row: int


@dataclass(frozen=True)
class OpenedSlide:
    """What is known of a slide once it is open.

    Attributes:
        path: the file.
        format: its format in words.
        levels: its resolutions, the largest first.
        mpp: µm along a pixel of level 0, (across, down), or None.
        objective: magnification of the objective, or None.
        side: the usual side of a field in pixels of level 0.
    """

    path: Path
    format: str
    levels: tuple[Level, ...]
    mpp: tuple[float, float] | None
    objective: float | None
    side: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of level 0."""
        return self.levels[0].width, self.levels[0].height


@dataclass(frozen=True, eq=False)
class Overview:
    """The whole slide as a small picture.

    Attributes:
        path: the slide.
        picture: the picture.
        tissue: where there is tissue, in its pixels.
    """

    path: Path
    picture: QImage
    tissue: Mask


class TileCache:
    """Tiles that were read, the least recently used dropped first; used by the window's thread alone.

    Args:
        most_bytes: bound on all of them together.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._tiles: OrderedDict[TileKey, QImage] = OrderedDict()
        self.bytes = 0

    def __contains__(self, key: TileKey) -> bool:
        return key in self._tiles

    def get(self, key: TileKey) -> QImage | None:
        """Return a tile that counts as just used, or None."""
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
        return tile

    def put(self, key: TileKey, tile: QImage) -> None:
        """Keep a tile; older ones make room."""
        old = self._tiles.pop(key, None)
        self.bytes += tile.sizeInBytes() - (0 if old is None else old.sizeInBytes())
        self._tiles[key] = tile
        while self.bytes > self._most_bytes and len(self._tiles) > 1:
            self.bytes -= self._tiles.popitem(last=False)[1].sizeInBytes()

    def clear(self) -> None:
        """Drop all."""
        self._tiles.clear()
        self.bytes = 0


class TileLoader(QObject):
    """Opens one slide at a time and reads its tiles in a thread of its own."""

    opened = Signal(object)  # OpenedSlide
    overview = Signal(object)  # Overview
    ready = Signal(object, object, object)  # path, TileKey, QImage; an empty image where the tile is damaged
    failed = Signal(object, bool)  # the error, and whether the slide could not be opened at all

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wake = threading.Condition()
        self._path: Path | None = None
        self._wishes: OrderedDict[TileKey, None] = OrderedDict()
        self._closing = False
        self._thread = Worker("slide tiles", self.run, self)

    def open(self, path: Path) -> None:
        """Open a slide in place of the one before."""
        with self._wake:
            self._path = path
            self._wishes.clear()
            self._wake.notify()
        if not self._thread.isRunning():
            self._thread.begin()

    def want(self, keys: Iterable[TileKey]) -> None:
        """Read these tiles in their order, and no others that were wanted before."""
        with self._wake:
            self._wishes = OrderedDict.fromkeys(keys)
            self._wake.notify()

    def close(self, milliseconds: int = 1500) -> bool:
        """Stop the thread; return whether it has ended within a time."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        return self._thread.wait(milliseconds)

    # what follows runs in the loader's thread

    def run(self) -> None:
        """Open slides and read tiles until closed."""
        slide: Slide | None = None
        while (path := self._next_slide(slide)) is not None:
            if slide is not None:
                slide.close()
            slide = self._open(path)
            if slide is not None:
                self._read_tiles(slide)
        if slide is not None:
            slide.close()

    def _next_slide(self, open_now: Slide | None) -> Path | None:
        """Return the slide that is to be opened, None to end."""
        with self._wake:
            while not self._closing and (self._path is None or (open_now and open_now.path == self._path)):
                self._wake.wait()
            return None if self._closing else self._path

    def _open(self, path: Path) -> Slide | None:
        try:
            slide = open_slide(path)
        except TwinlensError as error:
            self._give_up(path, error)
            return None
        self.opened.emit(OpenedSlide(path, slide.format, slide.levels, slide.mpp, slide.objective, default_side(slide)))
        try:
            picture = slide.thumbnail(OVERVIEW)
        except TwinlensError as error:
            slide.close()
            self._give_up(path, error)
            return None
        self.overview.emit(Overview(path, as_picture(picture), tissue_mask(picture)))
        return slide

    def _give_up(self, path: Path, error: TwinlensError) -> None:
        with self._wake:
            if self._path == path:
                self._path = None
        self.failed.emit(error, True)

    def _read_tiles(self, slide: Slide) -> None:
        """Read what is wanted of a slide, until another one is."""
        told = False
        while (key := self._next_tile(slide.path)) is not None:
            level = slide.levels[key.level]
            x, y = key.column * TILE, key.row * TILE
            try:
                pixels = slide.read_level(key.level, x, y, min(TILE, level.width - x), min(TILE, level.height - y))
            except TwinlensError as error:
                self.ready.emit(slide.path, key, QImage())
                if not told:
                    self.failed.emit(error, False)
                told = True
            else:
                self.ready.emit(slide.path, key, as_picture(pixels))

    def _next_tile(self, path: Path) -> TileKey | None:
        with self._wake:
            while not self._closing and self._path == path:
                if self._wishes:
                    return self._wishes.popitem(last=False)[0]
                self._wake.wait()
        return None


def as_picture(pixels: Rgb) -> QImage:
    """Return RGB pixels (h, w, 3) as a picture in the format that is drawn fastest."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    picture = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return picture.convertToFormat(QImage.Format.Format_RGB32)
