"""Fit a novelty gate to images that a model was not trained with, and to the same images disturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import Preprocessing, resize, to_network_input
from core.images.reader import read_image
from core.uncertainty.disturbances import DISTURBANCES, EXPOSURES, Picture
from core.uncertainty.estimators import k_means, shrunk_covariance
from core.uncertainty.novelty import MIN_DISTANCE, NoveltyGate, View, nearest, novelty_scores
from core.uncertainty.thumbnail import exposure_features, likeness_features, thumbnail

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

# chosen, like the weights in core.uncertainty.thumbnail, by the smallest AUROC over disturbed and other images
LAYOUT_CENTRES, COLOUR_CENTRES, EXPOSURE_CENTRES = 32, 16, 32
DECOY_CENTRES, EXPOSURE_DECOY_CENTRES = 16, 32  # of each disturbance
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
EXPOSURE_DECOYS = (
    "at a quarter of its brightness",
    "at 40 % of its brightness",
    "at half its brightness",
    "darkened by gamma 2.5",
    "at twice its brightness",
    "brightened by gamma 0.4",
    "lifted to half",
    "washed out",
    "clipped at both ends",
    "clipped below",
    "wrapped twice",
    "wrapped by its sign",
    "in 8 bands",
    "at 30 % of its contrast",
    "out of focus",
    "blank",
)
MAX_DISTURBED = 400  # images from which the decoys of the exposure test are made
MIN_MEMBERS = 5  # images averaged in a centre, so that none can be recognised
PASS_RATE = 0.975  # share of the validation images that pass
FOLDS = 5  # parts of the validation images to which centres are fitted in turn
SEED = 0


class Decoys(NamedTuple):
    """Thumbnails (N, CHANNELS, S, S) of disturbed images, one array for each disturbance, for each test."""

    likeness: Sequence[FloatArray] = ()
    exposure: Sequence[FloatArray] = ()


def fit_gate(thumbnails: FloatArray, decoys: Decoys | None = None, *, by_layout: bool) -> NoveltyGate:
    """Fit a gate to the thumbnails (N, CHANNELS, S, S) of validation images.

    Both tests are fitted in the same way. The centres are those of k-means over all images, the decoys those of k-means
    over each disturbance of the images. ``reach`` is chosen such that the distances, and the distances times
    ``reach / to_decoy``, have the same quantile at ``PASS_RATE``. Scores are cross-fitted: each image is scored by
    centres that it did not contribute to. Both thresholds are the same quantile of the scores, such that a share of
    ``PASS_RATE`` passes both tests.

    Args:
        thumbnails: those of the validation split, never of the test split.
        decoys: thumbnails of disturbed images of the same split.
        by_layout: whether the images have a layout, as grey ones are taken to.
    """
    decoys = decoys or Decoys()
    rows = likeness_features(thumbnails, by_layout=by_layout)
    disturbed = [likeness_features(those, by_layout=by_layout) for those in decoys.likeness]
    centres = LAYOUT_CENTRES if by_layout else COLOUR_CENTRES
    likeness, scores = _fit_view(View(rows, 1.0, rows[:0], 0.0), disturbed, centres, DECOY_CENTRES)
    features = exposure_features(thumbnails, colour=not by_layout)
    mean, matrix = _whitening(features)
    whitened = [(exposure_features(those, colour=not by_layout) - mean) @ matrix for those in decoys.exposure]
    rows = (features - mean) @ matrix
    start = View(rows, 1.0, rows[:0], 0.0, mean, matrix)
    exposure, others = _fit_view(start, whitened, EXPOSURE_CENTRES, EXPOSURE_DECOY_CENTRES)
    share = float(np.quantile(np.maximum(_ranks(scores), _ranks(others)), PASS_RATE))
    return NoveltyGate(
        replace(likeness, threshold=float(np.quantile(scores, share))),
        replace(exposure, threshold=float(np.quantile(others, share))),
    )


def fit_gate_to_few(thumbnails: FloatArray, decoys: Decoys, held_out: FloatArray, *, by_layout: bool) -> NoveltyGate:
    """Fit a gate to few images, and set its threshold by others, so that it is right for images never seen.

    Whitening is not cross-fitted by :func:`fit_gate`: its thresholds are too low where images are few.

    Args:
        thumbnails: those of the images that the gate is fitted to.
        decoys: thumbnails of the same images, disturbed.
        held_out: thumbnails (M, CHANNELS, S, S) of the images that set the threshold: a new image of the same kind
            passes with a probability of ``PASS_RATE``, or M / (M + 1) where that is less.
        by_layout: as in :func:`fit_gate`.
    """
    gate = fit_gate(thumbnails, decoys, by_layout=by_layout)
    scores = gate.scores(held_out)
    share = min(1.0, PASS_RATE * (len(scores) + 1) / len(scores))
    factor = max(MIN_DISTANCE, float(np.quantile(scores, share, method="inverted_cdf")))
    views = (replace(view, threshold=factor * view.threshold) for view in (gate.likeness, gate.exposure) if view)
    return NoveltyGate(*views)


def _fit_view(start: View, disturbed: list[Float64Array], centres: int, decoys: int) -> tuple[View, Float64Array]:
    """Return a view with a threshold of 1, and the cross-fitted scores (N,) of the rows it is fitted to.

    Args:
        start: a view with the rows (N, D) in place of centres.
        disturbed: rows (M, D) of each disturbance.
        centres: largest number of centres.
        decoys: largest number of decoys of each disturbance.
    """
    rows = start.centres
    folds = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
    to_centre, to_decoy = np.empty(len(rows)), np.empty(len(rows))
    for fold in range(FOLDS):
        inside, others = folds == fold, folds != fold
        to_centre[inside] = nearest(centres_of(rows[others], centres), rows[inside])
        others_disturbed = [those[np.arange(len(those)) % FOLDS != fold] for those in disturbed]
        to_decoy[inside] = nearest(_decoys(others_disturbed, decoys, rows), rows[inside])
    to_centre, to_decoy = np.maximum(to_centre, MIN_DISTANCE), np.maximum(to_decoy, MIN_DISTANCE)
    reach = (
        float(np.quantile(to_centre, PASS_RATE) / np.quantile(to_centre / to_decoy, PASS_RATE)) if disturbed else 0.0
    )
    found = replace(start, centres=centres_of(rows, centres), decoys=_decoys(disturbed, decoys, rows), reach=reach)
    return found, novelty_scores(to_centre, to_decoy, reach)


def _whitening(rows: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return mean (E,) and matrix (E, E) that whiten rows (N, E) by their shrunk covariance (Ledoit and Wolf 2004)."""
    values, vectors = np.linalg.eigh(shrunk_covariance(rows))
    return rows.mean(axis=0), vectors / np.sqrt(np.maximum(values, np.finfo(np.float32).eps))


