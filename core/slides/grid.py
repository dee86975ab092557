"""Fields of a slide: how large one is, and the grid of them over a rectangle or over the tissue."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from core.images.region import Region
from core.slides.slide import Rgb, Slide

# LC25000's tiles are of 768 pixels; their magnification is not published, 20× (0.5 µm) is an assumption
FIELD_PIXELS, ASSUMED_MPP = 768, 0.5
OVERVIEW = 1024  # pixels along the longer side of the overview, in which tissue is found
TISSUE_SHARE = 0.5  # of a field that is tissue, at least
LEAST_SATURATION = 15  # of 255, below which nothing is stained: Otsu's method would divide even an empty slide in two
SMALLEST_FIELD = 64  # pixels of level 0
MOST_FIELDS = 20_000  # in a grid

Mask = npt.NDArray[np.bool_]


def default_side(slide: Slide) -> int:
    """Return the side of a field in pixels of level 0: 768 at 20×, as far as the slide states its scale."""
    if slide.mpp is None:
        return FIELD_PIXELS
    return max(SMALLEST_FIELD, round(FIELD_PIXELS * ASSUMED_MPP / math.sqrt(slide.mpp[0] * slide.mpp[1])))


def tissue_mask(overview: Rgb) -> Mask:
    """Return where an overview is stained: its saturation is above Otsu's threshold (IEEE Trans. SMC 9, 1979, 62).

    Args:
        overview: RGB, shape (h, w, 3).

    Returns:
        True where there is tissue, shape (h, w).
    """
    saturation = cv2.medianBlur(cv2.cvtColor(overview, cv2.COLOR_RGB2HSV)[..., 1], 5)
    threshold, _ = cv2.threshold(saturation, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(saturation > max(threshold, LEAST_SATURATION))


def grid(area: Region, side: int, tissue: Mask | None, size: tuple[int, int]) -> list[Region]:
    """Return the fields of a grid, row by row, that lie within an area whole.

    An area smaller than a field holds none.

    Args:
        area: in pixels of level 0.
        side: of a field, in pixels of level 0.
        tissue: where the whole slide has tissue, of any shape (h, w): fields with less than half of it are left out;
            None to keep all.
        size: width and height of the slide in pixels of level 0.
    """
    columns, rows, kept = _cells(area, side, tissue, size)
    return [Region(int(columns[j]), int(rows[i]), side, side) for i, j in np.argwhere(kept)]


def count(area: Region, side: int, tissue: Mask | None, size: tuple[int, int]) -> int:
    """Return how many fields a grid has, without making them; the arguments are those of :func:`grid`."""
    return int(_cells(area, side, tissue, size)[2].sum())


def most_fields(area: Region, side: int, size: tuple[int, int]) -> int:
    """Return how many fields a grid has before those without tissue are left out; see :func:`grid`."""
    width = min(area.x + area.width, size[0]) - max(0, area.x)
    height = min(area.y + area.height, size[1]) - max(0, area.y)
    return max(0, width // side) * max(0, height // side)


def _cells(
    area: Region, side: int, tissue: Mask | None, size: tuple[int, int]
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_], Mask]:
    """Return the left edges (m,) and top edges (n,) of a grid's fields, and which of them are kept (n, m)."""
    rows = np.arange(max(0, area.y), min(area.y + area.height, size[1]) - side + 1, side)
    columns = np.arange(max(0, area.x), min(area.x + area.width, size[0]) - side + 1, side)
    kept = np.ones((len(rows), len(columns)), bool)
    if tissue is not None and kept.size:
        kept = tissue_shares(columns, rows, side, tissue, size) >= TISSUE_SHARE
    return columns, rows, kept


def tissue_shares(
    columns: npt.NDArray[np.int_], rows: npt.NDArray[np.int_], side: int, tissue: Mask, size: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Return which share of each field of a grid is tissue.

    Args:
        columns: left edges, shape (m,), in pixels of level 0.
        rows: top edges, shape (n,).
        side: of a field.
        tissue: as :func:`grid` takes it.
        size: width and height of the slide.

    Returns:
        Shares in [0, 1], shape (n, m).
    """
    sums = cv2.integral(tissue.astype(np.uint8))
    (left, right), (top, bottom) = (
        _edges(starts, side, cells / pixels, cells)
        for starts, cells, pixels in ((columns, tissue.shape[1], size[0]), (rows, tissue.shape[0], size[1]))
    )
    inside = sums[np.ix_(bottom, right)] - sums[np.ix_(top, right)] - sums[np.ix_(bottom, left)]
    inside = inside + sums[np.ix_(top, left)]
    return np.asarray(inside / np.outer(bottom - top, right - left))


def _edges(
    starts: npt.NDArray[np.int_], side: int, scale: float, cells: int
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Return the first cell of a mask that each field covers along an axis, and the first one after it."""
    first = np.minimum((starts * scale).astype(int), cells - 1)
    last = np.ceil((starts + side) * scale).astype(int)
    return first, np.clip(last, first + 1, cells)
