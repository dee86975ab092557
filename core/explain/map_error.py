"""How errors of the scores move a heat map.

With weights α = softmax of the scores and the sum M = Σ α_k A_k, small errors δs of the scores move it by
δM = Σ α_k δs_k (A_k - M). The heat map is V = max(M, 0). Near 0 a pixel may appear or vanish: where M is known up to a
standard deviation σ, δV = Φ(M / σ) δM, by the derivative of the expected maximum. To second order
1 - Pearson(V, V + δV) = |δV⊥|² / 2|V|², where V is centred, and δV⊥ is δV centred and orthogonal to it. So 1 - Pearson
is half the squared length of a weighted sum of errors, and its expectation follows from their covariance.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from core.uncertainty.calibration import softmax

Float64Array = npt.NDArray[np.float64]
Maps = npt.NDArray[np.floating]

SURELY = 4.0  # standard deviations below 0 at which a pixel is taken to be negative


def sum_of_maps(maps: Maps, scores: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return M, shape (h·w,), and how errors of the scores move it, shape (K, h·w).

    Args:
        maps: the feature maps A_k, shape (K, h, w).
        scores: their scores, shape (K,).
    """
    rows = maps.reshape(len(maps), -1).astype(np.float64)
    alpha = softmax(scores)
    mean = alpha @ rows
    return mean, alpha[:, None] * (rows - mean)


def may_appear(mean: Float64Array, deviation: Float64Array) -> bool:
    """Return whether a heat map that is empty may be so by an error only.

    Args:
        mean: M, shape (h·w,).
        deviation: its standard deviation, likewise.
    """
    return not (mean > 0).any() and bool((mean + SURELY * deviation > 0).any())


def relative_change(mean: Float64Array, deviation: Float64Array) -> Float64Array:
    """Return T such that 1 - Pearson(V, V + δV) = |Tᵀ δM|² / 2 for small changes δM.

    Args:
        mean: M, shape (h·w,).
        deviation: standard deviation of M, shape (h·w,); where it is 0, pixels whose M is not positive are not moved.

    Returns:
        Shape (h·w, h·w); 0 for a constant V.
    """
    shown = np.maximum(mean, 0)
    centred = shown - shown.mean()
    length = np.linalg.norm(centred)
    if length == 0:
        return np.zeros((len(mean), len(mean)))
    along = centred / length
    orthogonal = np.eye(len(mean)) - 1 / len(mean) - np.outer(along, along)
    return np.asarray(_positive(mean, deviation)[:, None] * orthogonal / length)


def _positive(mean: Float64Array, deviation: Float64Array) -> Float64Array:
    """Return the probability that each pixel is positive, if it is normal."""
    known = deviation <= 0
    ratio = mean / (np.where(known, 1.0, deviation) * math.sqrt(2))
    return np.where(known, mean > 0, [(1 + math.erf(one)) / 2 for one in ratio])
