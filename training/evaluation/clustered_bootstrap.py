"""Means with intervals where several images are of one patient or original, and so err together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.compare.agreement import wilson
from training.data.dataset import Sample

Indices = npt.NDArray[np.intp]
RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Figure:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def is_apart_from_zero(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def clusters_of(samples: list[Sample]) -> Indices:
    """Return a number for each sample, shape (N,), equal for images of one patient or original as far as known."""
    names = [s.group or str(s.path) for s in samples]
    return np.unique(names, return_inverse=True)[1].astype(np.intp)


def figure(values: npt.ArrayLike, clusters: Indices) -> Figure:
    """Return the mean of values (N,) with a 95 % interval by clusters.

    A share has Wilson's interval on as many images as are worth as much as independent ones; other values have a
    percentile bootstrap of whole clusters.

    Args:
        values: one an image; all of them true or false, or numbers.
        clusters: shape (N,), equal for images of one patient or original, which err together.
    """
    values = np.asarray(values)
    if values.dtype == np.bool_:
        worth = independent(values, clusters)
        share = wilson(float(values.mean()) * worth, worth)
        return Figure(share.value, share.low, share.high)
    values = values.astype(np.float64)
    _, index = np.unique(clusters, return_inverse=True)
    sums, sizes = np.bincount(index, values), np.bincount(index)
    drawn = np.random.default_rng(SEED).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.percentile(drawn @ sums / (drawn @ sizes), [2.5, 97.5])
    return Figure(float(values.mean()), float(low), float(high))


def independent(values: npt.NDArray[np.bool_], clusters: Indices) -> float:
    """Return how many independent images the images (N,) are worth, from 1 to N.

    That is N over the design effect: the variance of the mean by whole clusters over that by images (Korn and Graubard
    1998). Where all values are equal it is not defined, and each cluster counts as one.

    Args:
        values: whether each is right.
        clusters: shape (N,), equal for images that err together.
    """
    _names, index = np.unique(clusters, return_inverse=True)
    count, images = int(index.max()) + 1, len(values)
    mean = float(values.mean())
    if count in (1, images) or mean in (0.0, 1.0):
        return float(count)
    off = np.bincount(index, values - mean)
    effect = float(off @ off) / (images * mean * (1 - mean)) * count / (count - 1)
    return images / max(1.0, effect)
