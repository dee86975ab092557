"""Means with intervals where several images are of one patient or original, and so err together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.samples import Sample

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
    """Return the mean of values (N,) with a percentile bootstrap 95 % interval, drawing whole clusters.

    Args:
        values: one an image.
        clusters: shape (N,), equal for images of one patient or original, which err together.
    """
    values = np.asarray(values, dtype=np.float64)
    _, index = np.unique(clusters, return_inverse=True)
    sums, sizes = np.bincount(index, values), np.bincount(index)
    drawn = np.random.default_rng(SEED).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.percentile(drawn @ sums / (drawn @ sizes), [2.5, 97.5])
    return Figure(float(values.mean()), float(low), float(high))
