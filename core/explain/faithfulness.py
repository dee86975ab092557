"""How faithful a heat map is: how the prediction changes when the image loses what the map marks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.explain.similarity import pearson
from core.runtimes.base import Runtime
from core.uncertainty.calibration import softmax

FloatArray = npt.NDArray[np.float32]
STEPS = 32


@dataclass(frozen=True, eq=False)
class PerturbationCurve:
    """The probability of a class while pixels are removed from the image or restored.

    Attributes:
        probabilities: shape (STEPS + 1,), from the untouched start to the end.
        auc: area under the curve over the share of pixels, by the trapezoidal rule, in [0, 1].
    """

    probabilities: npt.NDArray[np.float64]
    auc: float


def deletion(runtime: Runtime, image: FloatArray, values: FloatArray, class_index: int) -> PerturbationCurve:
    """Blank the pixels that the map holds highest, first to last; a good map's probability falls early (low area).

    Petsiuk, Das, Saenko, "RISE", 2018. Blanked pixels take 0 in the normalised input, the training data's mean.

    Args:
        runtime: the network.
        image: its normalised input, shape (1, 3, H, W).
        values: the map at the input's size, shape (H, W).
        class_index: the class that the map explains.
    """
    return _curve(runtime, image, np.zeros_like(image), values, class_index)


def insertion(runtime: Runtime, image: FloatArray, values: FloatArray, class_index: int) -> PerturbationCurve:
    """Bring pixels into an empty image, highest first; a good map's probability rises early (high area).

    Petsiuk, Das, Saenko, "RISE", 2018, with an empty image of 0 (the mean) in place of a blurred one. Arguments as for
    :func:`deletion`.
    """
    return _curve(runtime, np.zeros_like(image), image, values, class_index)


def _curve(
    runtime: Runtime, start: FloatArray, end: FloatArray, values: FloatArray, class_index: int
) -> PerturbationCurve:
    order = np.argsort(-values.ravel(), kind="stable")
    rank = np.empty(order.size, np.intp)
    rank[order] = np.arange(order.size)
    changed = [rank.reshape(values.shape) < round(order.size * step / STEPS) for step in range(STEPS + 1)]
    probabilities = []
    for first in range(0, len(changed), runtime.batch_size):
        batch = np.concatenate([np.where(c, end, start) for c in changed[first : first + runtime.batch_size]])
        probabilities.append(softmax(runtime.forward(batch))[:, class_index])
    curve = np.concatenate(probabilities)
    return PerturbationCurve(curve, float(np.trapezoid(curve, dx=1 / STEPS)))


def average_drop(full: npt.ArrayLike, explained: npt.ArrayLike) -> float:
    """Return the mean over images of max(0, Y - O) / Y, in [0, 1]; lower is better (Chattopadhyay et al. 2018, eq. 9).

    Args:
        full: Y, the probability of the class on each full image, above 0.
        explained: O, the same on the image multiplied by its map.
    """
    y, o = np.asarray(full, dtype=np.float64), np.asarray(explained, dtype=np.float64)
    return float(np.mean(np.maximum(0, y - o) / y))


def average_increase(full: npt.ArrayLike, explained: npt.ArrayLike) -> float:
    """Return the share of images with O > Y, in [0, 1]; higher is better (Chattopadhyay et al. 2018, section 3.2.2)."""
    return float(np.mean(np.asarray(explained, dtype=np.float64) > np.asarray(full, dtype=np.float64)))


def explained_probability(runtime: Runtime, image: FloatArray, values: FloatArray, class_index: int) -> float:
    """Return the probability of a class on the normalised input multiplied by its map of shape (H, W)."""
    return float(softmax(runtime.forward(image * values))[0, class_index])


def energy_inside(values: FloatArray, mask: npt.NDArray[np.bool_]) -> float:
    """Return the share of a map's sum that lies inside a mask of the same shape, in [0, 1].

    The energy-based pointing game of Wang et al. 2020 (Score-CAM, section 4.3), with a mask in place of a box. A map
    that is zero everywhere has no energy inside.
    """
    total = float(values.sum(dtype=np.float64))
    return float(values[mask].sum(dtype=np.float64)) / total if total > 0 else 0.0


def randomisation_check(explain: Callable[[Runtime], FloatArray], trained: Runtime, randomised: Runtime) -> float:
    """Return how alike the maps of a trained and of a randomised network are, as Pearson correlation.

    The model parameter randomisation test of Adebayo et al. 2018 ("Sanity checks for saliency maps"): a map that
    explains what the network has learned must change when the weights are random, so a value near 1 is a failure.

    Args:
        explain: makes the map of one image with a network.
        trained: the trained network.
        randomised: the same architecture with random weights.
    """
    return pearson(explain(trained), explain(randomised))
