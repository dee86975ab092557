"""Deletion and insertion: how the probability of a class changes while the image loses or gains what the map marks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
STEPS = 32


def ranks(values: FloatArray) -> npt.NDArray[np.intp]:
    """Return each pixel's rank in a map, shape (H, W): 0 is the highest; of equal values the first in reading order."""
    order = np.argsort(-values.ravel(), kind="stable")
    rank = np.empty(order.size, np.intp)
    rank[order] = np.arange(order.size)
    return rank.reshape(values.shape)


def deletion_inputs(image: FloatArray, values: FloatArray) -> Iterator[FloatArray]:
    """Yield the image with the pixels that the map holds highest blanked, first to last.

    Petsiuk, Das, Saenko, "RISE", 2018. Blanked pixels take 0 in the normalised input, the training data's mean. The two
    ends, the image itself and the blank one, are the same for every map of an image and are left out.

    Args:
        image: the normalised input, shape (1, 3, H, W).
        values: the map at the input's size, shape (H, W).

    Yields:
        STEPS - 1 inputs of shape (1, 3, H, W), of which a share of 1/STEPS, 2/STEPS, … of the pixels is blank.
    """
    yield from _replaced(image, np.zeros_like(image), values)


def insertion_inputs(image: FloatArray, values: FloatArray) -> Iterator[FloatArray]:
    """Yield an empty image that gets the pixels that the map holds highest, first to last.

    Petsiuk, Das, Saenko, "RISE", 2018, with an empty image of 0 (the mean) in place of a blurred one. Arguments and
    results as for :func:`deletion_inputs`.
    """
    yield from _replaced(np.zeros_like(image), image, values)


def _replaced(start: FloatArray, end: FloatArray, values: FloatArray) -> Iterator[FloatArray]:
    rank = ranks(values)
    for step in range(1, STEPS):
        yield np.where(rank < round(rank.size * step / STEPS), end, start)


def area(curve: npt.ArrayLike) -> float:
    """Return the area under a curve of probabilities over the share of pixels, by the trapezoidal rule, in [0, 1].

    Args:
        curve: probabilities at equal steps, both ends included; a faithful map has a low area for deletion and a high
            one for insertion.
    """
    points = np.asarray(curve, dtype=np.float64)
    return float(np.trapezoid(points, dx=1 / (len(points) - 1)))
