"""How errors of the scores move a heat map.

With weights α = softmax of the scores and the map M = Σ α_k A_k, small errors δs of the scores move it by
δM = Σ α_k δs_k (A_k - M). To second order 1 - Pearson(M, M + δM) = |δM⊥|² / 2|M|², where M is centred, and δM⊥ is δM
centred and orthogonal to it. So 1 - Pearson is half the squared length of a weighted sum of errors.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.uncertainty.calibration import softmax

Float64Array = npt.NDArray[np.float64]


def error_weights(maps: npt.NDArray[np.floating], scores: Float64Array) -> Float64Array:
    """Return W such that 1 - Pearson(M, M + δM) = |Wᵀ δs|² / 2 for small errors δs of the scores.

    Pixels in which M is not positive stay 0 and are not moved.

    Args:
        maps: the feature maps A_k, shape (K, h, w).
        scores: their scores, shape (K,).

    Returns:
        Shape (K, h·w); 0 for a constant M.
    """
    rows = maps.reshape(len(maps), -1).astype(np.float64)
    alpha = softmax(scores)
    mean = alpha @ rows
    moved = alpha[:, None] * np.where(mean > 0, rows - mean, 0)
    moved -= moved.mean(axis=1, keepdims=True)
    centred = np.maximum(mean, 0) - np.maximum(mean, 0).mean()
    length = np.linalg.norm(centred)
    if length == 0:
        return np.zeros_like(moved)
    along = centred / length
    moved -= np.outer(moved @ along, along)
    return np.asarray(moved / length)
