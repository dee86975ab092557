"""Measurements on an image: distance, angle, and the values in an ellipse, each from a few points."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot, pi
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.images.medical_image import MedicalImage

Kind = Literal["distance", "angle", "ellipse"]
Point = tuple[float, float]
POINTS: dict[Kind, int] = {"distance": 2, "angle": 3, "ellipse": 2}


@dataclass(frozen=True)
class Measurement:
    """What a person measured.

    Attributes:
        kind: what is measured.
        points: columns and rows of the image, 0 being the outer edge of the first: both ends of a distance; the end of
            one arm, the corner, the end of the other; two opposite corners of what is around an ellipse.
    """

    kind: Kind
    points: tuple[Point, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it has all its points."""
        return len(self.points) == POINTS[self.kind]

    def moved(self, number: int, point: Point) -> Measurement:
        """Return it with one of its points elsewhere."""
        return Measurement(self.kind, (*self.points[:number], point, *self.points[number + 1 :]))


@dataclass(frozen=True)
class Values:
    """The file's own values in an ellipse, one figure for each channel.

    Attributes:
        mean: their mean; empty where there is no pixel.
        deviation: their standard deviation (of all of them, not of a sample).
        pixels: how many pixels have their middle inside.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    pixels: int


def pixel_size(image: MedicalImage) -> tuple[float, float]:
    """Return width and height of a pixel in mm, else in widths of a pixel."""
    if image.spacing is not None:
        return image.spacing[1], image.spacing[0]
    return 1.0, image.pixel_aspect


def length(image: MedicalImage, one: Point, other: Point) -> float:
    """Return a distance in mm where the file states how large a pixel is, else in pixels."""
    across, down = pixel_size(image)
    return hypot((one[0] - other[0]) * across, (one[1] - other[1]) * down)


def angle(image: MedicalImage, one: Point, corner: Point, other: Point) -> float:
    """Return the angle at a corner in degrees, in [0, 180]."""
    across, down = pixel_size(image)
    first, second = (atan2((end[1] - corner[1]) * down, (end[0] - corner[0]) * across) for end in (one, other))
    apart = abs(degrees(first - second)) % 360
    return min(apart, 360 - apart)


def area(image: MedicalImage, one: Point, other: Point) -> float:
    """Return the area of the ellipse between two corners in mm², else in pixels."""
    across, down = pixel_size(image)
    whole = pi / 4 * abs((one[0] - other[0]) * across) * abs((one[1] - other[1]) * down)
    return whole if image.spacing is not None else whole / down


def values(image: MedicalImage, one: Point, other: Point) -> Values:
    """Return mean and deviation of the file's values in the ellipse between two corners; padding does not count."""
    (left, right), (top, bottom) = (sorted(pair) for pair in zip(one, other, strict=True))
    rows = slice(max(0, int(top)), max(0, min(image.height, int(np.ceil(bottom)))))
    columns = slice(max(0, int(left)), max(0, min(image.width, int(np.ceil(right)))))
    pixels = image.pixels[rows, columns]
    if not pixels.size or left == right or top == bottom:
        return Values((), (), 0)
    across = (np.arange(columns.start, columns.stop) + 0.5 - (left + right) / 2) / ((right - left) / 2)
    down = (np.arange(rows.start, rows.stop) + 0.5 - (top + bottom) / 2) / ((bottom - top) / 2)
    inside: npt.NDArray[np.bool_] = across[None, :] ** 2 + down[:, None] ** 2 <= 1
    if image.padding is not None:
        inside &= ~image.padding[rows, columns]
    found = pixels[inside].astype(np.float64)
    if not len(found):
        return Values((), (), 0)
    mean, deviation = np.atleast_1d(found.mean(axis=0)), np.atleast_1d(found.std(axis=0))
    return Values(tuple(mean.tolist()), tuple(deviation.tolist()), len(found))


def words(measurement: Measurement, image: MedicalImage) -> str:
    """Return what was measured, with units; empty while points are missing."""
    if not measurement.is_whole:
        return ""
    points = measurement.points
    at_detector = " at the detector" if image.spacing_at_detector else ""
    if measurement.kind == "distance":
        unit = "px" if image.spacing is None else "mm"
        return f"{_figure(length(image, points[0], points[1]))} {unit}{at_detector}"
    if measurement.kind == "angle":
        return f"{angle(image, points[0], points[1], points[2]):.1f}°"
    found = values(image, points[0], points[1])
    size = area(image, points[0], points[1])
    unit, size = ("cm²", size / 100) if image.spacing is not None and size >= 100 else ("mm²", size)
    lines = [f"{found.pixels:,} pixels"] + ([] if image.spacing is None else [f"{_figure(size)} {unit}{at_detector}"])
    if found.pixels:
        lines = [f"mean {_joined(found.mean)}", f"SD {_joined(found.deviation)}", *lines]
    return "\n".join(lines)


def _joined(figures: tuple[float, ...]) -> str:
    return " ".join(map(_figure, figures))


def _figure(value: float) -> str:
    """Return a number with four digits or so, as far as a measurement by hand has them."""
    size = abs(value)
    return (
        f"{value:.0f}"
        if size >= 1000
        else f"{value:.1f}"
        if size >= 10
        else f"{value:.2f}"
        if size >= 0.1
        else f"{value:.4g}"
    )
