"""A whole slide: its levels, its scale, and any part of it at any magnification, read without the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import ImageError
from core.images.region import Region

Rgb = npt.NDArray[np.uint8]

MAX_SIDE = 1 << 24  # pixels
MOST_LEVELS = 32
MAX_READ = 64_000_000  # pixels of a level that are decoded at a time
BAND = 8_000_000  # pixels of a level for a part of the overview
SMALLEST_MPP, LARGEST_MPP = 0.02, 20.0  # µm; beyond is a resolution for printing, not of a microscope


@dataclass(frozen=True)
class Level:
    """One of a slide's resolutions.

    Attributes:
        width: columns.
        height: rows.
        downsample: pixels of level 0 along a pixel of it, at least 1.
    """

    width: int
    height: int
    downsample: float


class Source(Protocol):
    """What decodes a slide's file.

    Attributes:
        format: the file's format in words.
        sizes: width and height of each level, the largest first.
        mpp: µm along a pixel of level 0, (across, down), as the file states it; None where it does not.
        objective: magnification of the objective as the file states it, or None.
    """

    format: str
    sizes: tuple[tuple[int, int], ...]
    mpp: tuple[float, float] | None
    objective: float | None

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Rgb:
        """Return a part of a level, which lies within it, RGB of shape (height, width, 3).

        Raises:
            ImageError: if it can't be decoded.
        """

    def close(self) -> None:
        """Close the file."""


class Slide:
    """An open slide. Belongs to one thread.

    Args:
        path: the file.
        source: decodes it.

    Attributes:
        path: the file.
        format: its format in words.
        levels: its resolutions, the largest first.
        mpp: µm along a pixel of level 0, (across, down); None where the file states none that is possible.
        objective: magnification of the objective, or None.

    Raises:
        ImageError: if the file states sizes that no slide has.
    """

    def __init__(self, path: Path, source: Source) -> None:
        self.path, self.format, self._source = path, source.format, source
        full = source.sizes[0]
        sides = [side for size in source.sizes for side in size]
        if min(sides) < 1 or max(sides) > MAX_SIDE or len(source.sizes) > MOST_LEVELS:
            raise ImageError(
                f"The slide states a size that can't be ({full[0]}×{full[1]} pixels, {len(source.sizes)} levels).",
                path=path,
                remedy="Get the file again from where it came from.",
            )
        self.levels = tuple(
            Level(width, height, max(1.0, (full[0] / width + full[1] / height) / 2)) for width, height in source.sizes
        )
        stated = source.mpp
        is_possible = stated is not None and all(SMALLEST_MPP <= value <= LARGEST_MPP for value in stated)
        self.mpp = stated if is_possible else None
        self.objective = source.objective

    @property
    def width(self) -> int:
        """Columns of level 0."""
        return self.levels[0].width

    @property
    def height(self) -> int:
        """Rows of level 0."""
        return self.levels[0].height

    def level_for(self, downsample: float) -> int:
        """Return the number of the coarsest level that is at least as fine as a downsample."""
        fine = [number for number, level in enumerate(self.levels) if level.downsample <= downsample * 1.01]
        return fine[-1] if fine else 0

    def read_level(self, number: int, x: int, y: int, width: int, height: int) -> Rgb:
        """Return a part of a level as it is stored, white where it reaches beyond the slide.

        Args:
            number: the level.
            x: left edge in pixels of the level.
            y: top edge.
            width: columns.
            height: rows.

        Returns:
            RGB, shape (height, width, 3).

        Raises:
            ImageError: if it is larger than is decoded at a time, or damaged.
        """
        if width < 1 or height < 1 or width * height > MAX_READ:
            raise ImageError(
                f"A part of {width}×{height} pixels can't be read at a time.",
                path=self.path,
                remedy=f"Take one of at most {MAX_READ // 10**6} megapixels.",
            )
        level = self.levels[number]
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, level.width), min(y + height, level.height)
        if right <= left or bottom <= top:
            return np.full((height, width, 3), 255, np.uint8)
        found = self._source.read(number, left, top, right - left, bottom - top)
        if found.shape[:2] == (height, width):
            return found
        whole = np.full((height, width, 3), 255, np.uint8)
        whole[top - y : bottom - y, left - x : right - x] = found
        return whole

    def read_region(self, region: Region, height: int, width: int) -> Rgb:
        """Return a region at any magnification, from the coarsest level that is fine enough.

        Args:
            region: in pixels of level 0; white where it reaches beyond the slide.
            height: rows of the result.
            width: columns of the result.

        Returns:
            RGB, shape (height, width, 3).

        Raises:
            ImageError: as :meth:`read_level` raises it.
        """
        number = self.level_for(min(region.width / width, region.height / height))
        level = self.levels[number]
        across, down = self.width / level.width, self.height / level.height
        left, top = int(region.x // across), int(region.y // down)
        right = max(left + 1, round((region.x + region.width) / across))
        bottom = max(top + 1, round((region.y + region.height) / down))
        found = self.read_level(number, left, top, right - left, bottom - top)
        if found.shape[:2] == (height, width):
            return found
        shrinks = found.shape[0] >= height and found.shape[1] >= width
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(found, (width, height), interpolation=how), dtype=np.uint8)

    def thumbnail(self, longest: int) -> Rgb:
        """Return the whole slide as RGB, its longer side at most so many pixels; read in bands, so memory stays flat.

        Raises:
            ImageError: if it is damaged.
        """
        shrink = max(1.0, max(self.width, self.height) / longest)
        height, width = max(1, round(self.height / shrink)), max(1, round(self.width / shrink))
        level = self.levels[self.level_for(min(self.width / width, self.height / height))]
        rows = max(1, min(height, int(height * BAND / (level.width * level.height))))
        bands = []
        for top in range(0, height, rows):
            bottom = min(height, top + rows)
            first, last = round(top * self.height / height), round(bottom * self.height / height)
            bands.append(self.read_region(Region(0, first, self.width, last - first), bottom - top, width))
        return np.concatenate(bands)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
