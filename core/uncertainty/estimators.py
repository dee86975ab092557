"""Centres of groups and a shrunk covariance, computed as scikit-learn does, which the base install does not have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

STARTS = 4  # of k-means; the best is kept
ITERATIONS = 300  # at most
TOLERANCE = 1e-4  # squared shift of all centres at which k-means ends, relative to the mean variance of the features


def k_means(rows: Float64Array, count: int, seed: int) -> tuple[Float64Array, Labels]:
    """Group rows by Lloyd's algorithm, seeded by greedy k-means++ (Arthur and Vassilvitskii 2007).

    The result is that of ``sklearn.cluster.KMeans(count, n_init=STARTS, random_state=seed)``, except that a centre
    without rows stays where it is.

    Args:
        rows: shape (N, D).
        count: number of centres M, at most N.
        seed: of the random numbers.

    Returns:
        The centres (M, D), and the index of each row's centre (N,).
    """
    random = np.random.RandomState(seed)  # it draws the numbers that scikit-learn draws
    mean = rows.mean(axis=0)
    rows = rows - mean
    norms = (rows**2).sum(axis=1)
    tolerance = TOLERANCE * float(rows.var(axis=0).mean())
    runs = [_lloyd(rows, norms, rows[_seeds(rows, norms, count, random)], tolerance) for _ in range(STARTS)]
    centres, labels = min(runs, key=lambda run: float(((rows - run[0][run[1]]) ** 2).sum()))
    return centres + mean, labels


def _seeds(rows: Float64Array, norms: Float64Array, count: int, random: np.random.RandomState) -> list[int]:
    """Return the indices of ``count`` rows that lie apart: each is the best of some drawn by squared distance."""
    seeds = [int(random.choice(len(rows), p=np.full(len(rows), 1 / len(rows))))]
    closest = _squares(rows, norms, rows[seeds])[:, 0]
    for _ in range(count - 1):
        drawn = random.uniform(size=2 + int(np.log(count))) * closest.sum()
        tried = np.minimum(np.searchsorted(np.cumsum(closest), drawn), len(rows) - 1)
        distances = np.minimum(closest[:, None], _squares(rows, norms, rows[tried]))
        chosen = int(np.argmin(distances.sum(axis=0)))
        closest = distances[:, chosen]
        seeds.append(int(tried[chosen]))
    return seeds


def _lloyd(
    rows: Float64Array, norms: Float64Array, centres: Float64Array, tolerance: float
) -> tuple[Float64Array, Labels]:
    labels = np.full(len(rows), -1, np.intp)
    for _ in range(ITERATIONS):
        before, labels = labels, np.argmin(_squares(rows, norms, centres), axis=1)
        members = np.zeros((len(centres), len(rows)))
        members[labels, np.arange(len(rows))] = 1
        sizes = members.sum(axis=1, keepdims=True)
        moved = np.where(sizes > 0, members @ rows / np.maximum(sizes, 1), centres)
        shift = float(((moved - centres) ** 2).sum())
        centres = moved
        if np.array_equal(before, labels):
            return centres, labels
        if shift <= tolerance:
            break
    return centres, np.argmin(_squares(rows, norms, centres), axis=1)


def _squares(rows: Float64Array, norms: Float64Array, centres: Float64Array) -> Float64Array:
    """Return squared distances (N, M) of rows, whose squared norms are given, to centres."""
    return np.asarray(np.maximum(0, norms[:, None] + (centres**2).sum(axis=1)[None] - 2 * rows @ centres.T))


def shrunk_covariance(rows: Float64Array) -> Float64Array:
    """Return the covariance of rows (N, D), shrunk towards a multiple of the identity, shape (D, D).

    The shrinkage is that of Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices"
    (2004), section 3.2.
    """
    count, features = rows.shape
    off = rows - rows.mean(axis=0)
    empirical = off.T @ off / count
    scale = np.trace(empirical) / features
    identity = np.eye(features)
    distance = ((empirical - scale * identity) ** 2).sum()
    error = ((off**2).T @ off**2).sum() / count**2 - (empirical**2).sum() / count
    shrinkage = min(error, distance) / distance if distance > 0 else 0.0
    return np.asarray((1 - shrinkage) * empirical + shrinkage * scale * identity)
