"""Find which histology tiles were cut or augmented from the same original, as LC25000's twenty of each are.

LC25000's augmentation flips, turns by any angle and zooms, which no hash of the whole picture survives. So tiles whose
colours are alike are compared point by point: ORB features of both, matched, must fit one turn, zoom and shift.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import ImageError
from core.images.preprocessing import resize
from core.images.reader import read_image
from training.data.dataset import Progress
from training.data.parallel import spread

SIDE = 224  # tiles are compared at this size
FEATURES = 250
NEIGHBOURS = 40  # tiles of the nearest colours that each is compared with; LC25000 has 19 siblings of each
TRIES = 4  # comparisons between two groups before they count as different
# points that must fit: over 400 pairs of different originals with the nearest colours, 99 in 100 have at most 7
ENOUGH = 12
ERROR = 3.0  # pixels by which a fitting point may be off
DISTANCE = 64  # bits of 256 by which matched features may differ


@dataclass(frozen=True, eq=False)
class TileFeatures:
    """A tile's colours and points.

    Attributes:
        colours: shape (2048,), float32: square roots of the shares of Lab colours.
        points: shape (P, 2), float32, in pixels of the tile at 224×224.
        features: shape (P, 32), uint8, the ORB descriptors of the points.
        mirrored_points: the same of the tile's mirror image, in its own pixels.
        mirrored: the descriptors of these.
    """

    colours: npt.NDArray[np.float32]
    points: npt.NDArray[np.float32]
    features: npt.NDArray[np.uint8]
    mirrored_points: npt.NDArray[np.float32]
    mirrored: npt.NDArray[np.uint8]


def group_tiles(paths: Sequence[Path], labels: Sequence[str], progress: Progress) -> list[int]:
    """Return one number per tile, equal for tiles of the same original; tiles of different labels are never grouped.

    A tile that can't be read is a group of its own.
    """
    found = spread("Reading tiles", tile_features, paths, progress)
    parent = list(range(len(paths)))
    for label in sorted(set(labels)):
        at = [i for i, tile in enumerate(found) if tile is not None and labels[i] == label]
        tiles = [tile for i in at if (tile := found[i]) is not None]
        for a, b in _siblings(tiles, f"Matching {label}", progress):
            parent[_root(parent, at[a])] = _root(parent, at[b])
    return [_root(parent, i) for i in range(len(paths))]


def tile_features(path: Path) -> TileFeatures | None:
    """Return a tile's features, or None if it can't be read."""
    try:
        shown = read_image(path).displayed()
    except ImageError:
        return None
    tile = np.rint(255 * resize(shown, SIDE, SIDE)).astype(np.uint8)
    tile = np.stack([tile] * 3, axis=2) if tile.ndim == 2 else tile
    lab = cv2.cvtColor(tile, cv2.COLOR_RGB2LAB)
    colours = cv2.calcHist([lab], [0, 1, 2], None, [8, 16, 16], [0, 256, 96, 192, 96, 192]).ravel()
    grey = np.asarray(cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return TileFeatures(
        np.sqrt(colours / max(colours.sum(), 1)).astype(np.float32),
        *_points(grey),
        *_points(np.ascontiguousarray(grey[:, ::-1])),
    )


def _points(grey: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    orb = cv2.ORB.create(FEATURES, 1.2, 5, edgeThreshold=12, patchSize=21, fastThreshold=5)
    points, features = orb.detectAndCompute(grey, None)
    if not points:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    return np.array([point.pt for point in points], np.float32), np.asarray(features, np.uint8)


def _siblings(tiles: Sequence[TileFeatures], what: str, progress: Progress) -> list[tuple[int, int]]:
    """Return pairs of tiles whose chains join the tiles of each original."""
    if len(tiles) < 2:
        return []
    near = _nearest_colours(np.stack([tile.colours for tile in tiles]))
    parent = list(range(len(tiles)))
    tried: Counter[tuple[int, int]] = Counter()
    joined: list[tuple[int, int]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for rank in range(near.shape[1]):
            pairs = []
            for a, b in enumerate(near[:, rank].tolist()):
                one, other = sorted((_root(parent, a), _root(parent, b)))
                if one != other and tried[one, other] < TRIES:
                    tried[one, other] += 1
                    pairs.append((a, b))
            fits = pool.map(lambda pair: fitting_points(tiles[pair[0]], tiles[pair[1]]) >= ENOUGH, pairs)
            for (a, b), same in zip(pairs, fits, strict=True):
                if same:
                    joined.append((a, b))
                    parent[_root(parent, a)] = _root(parent, b)
            progress(what, rank + 1, near.shape[1])
    return joined


def _nearest_colours(colours: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return for each tile the others with the most similar colours (Bhattacharyya), nearest first."""
    count = min(NEIGHBOURS, len(colours) - 1)
    nearest = np.empty((len(colours), count), np.int64)
    for start in range(0, len(colours), 512):
        alike = colours[start : start + 512] @ colours.T
        rows = np.arange(len(alike))
        alike[rows, start + rows] = -1
        nearest[start : start + 512] = np.argsort(-alike, axis=1, kind="stable")[:, :count]
    return nearest


_MATCHERS = threading.local()


def fitting_points(one: TileFeatures, other: TileFeatures) -> int:
    """Return how many matched points of two tiles fit one turn, zoom and shift, with or without mirroring the first.

    From ``ENOUGH`` on the figure is a lower bound.
    """
    if not hasattr(_MATCHERS, "hamming"):
        _MATCHERS.hamming = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    best = 0  # the mirrored one is only tried where the other does not fit
    for points, features in ((one.points, one.features), (one.mirrored_points, one.mirrored)):
        if len(features) < ENOUGH or len(other.features) < ENOUGH:
            continue
        matches = [m for m in _MATCHERS.hamming.match(features, other.features) if m.distance < DISTANCE]
        if len(matches) < ENOUGH:
            continue
        source = points[[m.queryIdx for m in matches]]
        target = other.points[[m.trainIdx for m in matches]]
        # OpenCV draws RANSAC's samples from a generator with a fixed seed, so that the result is always the same
        _model, fits = cv2.estimateAffinePartial2D(
            source, target, method=cv2.RANSAC, ransacReprojThreshold=ERROR, maxIters=300
        )
        best = max(best, 0 if fits is None else int(fits.sum()))
        if best >= ENOUGH:
            break
    return best


def _root(parent: list[int], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i
