"""Films that were darkened, faded, lifted or changed by gamma, shown to a network as the training images are.

A viewer of radiographs windows what it shows by itself; a network gets what is in the file, and a film at half of its
contrast may flip its answer. Whether a picture was changed so is told from percentiles of its brightness by a
multinomial logistic regression (``training.novelty.exposure``) between the validation images, the same changed
linearly and the same changed by gamma. What was changed linearly is stretched to the usual ends; what was changed by
gamma is bent, too, until its median lies where it usually does. All else stays as it is. The figures are in
docs/knowing-limits.md.
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
DARK, MIDDLE, BRIGHT = 1, 4, 7  # their places among them: 1, 50 and 99 %
TERMS = 1 + len(PERCENTILES) + len(PERCENTILES) * (len(PERCENTILES) + 1) // 2  # of a polynomial of degree two
LEAST_CONTRAST = 0.05  # between the dark and the bright end; with less there is hardly a picture to stretch
SATURATED = 0.99  # a bright end from here on is white, and stays so, so that what was clipped is still seen to be
STRONGEST = 4.0  # exponent, or one over it
MIDDLES = (0.05, 0.95)  # where a median may be taken to lie between the ends

Share = Annotated[float, Field(ge=0, le=1)]
Odds = Annotated[tuple[float, ...], Field(min_length=TERMS, max_length=TERMS)]
Change = Literal["none", "linear", "gamma"]


class Exposure(BaseModel):
    """How training images are exposed, and how pictures are told that were changed in exposure.

    Attributes:
        dark: usual brightness of the darkest 1 % of the pixels.
        bright: usual brightness that the brightest 1 % lie above.
        middle: where the median usually lies between the two, in [0, 1].
        linear: coefficients of :func:`terms`: the log-odds of a picture changed linearly to one that was not.
        gamma: the same of a picture changed by gamma.
        threshold: log-odds above it are acted on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dark: Share
    bright: Share
    middle: Annotated[float, Field(ge=MIDDLES[0], le=MIDDLES[1])]
    linear: Odds
    gamma: Odds
    threshold: float

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not all(map(math.isfinite, (*self.linear, *self.gamma, self.threshold))):
            raise ValueError("the exposure holds numbers that are not finite")
        if self.bright < self.dark + LEAST_CONTRAST:
            raise ValueError("the exposure has no contrast")
        return self

    def changes(self, percentiles: Float64Array) -> list[Change]:
        """Return how each picture was changed, told from its percentiles, shape (N, len(PERCENTILES))."""
        odds = terms(percentiles) @ np.array([self.linear, self.gamma]).T
        kinds: tuple[Change, Change] = ("linear", "gamma")
        return [kinds[int(row.argmax())] if row.max() > self.threshold else "none" for row in odds]


@dataclass(frozen=True, eq=False)
class Adjusted:
    """A picture as a network gets it.

    Attributes:
        picture: as the network gets it.
        stretched: the same, stretched but not bent, for the novelty gate: what was changed by gamma may be too far
            from the training images still.
        change: what was taken back.
    """

    picture: FloatArray
    stretched: FloatArray
    change: Change = "none"

    @property
    def notice(self) -> str:
        """What is told of it, empty where nothing was changed."""
        if self.change == "none":
            return ""
        how = "stretched" if self.change == "linear" else "stretched and bent by a gamma"
        return (
            "Brightness and contrast are unlike those of the training images: for the networks alone the picture was "
            f"{how} to theirs."
        )


def percentiles(bright: FloatArray) -> Float64Array:
    """Return the percentiles of a picture's brightness (h, w), in [0, 1], shape (len(PERCENTILES),)."""
    return np.asarray(np.percentile(bright, PERCENTILES), dtype=np.float64)


def terms(found: Float64Array) -> Float64Array:
    """Return the terms of a polynomial of degree two in percentiles (N, P), scaled to [-1, 1], shape (N, TERMS)."""
    scaled = 2 * found - 1
    first, second = np.triu_indices(scaled.shape[1])
    return np.concatenate([np.ones((len(scaled), 1)), scaled, scaled[:, first] * scaled[:, second]], axis=1)


def place_of_median(found: Float64Array) -> float:
    """Return where the median lies between the dark and the bright end, both from percentiles (P,)."""
    contrast = max(LEAST_CONTRAST, found[BRIGHT] - found[DARK])
    return float(np.clip((found[MIDDLE] - found[DARK]) / contrast, *MIDDLES))


def adjusted(picture: FloatArray, usual: Exposure) -> Adjusted:
    """Take back what was done to a picture's exposure, as far as it can be told.

    Args:
        picture: (h, w), float32 in [0, 1], at the network's size.
        usual: how training images are exposed.
    """
    found = percentiles(picture)
    dark, bright = found[DARK], found[BRIGHT]
    (change,) = usual.changes(found[None])
    if change == "none" or bright - dark < LEAST_CONTRAST:
        return Adjusted(picture, picture)
    top = 1.0 if bright > SATURATED else usual.bright
    along = np.maximum(0, (picture - np.float32(dark)) / np.float32(bright - dark))
    stretched = _between(along, usual.dark, top)
    if change == "linear":
        return Adjusted(stretched, stretched, change)
    power = np.log(usual.middle) / np.log(place_of_median(found))
    bent = along ** np.float32(np.clip(power, 1 / STRONGEST, STRONGEST))
    return Adjusted(_between(bent, usual.dark, top), stretched, change)


def _between(along: FloatArray, dark: float, bright: float) -> FloatArray:
    return np.asarray(np.clip(along * np.float32(bright - dark) + np.float32(dark), 0, 1), dtype=np.float32)
