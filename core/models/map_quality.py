"""The part of a card that says how good a model's heat maps are, as ``python -m core quality`` measured it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MapFigure(_Part):
    """The mean of one measure over images.

    Attributes:
        measure: its key, one of ``core.quality.measures``, e.g. ``deletion`` or ``energy:lung``.
        value: the mean.
        low: lower end of its 95 % bootstrap interval, or None of a single image.
        high: upper end, likewise.
        images: over how many images.
    """

    measure: str = Field(min_length=1, max_length=100)
    value: Finite
    low: Finite | None = None
    high: Finite | None = None
    images: int = Field(ge=1, le=10**12)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval needs both ends")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("the ends of an interval are swapped")
        return self


class MethodQuality(_Part):
    """The maps of one method.

    Attributes:
        method: how they are made, e.g. ``fast`` for fast Score-CAM.
        seconds_per_map: median time to make one.
        figures: what was measured.
    """

    method: str = Field(min_length=1, max_length=100)
    seconds_per_map: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    figures: tuple[MapFigure, ...] = Field(max_length=100)


class MapQuality(_Part):
    """How good a model's heat maps are on one set of images.

    Attributes:
        dataset: the images in words.
        images: how many were measured.
        machine: where the times were measured.
        measured_by: the program.
        measured_on: the date.
        methods: what was measured, by method.
    """

    dataset: str = Field(max_length=500)
    images: int = Field(ge=1, le=10**12)
    machine: str = Field(max_length=500)
    measured_by: str = Field(max_length=200)
    measured_on: date
    methods: tuple[MethodQuality, ...] = Field(min_length=1, max_length=50)
