"""Correction of unusual exposure (brightness, contrast, gamma) of radiographs before they reach a network.

A viewer of radiographs sets a window automatically. A network gets the values in the file, and half the contrast may
change its prediction. A multinomial logistic regression on percentiles of the brightness distinguishes three cases:
unchanged, changed linearly, changed by gamma. It is fitted to the validation images and to changed copies of them
(``training.novelty.exposure``). A linear change is corrected by a contrast stretch to the usual range. A change of
gamma is corrected by a contrast stretch and a gamma that moves the median to its usual value. Other images are not
changed. The figures are in docs/knowing-limits.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

PERCENTILES = (0.2, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.8)
DARK, MIDDLE, BRIGHT = 1, 4, 7  # indices of the 1, 50 and 99 % percentiles
TERMS = 1 + len(PERCENTILES) + len(PERCENTILES) * (len(PERCENTILES) + 1) // 2  # of a polynomial of degree two
MIN_CONTRAST = 0.05  # between the dark and the bright end; with less, an image counts as blank and is not adjusted
SATURATED = 0.99  # a bright end above this is clipped; it stays white, so that the gate still detects the clipping
MAX_POWER = 4.0  # largest exponent of the gamma correction; the smallest is its inverse
MEDIAN_RANGE = (0.05, 0.95)  # limits of the median's position between the ends

Share = Annotated[float, Field(ge=0, le=1)]
LogOdds = Annotated[tuple[float, ...], Field(min_length=TERMS, max_length=TERMS)]
Change = Literal["none", "linear", "gamma"]


class Exposure(BaseModel):
    """The usual exposure of the training images, and the classifier that detects a changed exposure.

    Attributes:
        dark: usual brightness of the darkest 1 % of the pixels.
        bright: usual brightness that the brightest 1 % exceed.
        middle: usual position of the median between the two, in [0, 1].
        linear: coefficients of :func:`terms` for the log-odds of "changed linearly" against "unchanged".
        gamma: the same for "changed by gamma".
        threshold: an image with larger log-odds is adjusted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dark: Share
    bright: Share
    middle: Annotated[float, Field(ge=MEDIAN_RANGE[0], le=MEDIAN_RANGE[1])]
    linear: LogOdds
    gamma: LogOdds
    threshold: float

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not all(map(math.isfinite, (*self.linear, *self.gamma, self.threshold))):
            raise ValueError("the exposure has values that are not finite")
        if self.bright < self.dark + MIN_CONTRAST:
            raise ValueError("the exposure has no contrast")
        return self

    def changes(self, percentiles: Float64Array) -> list[Change]:
        """Return how each image was changed, predicted from percentiles of shape (N, len(PERCENTILES))."""
        odds = terms(percentiles) @ np.array([self.linear, self.gamma]).T
        kinds: tuple[Change, Change] = ("linear", "gamma")
        return [kinds[int(row.argmax())] if row.max() > self.threshold else "none" for row in odds]


@dataclass(frozen=True, eq=False)
class Adjusted:
    """An image after the correction of its exposure.

    Attributes:
        picture: the network's input.
        stretched: the image after the contrast stretch, without gamma correction, for the novelty gate: after a strong
            change of gamma the image may still be outside the training data.
        change: the change that was corrected.
    """

    picture: FloatArray
    stretched: FloatArray
    change: Change = "none"

    @property
    def notice(self) -> str:
        """The notice for the reader; empty where nothing was corrected."""
        if self.change == "none":
            return ""
        how = "contrast stretch" if self.change == "linear" else "contrast stretch and gamma correction"
        return f"Exposure differs from the training images: adjusted for the networks only ({how})."


def percentiles(bright: FloatArray) -> Float64Array:
    """Return the percentiles of an image's brightness (h, w), in [0, 1], shape (len(PERCENTILES),)."""
    return np.asarray(np.percentile(bright, PERCENTILES), dtype=np.float64)


def terms(found: Float64Array) -> Float64Array:
    """Return the terms of a polynomial of degree two in percentiles (N, P), scaled to [-1, 1], shape (N, TERMS)."""
    scaled = 2 * found - 1
    first, second = np.triu_indices(scaled.shape[1])
    return np.concatenate([np.ones((len(scaled), 1)), scaled, scaled[:, first] * scaled[:, second]], axis=1)


def median_position(found: Float64Array) -> float:
    """Return the position of the median between the dark and the bright end, in [0, 1], from percentiles (P,)."""
    contrast = max(MIN_CONTRAST, found[BRIGHT] - found[DARK])
    return float(np.clip((found[MIDDLE] - found[DARK]) / contrast, *MEDIAN_RANGE))


def adjusted(picture: FloatArray, usual: Exposure) -> Adjusted:
    """Correct the exposure of an image where the classifier finds it changed.

    Args:
        picture: (h, w), float32 in [0, 1], at the network's size.
        usual: the usual exposure of the training images.
    """
    found = percentiles(picture)
    dark, bright = found[DARK], found[BRIGHT]
    (change,) = usual.changes(found[None])
    if change == "none" or bright - dark < MIN_CONTRAST:
        return Adjusted(picture, picture)
    top = 1.0 if bright > SATURATED else usual.bright
    relative = np.maximum(0, (picture - np.float32(dark)) / np.float32(bright - dark))
    stretched = _between(relative, usual.dark, top)
    if change == "linear":
        return Adjusted(stretched, stretched, change)
    power = np.log(usual.middle) / np.log(median_position(found))
    corrected = relative ** np.float32(np.clip(power, 1 / MAX_POWER, MAX_POWER))
    return Adjusted(_between(corrected, usual.dark, top), stretched, change)


def _between(relative: FloatArray, dark: float, bright: float) -> FloatArray:
    return np.asarray(np.clip(relative * np.float32(bright - dark) + np.float32(dark), 0, 1), dtype=np.float32)
