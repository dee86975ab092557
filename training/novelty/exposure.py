"""What tells films that were changed in exposure from those that were not, fitted to validation images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from core.errors import ImageError
from core.images.exposure import (
    BRIGHT,
    DARK,
    LEAST_CONTRAST,
    Exposure,
    Float64Array,
    percentiles,
    place_of_median,
    terms,
)
from core.images.preprocessing import LUMA, Preprocessing, resize
from core.images.reader import read_image
from training.data.dataset import Sample
from training.novelty.images import EXPOSURES

# what the validation images are changed by, to tell such changes: percentiles follow any change that keeps the order
LINEAR = ("at a quarter of its brightness", "at half its brightness", "at half its contrast", "lifted by 0.4")
GAMMA = ("darkened by gamma 2.5", "brightened by gamma 0.4")
ADJUSTED = 0.05  # largest share of the validation images that is adjusted, the price of finding what was changed
FEWEST = 100  # images to fit to
WEIGHT = 10.0  # of the images against the size of the coefficients (scikit-learn's C)


def fit_exposure(samples: Sequence[Sample], how: Preprocessing) -> Exposure | None:
    """Return how a split's images are exposed; None for colours, for few images, and for images without contrast.

    Args:
        samples: the validation split; the test split stays unseen. Images that can't be read are left out.
        how: the transform; its size and channels count.
    """
    if how.channels != "grey":
        return None
    found = []
    for sample in samples:
        with suppress(ImageError):
            found.append(_percentiles(sample, how))
    return fitted(np.array(found)) if len(found) >= FEWEST else None


def with_exposure(how: Preprocessing, samples: Sequence[Sample]) -> Preprocessing:
    """Return a transform that adjusts exposure to that of a split's images; arguments are those of the fit."""
    return how.model_copy(update={"exposure": fit_exposure(samples, how)})


def fitted(found: Float64Array) -> Exposure | None:
    """Return the exposure of images with these percentiles, shape (N, len(PERCENTILES)); None without contrast."""
    from sklearn.linear_model import LogisticRegression

    dark, bright = (float(np.median(found[:, place])) for place in (DARK, BRIGHT))
    if bright - dark < 2 * LEAST_CONTRAST:
        return None
    kinds = [[found], *([_changed(found, name) for name in names] for names in (LINEAR, GAMMA))]
    rows = np.concatenate([part for kind in kinds for part in kind])
    labels = np.repeat(range(len(kinds)), [len(found) * len(kind) for kind in kinds])
    weights = 1 / np.array([len(kind) for kind in kinds])[labels]
    model = LogisticRegression(C=WEIGHT, max_iter=5000).fit(terms(rows)[:, 1:], labels, sample_weight=weights)
    scores = np.column_stack([model.intercept_, model.coef_])
    odds = terms(found) @ (scores[1:] - scores[0]).T
    linear, gamma = (tuple(float(f"{value:.7g}") for value in row) for row in scores[1:] - scores[0])
    return Exposure(
        dark=dark,
        bright=bright,
        middle=float(np.median([place_of_median(row) for row in found])),
        linear=linear,
        gamma=gamma,
        threshold=max(0.0, float(np.quantile(odds.max(axis=1), 1 - ADJUSTED))),
    )


def _percentiles(sample: Sample, how: Preprocessing) -> Float64Array:
    picture = read_image(sample.path).displayed()
    return percentiles(resize(picture @ LUMA if picture.ndim == 3 else picture, how.height, how.width))


def _changed(found: Float64Array, name: str) -> Float64Array:
    """Return percentiles as they are after a change, in a file of 8 bits."""
    return np.rint(EXPOSURES[name](found.astype(np.float32)) * 255).astype(np.float64) / 255
