"""Intervals of a mean over images, by the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DRAWS = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean over images.

    Attributes:
        value: the mean.
        low: lower end of its 95 % interval, None of a single image.
        high: upper end, likewise.
        images: over how many images.
    """

    value: float
    low: float | None
    high: float | None
    images: int


def estimate(values: npt.ArrayLike, seed: int = 0) -> Estimate:
    """Return a mean with its 95 % percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13).

    Whole images are drawn with replacement, ``DRAWS`` times. With fewer than some twenty images the interval is too
    narrow, and images of one patient count as independent.

    Args:
        values: one figure an image, shape (n,), n at least 1.
        seed: of the draws.
    """
    found = np.asarray(values, dtype=np.float64)
    mean = float(found.mean())
    if len(found) < 2:
        return Estimate(mean, None, None, len(found))
    picks = np.random.default_rng(seed).integers(len(found), size=(DRAWS, len(found)))
    low, high = np.percentile(found[picks].mean(axis=1), [2.5, 97.5])
    return Estimate(mean, float(low), float(high), len(found))
