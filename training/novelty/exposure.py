"""Fit the classifier that detects a changed exposure of radiographs to validation images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from core.errors import ImageError
from core.images.exposure import (
    BRIGHT,
    DARK,
    MIN_CONTRAST,
    Exposure,
    Float64Array,
    median_position,
    percentiles,
    terms,
)
from core.images.preprocessing import LUMA, Preprocessing, resize
from core.images.reader import read_image
from core.uncertainty.disturbances import EXPOSURES
from training.data.dataset import Sample

# changes that the classifier is fitted to; percentiles transform exactly under any monotonic change
LINEAR = ("at a quarter of its brightness", "at half its brightness", "at half its contrast", "lifted by 0.4")
GAMMA = ("darkened by gamma 2.5", "brightened by gamma 0.4")
MAX_ADJUSTED = 0.05  # largest share of unchanged validation images that is adjusted
MIN_IMAGES = 100  # smallest number of images to fit to
INVERSE_REGULARISATION = 10.0  # scikit-learn's C


def fit_exposure(samples: Sequence[Sample], how: Preprocessing) -> Exposure | None:
    """Return the usual exposure of a split; None for colour, for too few images, and for images without contrast.

    Args:
        samples: the validation split, never the test split. Unreadable images are left out.
        how: the preprocessing; only size and channels are used.
    """
    if how.channels != "grey":
        return None
    found = []
    for sample in samples:
        with suppress(ImageError):
            found.append(_percentiles(sample, how))
    return fitted(np.array(found)) if len(found) >= MIN_IMAGES else None


def with_exposure(how: Preprocessing, samples: Sequence[Sample]) -> Preprocessing:
    """Return a preprocessing that adjusts exposure to that of a split; for the arguments see :func:`fit_exposure`."""
    return how.model_copy(update={"exposure": fit_exposure(samples, how)})


def fitted(found: Float64Array) -> Exposure | None:
    """Return the usual exposure of images from percentiles, shape (N, len(PERCENTILES)); None without contrast."""
    from sklearn.linear_model import LogisticRegression

    dark, bright = (float(np.median(found[:, place])) for place in (DARK, BRIGHT))
    if bright - dark < 2 * MIN_CONTRAST:
        return None
    cases = [[found], *([_changed(found, name) for name in names] for names in (LINEAR, GAMMA))]
    rows = np.concatenate([part for case in cases for part in case])
    labels = np.repeat(range(len(cases)), [len(found) * len(case) for case in cases])
    weights = 1 / np.array([len(case) for case in cases])[labels]
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=5000).fit(
        terms(rows)[:, 1:], labels, sample_weight=weights
    )
    scores = np.column_stack([model.intercept_, model.coef_])
    odds = terms(found) @ (scores[1:] - scores[0]).T
    linear, gamma = (tuple(float(f"{value:.7g}") for value in row) for row in scores[1:] - scores[0])
    return Exposure(
        dark=dark,
        bright=bright,
        middle=float(np.median([median_position(row) for row in found])),
        linear=linear,
        gamma=gamma,
        threshold=max(0.0, float(np.quantile(odds.max(axis=1), 1 - MAX_ADJUSTED))),
    )


def _percentiles(sample: Sample, how: Preprocessing) -> Float64Array:
    picture = read_image(sample.path).displayed()
    return percentiles(resize(picture @ LUMA if picture.ndim == 3 else picture, how.height, how.width))


def _changed(found: Float64Array, name: str) -> Float64Array:
    """Return percentiles after a change, quantised to 8 bits."""
    return np.rint(EXPOSURES[name](found.astype(np.float32)) * 255).astype(np.float64) / 255
