"""Few masks that represent many feature maps: the sums of clusters of maps that are alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

SEED = 0
ITERATIONS = 25


def flattened(maps: npt.NDArray[np.floating]) -> Float64Array:
    """Return maps (n, h, w) as rows (n, h·w), each scaled to [0, 1] by its own minimum and maximum; constant ones 0."""
    rows = maps.reshape(len(maps), -1).astype(np.float64)
    low = rows.min(axis=1, keepdims=True)
    span = rows.max(axis=1, keepdims=True) - low
    return np.asarray((rows - low) / np.where(span > 0, span, 1))


def energies(maps: npt.NDArray[np.floating]) -> Float64Array:
    """Return the Euclidean norm of each map, shape (n,): how much it can add to a heat map."""
    rows = maps.reshape(len(maps), -1)
    return np.asarray(np.sqrt(np.einsum("kp,kp->k", rows, rows, dtype=np.float64)))


def cluster_sums(maps: npt.NDArray[np.float32], clusters: int) -> npt.NDArray[np.float32]:
    """Return the sum of the maps of each cluster, shape (m, h, w) for maps (n, h, w), the heaviest cluster first.

    Maps are grouped by shape, each weighted by its energy; there are at most ``clusters``.
    """
    labels = cluster(flattened(maps), energies(maps), clusters)
    return np.stack([maps[labels == g].sum(axis=0) for g in range(labels.max() + 1)])


def cluster(rows: Float64Array, weights: Float64Array, clusters: int) -> npt.NDArray[np.intp]:
    """Group maps by shape: spherical k-means on centred rows, each counting by its weight.

    Seeding is k-means++ (Arthur and Vassilvitskii 2007) with a fixed seed, so the same maps give the same clusters.

    Args:
        rows: shape (n, d), from :func:`flattened`.
        weights: shape (n,), not negative.
        clusters: how many at most.

    Returns:
        Shape (n,), cluster indices 0 … m - 1 without gaps, m at most ``clusters``; the cluster of greatest total weight
        comes first.
    """
    centred = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    centred = centred / np.where(norms > 0, norms, 1)
    weights = weights if weights.any() else np.ones_like(weights)
    centres = centred[_seeds(centred, weights, min(clusters, len(rows)))]
    labels = np.full(len(rows), -1, np.intp)
    for _ in range(ITERATIONS):
        nearest = np.argmax(centred @ centres.T, axis=1)
        if np.array_equal(nearest, labels):
            break
        labels = nearest
        members = np.zeros((len(centres), len(rows)))
        members[labels, np.arange(len(rows))] = weights
        sums = members @ centred
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), centres)
    totals = np.bincount(labels, weights, len(centres))
    present = np.flatnonzero(np.bincount(labels, minlength=len(centres)))
    ranked = present[np.argsort(-totals[present], kind="stable")]
    place = np.zeros(len(centres), np.intp)
    place[ranked] = np.arange(len(ranked))
    return place[labels]


def _seeds(centred: Float64Array, weights: Float64Array, count: int) -> list[int]:
    random = np.random.default_rng(SEED)
    seeds = [int(np.argmax(weights))]
    distance = 1 - centred @ centred[seeds[0]]
    for _ in range(count - 1):
        chances = np.cumsum(weights * np.maximum(distance, 0))
        if chances[-1] <= 0:
            break
        seed = min(int(np.searchsorted(chances, random.random() * chances[-1])), len(centred) - 1)
        seeds.append(seed)
        distance = np.minimum(distance, 1 - centred @ centred[seed])
    return seeds
