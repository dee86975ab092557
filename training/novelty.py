"""Fit a novelty gate, and measure it beside other detectors on pictures that the model was not made for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.images import read_image
from core.novelty import NoveltyGate, described, nearest, strangeness, thumbnail
from core.preprocess import Preprocessing, to_network_input
from training.datasets import Sample
from training.novelty_sets import DISTURBANCES

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

# chosen, as the weights of core.novelty are, by the smallest AUROC over disturbed validation images and other strangers
LAYOUT_CENTRES, COLOUR_CENTRES = 32, 16
DECOY_CENTRES = 16  # of each disturbance
DECOYS = (
    "inverted",
    "rotated by 90°",
    "rotated by 270°",
    "upside down",
    "left half only",
    "right half only",
    "upper half only",
    "lower half only",
    "middle quarter only",
    "blurred",
)
FEWEST = 5  # images behind a centre, so that none shows through
FOLDS = 5
KEPT = 0.98  # share of the validation images that pass
SEED = 0


def fit_gate(thumbnails: FloatArray, decoys: Sequence[FloatArray] = (), *, by_layout: bool) -> NoveltyGate:
    """Fit a gate to the thumbnails (N, CHANNELS, S, S) of validation images.

    The centres are k-means' over all of them, the decoys k-means' over each disturbance of them. The reach weighs both
    alike: as many of the images lie within it as lie beyond the threshold by their distance alone. The threshold is the
    ``KEPT`` quantile of scores by folds that did not hold the image, since an image pulls its own centre near.

    Args:
        thumbnails: those of the validation split; the test split stays unseen.
        decoys: the same images' thumbnails in the same order, once for each disturbance.
        by_layout: whether the images have a layout (radiographs).
    """
    rows = described(thumbnails, by_layout=by_layout)
    disturbed = [described(those, by_layout=by_layout) for those in decoys]
    folds = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
    to_centre, to_decoy = np.empty(len(rows)), np.empty(len(rows))
    for fold in range(FOLDS):
        inside, others = folds == fold, folds != fold
        to_centre[inside] = nearest(_centres(rows[others], by_layout), rows[inside])
        to_decoy[inside] = nearest(_decoys([those[others] for those in disturbed], rows), rows[inside])
    reach = float(np.quantile(to_centre, KEPT) / np.quantile(to_centre / to_decoy, KEPT)) if disturbed else 0.0
    threshold = float(np.quantile(strangeness(to_centre, to_decoy, reach), KEPT))
    return NoveltyGate(_centres(rows, by_layout), threshold, _decoys(disturbed, rows), reach)


def decoy_thumbnails(samples: Sequence[Sample], how: Preprocessing) -> list[FloatArray]:
    """Return thumbnails (N, CHANNELS, S, S) of the images, one array for each of ``DECOYS``; none for tiles in colour.

    Tissue has no up and down, and half a tile is tissue still.

    Raises:
        ImageError: if an image can't be read.
    """
    if how.channels != "grey":
        return []
    found: list[list[FloatArray]] = [[] for _ in DECOYS]
    for sample in samples:
        picture = read_image(sample.path).displayed()
        for thumbnails, name in zip(found, DECOYS, strict=True):
            thumbnails.append(thumbnail(to_network_input(DISTURBANCES[name](picture), how), how)[0])
    return [np.array(thumbnails) for thumbnails in found]


def _centres(rows: Float64Array, by_layout: bool) -> Float64Array:
    return centres_of(rows, LAYOUT_CENTRES if by_layout else COLOUR_CENTRES)


def _decoys(disturbed: list[Float64Array], like: Float64Array) -> Float64Array:
    """Return the decoys (M, D) of the disturbances, D as in ``like``."""
    return np.concatenate([like[:0], *(centres_of(rows, DECOY_CENTRES) for rows in disturbed)])


def centres_of(rows: Float64Array, count: int) -> Float64Array:
    """Return at most ``count`` centres (M, D) of at least ``FEWEST`` rows each; of few rows, their mean."""
    from sklearn.cluster import KMeans

    count = min(count, len(rows) // (2 * FEWEST))
    if count < 2:
        return np.asarray(rows.mean(axis=0, keepdims=True))
    found = KMeans(count, n_init=4, random_state=SEED).fit(rows)
    return np.asarray(found.cluster_centers_[np.bincount(found.labels_, minlength=count) >= FEWEST])
