"""Fit a novelty gate, and measure it beside other detectors on pictures that the model was not made for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.novelty import NoveltyGate, described, nearest

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

# chosen, as the weights of core.novelty are, by the smallest AUROC over disturbed validation images and other strangers
LAYOUT_CENTRES, COLOUR_CENTRES = 32, 16
FEWEST = 5  # images behind a centre, so that none shows through
FOLDS = 5
KEPT = 0.98  # share of the validation images that pass
SEED = 0


def fit_gate(thumbnails: FloatArray, *, by_layout: bool) -> NoveltyGate:
    """Fit a gate to the thumbnails (N, CHANNELS, S, S) of validation images.

    The centres are k-means' over all of them. The threshold is the ``KEPT`` quantile of distances to centres of folds
    that did not hold the image, since an image pulls its own centre near.

    Args:
        thumbnails: those of the validation split; the test split stays unseen.
        by_layout: whether the images have a layout (radiographs).
    """
    rows = described(thumbnails, by_layout=by_layout)
    folds = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
    count = LAYOUT_CENTRES if by_layout else COLOUR_CENTRES
    distances = [nearest(centres_of(rows[folds != f], count), rows[folds == f]) for f in range(FOLDS)]
    return NoveltyGate(centres_of(rows, count), float(np.quantile(np.concatenate(distances), KEPT)))


def centres_of(rows: Float64Array, count: int) -> Float64Array:
    """Return at most ``count`` centres (M, D) of at least ``FEWEST`` rows each; of few rows, their mean."""
    from sklearn.cluster import KMeans

    count = min(count, len(rows) // (2 * FEWEST))
    if count < 2:
        return np.asarray(rows.mean(axis=0, keepdims=True))
    found = KMeans(count, n_init=4, random_state=SEED).fit(rows)
    return np.asarray(found.cluster_centers_[np.bincount(found.labels_, minlength=count) >= FEWEST])