def _ranks(scores: Float64Array) -> Float64Array:
    """Return for each score the share of scores that are not larger, shape (N,)."""
    return np.asarray(np.searchsorted(np.sort(scores), scores, side="right") / len(scores))


def decoy_thumbnails(paths: Sequence[Path], how: Preprocessing) -> Decoys:
    """Return thumbnails of disturbed images: for the likeness of radiographs of all images, for the exposure of some.

    Tissue has no orientation, and half a tile is still tissue, so colour tiles are disturbed in exposure only. The
    exposure of decoys is not adjusted.

    Raises:
        ImageError: if an image can't be read.
    """
    how = how.model_copy(update={"exposure": None})
    by_layout = {name: DISTURBANCES[name] for name in DECOYS} if how.channels == "grey" else {}
    some = paths[:: -(-len(paths) // MAX_DISTURBED)]
    by_exposure = {name: EXPOSURES[name] for name in EXPOSURE_DECOYS}
    return Decoys(
        _disturbed((read_image(path).displayed() for path in paths), by_layout, how) if by_layout else [],
        _disturbed((_bounded(read_image(path).displayed(), how) for path in some), by_exposure, how),
    )


def _bounded(picture: Picture, how: Preprocessing) -> Picture:
    """Return an image of at most twice the network's input size, so that blurring is fast."""
    return resize(picture, min(picture.shape[0], 2 * how.height), min(picture.shape[1], 2 * how.width))


def _disturbed(
    pictures: Iterable[Picture], disturbances: dict[str, Callable[[Picture], Picture]], how: Preprocessing
) -> list[FloatArray]:
    found: list[list[FloatArray]] = [[] for _ in disturbances]
    for picture in pictures:
        for thumbnails, disturb in zip(found, disturbances.values(), strict=True):
            thumbnails.append(thumbnail(to_network_input(disturb(picture), how), how)[0])
    return [np.array(thumbnails) for thumbnails in found]


def _decoys(disturbed: list[Float64Array], count: int, like: Float64Array) -> Float64Array:
    """Return at most ``count`` decoys (M, D) of each disturbance, D as in ``like``."""
    return np.concatenate([like[:0], *(centres_of(rows, count) for rows in disturbed)])


def centres_of(rows: Float64Array, count: int) -> Float64Array:
    """Return at most ``count`` k-means centres (M, D) of at least ``MIN_MEMBERS`` rows; their mean if there are few."""
    count = min(count, len(rows) // (2 * MIN_MEMBERS))
    if count < 2:
        return np.asarray(rows.mean(axis=0, keepdims=True))
    centres, labels = k_means(rows, count, SEED)
    return centres[np.bincount(labels, minlength=count) >= MIN_MEMBERS]
