"""Whether maps have their place in the image: a bright patch that moves must move what changes in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

PLACES = 4  # rows and columns of places where the patch is put
PATCH = 0.2  # side of the patch as a share of the image's
SEEN = 0.5  # share of the places at which the patch must change the maps at all
FOLLOWS = 0.8  # least correlation that proves maps


def patched(image: FloatArray) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """Return copies of an image with a bright patch at each of ``PLACES`` × ``PLACES`` places.

    Args:
        image: shape (3, H, W), normalised.

    Returns:
        The images (P, 3, H, W), and the centres of the patches (P, 2): row and column, in [0, 1].
    """
    height, width = image.shape[1:]
    sides = [max(1, round(PATCH * side)) for side in (height, width)]
    bright = max(2.0, float(image.max()) + 1)  # normalised values: 2 is bright for any network
    images, centres = [], []
    for row in np.linspace(0, height - sides[0], PLACES).round().astype(int):
        for column in np.linspace(0, width - sides[1], PLACES).round().astype(int):
            changed = image.copy()
            changed[:, row : row + sides[0], column : column + sides[1]] = bright
            images.append(changed)
            centres.append(((row + sides[0] / 2) / height, (column + sides[1] / 2) / width))
    return np.stack(images), np.asarray(centres)


def follows(maps_of: Callable[[FloatArray], FloatArray], image: FloatArray) -> float:
    """Return how well maps follow a bright patch that moves over an image, in [-1, 1]; ``FOLLOWS`` is enough.

    For each place of the patch, the change of the maps is summed over the channels, |A(patched) - A(image)|. What
    changes everywhere, its median over the cells, is taken off. The centre of mass of the rest is compared with the
    patch's: the result is the Pearson correlation over the places, of rows or of columns, whichever is lower. Maps
    whose cells are out of order, or whose rows are columns, have one near 0.

    Args:
        maps_of: maps (N, K, h, w) of normalised images (N, 3, H, W).
        image: a normalised image, shape (3, H, W).
    """
    images, centres = patched(image)
    plain = np.asarray(maps_of(image[None]), dtype=np.float64)
    changes = np.concatenate([np.abs(maps_of(one[None]) - plain).sum(axis=1) for one in images])  # (P, h, w)
    changes = np.maximum(0, changes - np.median(changes, axis=(1, 2), keepdims=True))
    if not np.isfinite(changes).all():
        return 0.0
    seen = changes.sum(axis=(1, 2)) > 0
    if seen.mean() < SEEN:
        return 0.0
    changes, centres = changes[seen], centres[seen]
    total = changes.sum(axis=(1, 2))
    rows, columns = (np.arange(length) + 0.5 for length in changes.shape[1:])
    found = np.stack([changes.sum(axis=2) @ rows / total, changes.sum(axis=1) @ columns / total], axis=1)
    return min(_correlation(found[:, axis], centres[:, axis]) for axis in (0, 1))


def _correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    if min(a.std(), b.std()) < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
