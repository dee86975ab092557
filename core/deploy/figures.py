"""What was measured of a deployed model's file before it is called done."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.deploy.format import FloatArray, Network, Precision
from core.errors import ExportError
from core.runtimes.base import AGREEMENT
from core.uncertainty.calibration import expected_calibration_error, softmax

if TYPE_CHECKING:
    from core.deploy.pictures import Pictures

RUNS = 20  # forwards that are timed
# largest difference of a logit from the program's own, relative to the largest logit above 1; accuracy judges int8
TOLERANCES: dict[Precision, float] = {"float32": AGREEMENT, "float16": 2e-2, "int8": float("inf")}


@dataclass(frozen=True)
class Compared:
    """How close the file's outputs come to those of the program, on the same real images.

    Attributes:
        source: where the images come from.
        images: how many there are.
        same_class: on how many of them the most probable class is the same.
        largest_logit_difference: relative to the largest logit of its image above 1.
        largest_probability_difference: of calibrated probabilities, in [0, 1].
    """

    source: str
    images: int
    same_class: int
    largest_logit_difference: float
    largest_probability_difference: float


@dataclass(frozen=True)
class Scored:
    """Accuracy and calibration error on labelled images, of the program's own network and of the file.

    Attributes:
        source: where the images come from.
        images: how many there are.
        accuracy_before: the network's, in [0, 1].
        accuracy: the file's.
        ece_before: expected calibration error of the network, in [0, 1].
        ece: that of the file, with its own temperature.
    """

    source: str
    images: int
    accuracy_before: float
    accuracy: float
    ece_before: float
    ece: float

    @property
    def loss(self) -> float:
        """By how much the file's accuracy is lower, in [-1, 1]."""
        return self.accuracy_before - self.accuracy


@dataclass(frozen=True)
class Figures:
    """All figures of one file.

    Attributes:
        bytes: size of the model's file, with a file of weights beside it.
        bytes_float32: the same of the model in this format as float32.
        latency_ms: median time of a forward of one image.
        latency_float32_ms: the same of the model in this format as float32.
        threads: CPU threads of these forwards.
        processor: on which they were timed.
        temperature: what the logits are divided by before the softmax.
        temperature_before: the card's.
        compared: how close its outputs come.
        scored: accuracy on labelled images: those for validation, those for testing, where they were given.
    """

    bytes: int
    bytes_float32: int
    latency_ms: float
    latency_float32_ms: float
    threads: int
    processor: str
    temperature: float
    temperature_before: float
    compared: Compared
    scored: tuple[Scored, ...] = ()


def outputs(network: Network, pictures: Pictures) -> FloatArray:
    """Return the logits (N, C) of all pictures, one image at a time."""
    return np.concatenate([np.array(network(image)) for image in pictures.images()])


def latency_ms(network: Network, pictures: Pictures) -> float:
    """Return the median time of ``RUNS`` forwards of one image, in milliseconds."""
    image = next(pictures.images())
    network(image)
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        network(image)
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def compare(
    found: FloatArray, expected: FloatArray, pictures: Pictures, temperature: float, temperature_before: float
) -> Compared:
    """Return how close a file's logits (N, C) come to the network's own; both are raw, before any temperature."""
    scale = np.maximum(1, np.abs(expected).max(axis=1, keepdims=True))
    chances, before = softmax(found, temperature), softmax(expected, temperature_before)
    return Compared(
        source=pictures.source,
        images=len(pictures),
        same_class=int((found.argmax(1) == expected.argmax(1)).sum()),
        largest_logit_difference=float((np.abs(found - expected) / scale).max()),
        largest_probability_difference=float(np.abs(chances - before).max()),
    )


def score(
    found: FloatArray, expected: FloatArray, pictures: Pictures, temperature: float, temperature_before: float
) -> Scored:
    """Return accuracy and calibration error of a file and of the network itself, from their raw logits (N, C)."""
    labels = pictures.labels
    assert labels is not None  # noqa: S101 - only labelled pictures are scored
    return Scored(
        source=pictures.source,
        images=len(pictures),
        accuracy_before=float((expected.argmax(1) == labels).mean()),
        accuracy=float((found.argmax(1) == labels).mean()),
        ece_before=expected_calibration_error(softmax(expected, temperature_before), labels),
        ece=expected_calibration_error(softmax(found, temperature), labels),
    )


def check(figures: Figures, precision: Precision, max_loss: float) -> None:
    """Refuse a file that is not what it should be.

    Args:
        figures: what was measured of it.
        precision: of the file.
        max_loss: the largest loss of accuracy on any of the labelled images, in [0, 1].

    Raises:
        ExportError: if its outputs differ by more than its precision explains, or it loses more accuracy than allowed.
    """
    off, allowed = figures.compared.largest_logit_difference, TOLERANCES[precision]
    if not off <= allowed:
        raise ExportError(
            f"The file does not compute what the model does: logits differ by {off:.2g}, allowed is {allowed:g}.",
            remedy="Nothing was written. Choose another format or precision.",
        )
    for scored in figures.scored:
        if scored.loss > max_loss + 1e-9:
            raise ExportError(
                f"The file loses {100 * scored.loss:.1f} points of accuracy on {scored.images} images "
                f"({scored.source}): {100 * scored.accuracy_before:.1f} → {100 * scored.accuracy:.1f} %, allowed are "
                f"{100 * max_loss:.1f}.",
                remedy="Nothing was written. Export it as float16, give more validation images, or allow more.",
            )
