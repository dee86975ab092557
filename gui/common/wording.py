"""Predictions and figures in words, as the window shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from core.compare.classifier import Prediction
from core.compare.comparison import Comparison
from core.compare.wording import agree_or_not, milliseconds, uncertainty
from core.explain.heatmap import HeatMap
from core.explain.reference_cams import METHODS
from core.records.review import Review
from core.runtimes.load import runtime_name
from core.tasks import Task

# Jensen-Shannon divergence in bits below which two predictions are called so; our own words
CLOSENESS = ((0.01, "Almost identical"), (0.1, "Similar"), (0.4, "Clearly different"))
FARTHEST = "Opposite"


def notice() -> str:
    """Return the research notice; ``core.NOTICE``, without its import."""
    return "For research use only. Not for diagnosis."


def review_sentence(review: Review, task: Task | None) -> str:
    """Return the reader's reading as a report states it; empty where there is none."""
    if review.reading is None and review.older is not None:
        return {
            "agree": "The reviewer agrees.",
            "disagree": "The reviewer disagrees.",
            "unsure": "The reviewer is unsure.",
        }[review.older]
    words = review.in_words(task)
    return f"Reading: {words}." if words else ""


def megabytes(size: int) -> str:
    """Return a number of bytes in kB, MB or GB."""
    for scale, unit in ((1e9, "GB"), (1e6, "MB")):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{max(1, round(size / 1e3))} kB"


def duration(seconds: float) -> str:
    """Return a time in the unit that a person would name."""
    if seconds < 60:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < 5400:
        return f"{math.ceil(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def counted(value: float) -> str:
    """Return a large number with two or three digits and M or G, e.g. ``20.0 M``."""
    scale, letter = (1e9, "G") if value >= 1e9 else (1e6, "M")
    return f"{value / scale:.3g} {letter}" if value / scale >= 100 else f"{value / scale:.1f} {letter}"


def plural(count: int, noun: str) -> str:
    """Return how many there are, e.g. ``1 image`` or ``2,000 images``; for nouns that take an s."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def ratio(value: float) -> str:
    """Return a ratio with two digits, e.g. ``31×`` or ``2.6×``."""
    return f"{value:.0f}×" if value >= 10 else f"{value:.1f}×"


def class_name(task: Task, label: str) -> str:
    """Return the plain-language name of a class label; a label that the task does not know is its own name."""
    return next((known.name for known in task.classes if known.id == label), label)


def top_class(task: Task, prediction: Prediction) -> str:
    """Return the most probable class in words with its probability."""
    return f"{class_name(task, prediction.predicted)}  {100 * prediction.confidence:.1f} %"


def headline(task: Task, prediction: Prediction) -> str:
    """Return the most probable class in words with its probability, without decimals: what is read from afar."""
    return f"{class_name(task, prediction.predicted)}  {100 * prediction.confidence:.0f} %"


def doubt(task: Task, prediction: Prediction) -> str:
    """Return the other classes that stay plausible, in words; empty where there are none."""
    return uncertainty(task, prediction.predicted, prediction.plausible)


def timing(prediction: Prediction) -> str:
    """Return how long a prediction took and what computed it."""
    latency = prediction.latency
    return (
        f"{milliseconds(latency.forward_ms)} forward · {milliseconds(latency.total_ms)} in all · "
        f"{runtime_name(prediction.runtime)} · {prediction.device}"
    )


def method(name: str, heat_map: HeatMap) -> str:
    """Return for which class, in words, a heat map is, how it was made, and its estimated error."""
    if heat_map.method in METHODS and not METHODS[heat_map.method].many_forwards:
        return f"Evidence for {name}: {heat_map.method}"  # it scores no feature maps
    how = f"Evidence for {name}: {heat_map.method}, {heat_map.maps_scored} of {heat_map.maps_total}"
    if heat_map.estimated_error > 0:
        return f"{how} · est. error {100 * heat_map.estimated_error:.1f} %"
    return how


def closeness(divergence: float) -> str:
    """Return in words how different two predictions are, from their Jensen-Shannon divergence in bits."""
    for limit, words in CLOSENESS:
        if divergence < limit:
            return words
    return FARTHEST


def agreement(task: Task, comparison: Comparison) -> str:
    """Return whether both models agree, and on what."""
    return agree_or_not(task, comparison.teacher.prediction.predicted, comparison.student.prediction.predicted)


def strength(comparison: Comparison, speed_ratios: Sequence[float], refining: bool) -> str:
    """Return how different both predictions are, in words and figures, and what the student saves.

    Args:
        comparison: both models on the image.
        speed_ratios: how many times faster the student was, for each image that both were timed on.
        refining: whether the heat maps are still being refined.
    """
    teacher, student = comparison.teacher, comparison.student
    divergence = comparison.js_divergence
    facts = [f"{closeness(divergence)} ({divergence:.3f} bit)"]
    if teacher.heat_map is not None and student.heat_map is not None and refining:
        facts.append("heat maps still refining")
    elif comparison.cam_iou20 is not None:
        facts.append(f"overlap {comparison.cam_iou20:.2f}")
    faster, smaller = median(speed_ratios), comparison.size_ratio
    speed = f"{ratio(faster)} faster" if faster >= 1 else f"{ratio(1 / faster)} slower"
    size = f"{ratio(smaller)} smaller" if smaller >= 1 else f"{ratio(1 / smaller)} larger"
    images = "1 image" if len(speed_ratios) == 1 else f"median of {len(speed_ratios):,}"
    facts.append(f"student {speed} ({images}), {size}")
    return " · ".join(facts)
