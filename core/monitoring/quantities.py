"""What is watched: figures of one analysis each, as the history stores them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from core.records.analysis import Analysis
from core.records.review import NOT_ASSESSABLE

Kind = Literal["share", "mean"]


@dataclass(frozen=True)
class Quantity:
    """One figure.

    Attributes:
        id: its name in JSON.
        name: its name for a person.
        meaning: what it says, in a sentence.
        kind: ``share`` of analyses for which ``value`` is 1, or ``mean`` of the values.
        unit: of the mean; empty for none.
        value: the figure of an analysis, None where it has none.
    """

    id: str
    name: str
    meaning: str
    kind: Kind
    unit: str
    value: Callable[[Analysis], float | None]

    def words(self, value: float) -> str:
        """Return a value of the quantity for a person."""
        if self.kind == "share":
            return f"{100 * value:.1f} %"
        return f"{value:.3f}{f' {self.unit}' if self.unit else ''}"


def divergence(row: Analysis) -> float | None:
    """Jensen-Shannon divergence of the two predictions in bits, of an assessable image."""
    return None if row.is_novel else _number(row, "agreement", "js_divergence")


def different(row: Analysis) -> float | None:
    """1 where the networks predict different classes for an assessable image, else 0."""
    return None if row.is_novel else float(not row.same_class)


def refused(row: Analysis) -> float | None:
    """1 where the image is not assessable for one of the networks, else 0; None where neither has a gate."""
    gated = any(_at(row, side, "novel") is not None for side in SIDES)
    return float(row.is_novel) if gated else None


def uncertain(row: Analysis) -> float | None:
    """1 where one of the networks leaves several classes plausible, or none, for an assessable image, else 0."""
    sets = [found for side in SIDES if (found := _at(row, side, "plausible")) is not None]
    return None if row.is_novel or not sets else float(any(len(found) != 1 for found in sets))


def entropy(row: Analysis) -> float | None:
    """Entropy over the largest possible, mean of both networks, in [0, 1]; of an assessable image."""
    found = [_at(row, side, "probabilities") for side in SIDES]
    if row.is_novel or not all(isinstance(p, dict) and len(p) > 1 for p in found):
        return None
    spread = [-sum(v * math.log(v) for v in p.values() if v > 0) / math.log(len(p)) for p in found]
    return float(sum(spread) / len(spread))


def reader_agrees(row: Analysis) -> float | None:
    """1 where both networks find the class of your reading, else 0; None where there is none, or no class to compare.

    An image that is not assessable agrees with a hidden prediction. What an older version recorded was said of both.
    """
    if row.reading == NOT_ASSESSABLE:
        return float(row.is_novel)
    if row.reading is not None:
        return None if row.is_novel else float(row.reading == row.teacher_predicted == row.student_predicted)
    return {"agree": 1.0, "disagree": 0.0}.get(row.verdict or "")


def gate_score(row: Analysis) -> float | None:
    """Distance of the image from the training data, in units of the gate's threshold, the larger of both networks."""
    found = [
        score / threshold
        for side in SIDES
        if (score := _number(row, side, "novelty", "score")) is not None
        and (threshold := _number(row, side, "novelty", "threshold"))
    ]
    return max(found, default=None)


def brightness(row: Analysis) -> float | None:
    """Mean brightness of the student's input before any adjustment, in [0, 1]."""
    return _number(row, "student", "brightness")


def contrast(row: Analysis) -> float | None:
    """Standard deviation of the brightness of the student's input before any adjustment."""
    return _number(row, "student", "contrast")


SIDES = ("teacher", "student")
QUANTITIES = (
    Quantity(
        "js_divergence",
        "Divergence of the networks",
        "How far the two predictions lie apart (Jensen-Shannon).",
        "mean",
        "bit",
        divergence,
    ),
    Quantity(
        "different_class", "Disagreement", "How often the networks predict different classes.", "share", "", different
    ),
    Quantity(
        "not_assessable", "Not assessable", "How often an image lies outside the training data.", "share", "", refused
    ),
    Quantity(
        "uncertain", "Uncertain", "How often more than one class stays plausible, or none.", "share", "", uncertain
    ),
    Quantity(
        "entropy",
        "Entropy",
        "How evenly probabilities are spread: 0 for one class, 1 for all alike.",
        "mean",
        "",
        entropy,
    ),
    Quantity("reader_agrees", "Your readings agree", "How often your reading agrees.", "share", "", reader_agrees),
    Quantity(
        "gate_score",
        "Gate score",
        "How far images are from the training data; above 1 they are not assessable.",
        "mean",
        "",
        gate_score,
    ),
    Quantity("brightness", "Brightness", "Mean brightness of the networks' input.", "mean", "", brightness),
    Quantity(
        "contrast", "Contrast", "Standard deviation of the brightness of the networks' input.", "mean", "", contrast
    ),
)


def _at(row: Analysis, *keys: str) -> Any:  # noqa: ANN401 - JSON
    """Return what is stored at a place, None where an older version stored less."""
    found: Any = row.answers
    for key in keys:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def _number(row: Analysis, *keys: str) -> float | None:
    found = _at(row, *keys)
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None
