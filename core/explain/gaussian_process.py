"""Scores of all masks from those of a few, with what is still uncertain: a Gaussian process over masks.

Similar masks have similar scores. The score is modelled as a smooth function of the mask, with covariance
exp(-|a - b|² / 2·scale²) between masks a and b, times a variance that the known scores give (Rasmussen and Williams,
Gaussian Processes for Machine Learning, 2006, chapter 2). It tells the expected score of every mask, how uncertain a
weighted sum of them is, and which further masks would tell most about it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]

NOISE = 1e-3  # variance of a known score about the smooth function, where the function's own is 1
OWN_VARIANCE = 0.1  # the same of a single map's score: what is its own, and can't be learnt from others
DISTANCE_SAMPLE = 200
SMALLEST_VARIANCE = 1e-9


class GaussianProcess:
    """The scores of n masks, known for some others.

    Args:
        rows: the masks, flattened, shape (n, d).
    """

    def __init__(self, rows: Float64Array) -> None:
        self._rows = rows
        self._scale = _median_distance(rows[:: max(1, len(rows) // DISTANCE_SAMPLE)])
        few_digits = rows.astype(np.float32)  # enough for what is summed over many pairs, and twice as fast
        self._prior = self._kernel(few_digits, few_digits)

    def know(self, masks: Float64Array, scores: Float64Array) -> None:
        """Learn the scores (m, C) of masks (m, d), in place of those known before."""
        self._known = masks
        self._factor = np.linalg.cholesky(self._kernel(masks, masks) + NOISE * np.eye(len(masks)))
        self._offset = scores.mean(axis=0)
        self._white_scores = np.linalg.solve(self._factor, scores - self._offset)
        self._white_rows = self._whitened(self._rows)

    def scores(self) -> Float64Array:
        """Return the expected scores of the n masks, shape (n, C)."""
        return np.asarray(self._offset + self._white_rows.T @ self._white_scores)

    def covariance(self, weights: Float64Array, class_index: int) -> Float64Array:
        """Return the covariance (p, p) of p weighted sums of a class's scores, weights (n, p)."""
        few_digits = weights.astype(np.float32)
        white = self._white_rows @ weights
        smooth = (few_digits.T @ (self._prior @ few_digits)).astype(np.float64) - white.T @ white
        np.fill_diagonal(smooth, np.maximum(smooth.diagonal(), 0))  # what is left of few digits may be below 0
        amplitude = (self._white_scores[:, class_index] ** 2).mean()
        found = max(amplitude, SMALLEST_VARIANCE) * (smooth + OWN_VARIANCE * weights.T @ weights)
        return np.asarray(found)

    def most_telling(self, masks: Float64Array, weights: Float64Array, count: int) -> list[int]:
        """Return which masks (m, d), once their scores are known, reduce that variance most; one after the other.

        Args:
            masks: what could be scored, shape (m, d).
            weights: as for :meth:`covariance`, shape (n, p).
            count: how many are chosen, at most m.
        """
        white = self._whitened(masks)
        covariance = self._kernel(masks, masks) - white.T @ white
        told = self._kernel(masks, self._rows) @ weights - white.T @ (self._white_rows @ weights)
        chosen: list[int] = []
        for _ in range(count):
            variance = np.maximum(np.diag(covariance), 0) + NOISE
            gains = (told**2).sum(axis=1) / variance
            gains[chosen] = -1
            best = int(gains.argmax())
            chosen.append(best)
            share = covariance[:, best] / variance[best]
            told = told - np.outer(share, told[best])
            covariance = covariance - np.outer(share, covariance[best])
        return chosen

    def _whitened(self, rows: Float64Array) -> Float64Array:
        return np.asarray(np.linalg.solve(self._factor, self._kernel(self._known, rows)))

    def _kernel(self, a: Floats, b: Floats) -> Floats:
        return np.asarray(np.exp(_squared_distances(a, b) / (-2 * self._scale * self._scale)))


def _median_distance(rows: Float64Array) -> float:
    squared = _squared_distances(rows, rows)
    apart = squared[squared > 1e-12]
    return float(np.sqrt(np.median(apart))) if apart.size else 1.0


def _squared_distances(a: Floats, b: Floats) -> Floats:
    squared = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)[None] - 2 * a @ b.T
    return np.asarray(np.maximum(squared, 0))
