"""From logits to probabilities, and how well probabilities are calibrated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


def softmax(logits: npt.ArrayLike, temperature: float = 1.0) -> Float64Array:
    """Return class probabilities along the last axis: the softmax of the logits over the temperature.

    Args:
        logits: shape (…, C).
        temperature: above 0; 1 leaves the network's own confidence (Guo et al. 2017, arXiv 1706.04599).

    Returns:
        Same shape, float64 in [0, 1], summing to 1 along the last axis.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))


def expected_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al. 2017, equation 3), in [0, 1].

    The images are put into equal bins of top-class confidence; the error is the mean over bins, weighted by their
    images, of |accuracy - mean confidence|. A confidence on a bin's edge belongs to the bin below.

    Args:
        probabilities: shape (N, C).
        labels: shape (N,), class indices.
        bins: number of equal bins.
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    images = np.bincount(index, minlength=bins)
    gap = np.abs(np.bincount(index, right, bins) - np.bincount(index, confidence, bins))
    return float(gap[images > 0].sum() / len(labels))


def jensen_shannon_divergence(p: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """Return the Jensen-Shannon divergence of two distributions in bits, in [0, 1] (Lin 1991).

    Args:
        p: shape (C,), probabilities.
        q: shape (C,), probabilities.
    """
    p, q = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    middle = (p + q) / 2

    def kl(a: Float64Array) -> float:
        seen = a > 0
        return float(np.sum(a[seen] * np.log2(a[seen] / middle[seen])))

    return min(1.0, max(0.0, (kl(p) + kl(q)) / 2))
