"""Pyramids in BigTIFF, OME-TIFF and plain tiled TIFF files, decoded tile by tile by tifffile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import tifffile
from tifffile import PHOTOMETRIC, TiffPage

from core.compare.recent import Recent
from core.errors import ImageError
from core.images.tiff import COMPRESSIONS, WITHOUT_COLOUR_TRANSFORM, ome_spacing
from core.slides.slide import MOST_LEVELS, Rgb

DAMAGED = "Get the file again from where it came from."
MOST_PAGES = 256  # among which the levels are looked for
MAX_TILE = 1 << 26  # pixels
TILES_KEPT, BYTES_KEPT = 256, 48 << 20  # decoded ones: neighbouring parts need the same
UNITS = {tifffile.RESUNIT.INCH: 25_400.0, tifffile.RESUNIT.CENTIMETER: 10_000.0}  # in µm
ASPECT = 0.02  # difference from that of level 0 that rounding explains, beside a pixel


class TiffSource:
    """A :class:`core.slides.slide.Source` of 8-bit RGB.

    Args:
        path: the file.

    Raises:
        ImageError: if it holds no such picture, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tiles: Recent[Rgb] = Recent(TILES_KEPT, lambda tile: tile.nbytes, BYTES_KEPT)
        self.objective: float | None = None
        try:
            self._file = tifffile.TiffFile(path)
        except Exception as cause:  # tifffile raises many kinds on a damaged file
            raise ImageError("The TIFF file is damaged.", path=path, remedy=DAMAGED) from cause
        try:
            self._levels = self._find_levels()
            for page in (page for planes in self._levels for page in planes):
                self._check(page)
            base = self._levels[0][0]
            self.format = "OME-TIFF" if self._file.is_ome else "BigTIFF" if self._file.is_bigtiff else "TIFF"
            self.sizes = tuple((int(planes[0].imagewidth), int(planes[0].imagelength)) for planes in self._levels)
            self.mpp = self._stated_mpp(base)
        except ImageError:
            self._file.close()
            raise
        except Exception as cause:
            self._file.close()
            raise ImageError("The TIFF file is damaged.", path=path, remedy=DAMAGED) from cause

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Rgb:
        """Return a part of a level."""
        try:
            planes = [self._read(page, x, y, width, height) for page in self._levels[level]]
        except Exception as cause:  # decoders raise many kinds on a damaged file
            raise ImageError(
                f"A part of the slide is damaged ({type(cause).__name__}).", path=self._path, remedy=DAMAGED
            ) from cause
        return np.concatenate(planes, axis=-1)[..., :3] if len(planes) > 1 else planes[0]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _find_levels(self) -> list[list[TiffPage]]:
        """Return the pages of each level: one, or one each for red, green and blue."""
        if self._file.is_ome:
            series = max(self._file.series, key=lambda one: one.levels[0].keyframe.imagewidth)
            levels = [_pages(level.pages) for level in series.levels]
        else:
            pages = _pages(islice(self._file.pages, MOST_PAGES))
            base, found = pages[0], [pages[0]]
            for page in [*_pages(base.pages or ()), *pages[1:]]:
                if page.is_tiled == base.is_tiled and _is_smaller(page, found[-1], base):
                    found.append(page)
            levels = [[page] for page in found]
        return levels[:MOST_LEVELS]

    def _check(self, page: TiffPage) -> None:
        """Reject, before decoding, what is no 8-bit RGB or whose tiles are too large."""
        planes = next(len(planes) for planes in self._levels if page in planes)
        colours = page.samplesperpixel if planes == 1 else planes
        if page.bitspersample != 8 or colours not in (3, 4) or page.photometric == PHOTOMETRIC.SEPARATED:
            raise ImageError(
                f"Slides of {colours} channels with {page.bitspersample} bits can't be read.",
                path=self._path,
                remedy="Export it as 8-bit RGB.",
            )
        unknown = page.compression not in COMPRESSIONS
        if unknown or (page.photometric == PHOTOMETRIC.YCBCR and page.compression in WITHOUT_COLOUR_TRANSFORM):
            name = getattr(page.compression, "name", page.compression)
            raise ImageError(
                f"Slides of the compression {name} can't be read.", path=self._path, remedy="Export it with JPEG."
            )
        rows, columns = _tile_size(page)
        if rows * columns > MAX_TILE:
            raise ImageError(
                f"The slide's tiles are too large ({columns}×{rows} pixels).",
                path=self._path,
                remedy="Export it with tiles of 256 pixels.",
            )

    def _read(self, page: TiffPage, x: int, y: int, width: int, height: int) -> Rgb:
        separate = page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
        samples = 1 if separate else min(3, page.samplesperpixel)
        tall, wide = _tile_size(page)
        down, across = -(-page.imagelength // tall), -(-page.imagewidth // wide)
        planes = [np.full((height, width, samples), 255, np.uint8) for _ in range(3 if separate else 1)]
        for number, plane in enumerate(planes):
            for row in range(y // tall, -(-(y + height) // tall)):
                for column in range(x // wide, -(-(x + width) // wide)):
                    tile = self._tile(page, (number * down + row) * across + column)
                    if tile is not None:
                        _lay(plane, tile[..., :samples], column * wide - x, row * tall - y)
        return np.concatenate(planes, axis=-1) if separate else planes[0]

    def _tile(self, page: TiffPage, index: int) -> Rgb | None:
        """Return a tile or strip (h, w, samples), None for one that was left out because it is empty."""
        if not page.databytecounts[index]:
            return None
        return self._tiles.get((page.offset, index), lambda: self._decode(page, index))

    def _decode(self, page: TiffPage, index: int) -> Rgb:
        handle = self._file.filehandle
        at, size = page.dataoffsets[index], page.databytecounts[index]
        if at + size > handle.size:
            raise EOFError("truncated")
        handle.seek(at)
        found = page.decode(handle.read(size), index, jpegtables=page.jpegtables, jpegheader=page.jpegheader)[0]
        if found is None:
            raise ValueError("empty")
        tile: Rgb = np.asarray(found, dtype=np.uint8)[0]
        return tile

    def _stated_mpp(self, page: TiffPage) -> tuple[float, float] | None:
        """Return µm per pixel from the OME metadata, else from the resolution."""
        if self._file.ome_metadata:
            spacing = ome_spacing(self._file.ome_metadata)
            return None if spacing is None else (1000 * spacing[1], 1000 * spacing[0])
        with suppress(ArithmeticError, TypeError, ValueError):
            across, down = page.get_resolution()
            if page.resolutionunit in UNITS:
                unit = UNITS[tifffile.RESUNIT(page.resolutionunit)]
                return unit / across, unit / down
        return None


def _pages(found: object) -> list[TiffPage]:
    def of(pages: object) -> Iterator[TiffPage]:
        for page in pages if hasattr(pages, "__iter__") else ():
            if isinstance(page, TiffPage):
                yield page
            elif isinstance(page, tifffile.TiffFrame):
                yield page.aspage()

    return list(of(found))


def _tile_size(page: TiffPage) -> tuple[int, int]:
    """Return rows and columns of a tile or strip."""
    if page.is_tiled:
        return int(page.tilelength), int(page.tilewidth)
    return min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth)


def _is_smaller(page: TiffPage, last: TiffPage, base: TiffPage) -> bool:
    """Return whether a page can be the level after another: smaller, and of the aspect ratio of level 0."""
    if page.imagewidth >= last.imagewidth or page.samplesperpixel != base.samplesperpixel:
        return False
    due = page.imagewidth * base.imagelength / base.imagewidth
    return abs(page.imagelength - due) <= 1 + ASPECT * due


def _lay(plane: Rgb, tile: Rgb, left: int, top: int) -> None:
    """Copy what of a tile lies within a plane, at a place in it."""
    from_x, from_y = max(0, -left), max(0, -top)
    to_x, to_y = max(0, left), max(0, top)
    part = tile[from_y : from_y + plane.shape[0] - to_y, from_x : from_x + plane.shape[1] - to_x]
    plane[to_y : to_y + part.shape[0], to_x : to_x + part.shape[1]] = part
