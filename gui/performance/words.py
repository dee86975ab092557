"""Raters and figures in words."""

from __future__ import annotations

from core.compare.agreement import Interval
from core.performance.observations import Rater, Reference

RATERS: dict[Rater, str] = {
    "label": "Label", "reading": "Your reading", "teacher": "Teacher", "student": "Student",
}  # fmt: skip
AGAINST: dict[Reference, str] = {"label": "Labels", "reading": "Your readings"}
NO_REFERENCE = (
    "No labels are known. Folders named after the classes ({classes}), or a manifest.csv with the columns path and "
    "label beside the images, state them. Your readings serve, too."
)
INTERVALS = (
    "95 % intervals: Wilson's for shares, Newcombe's for AUROC and differences, a posterior for F1 and kappa. "
    "Selection bias is not included: images like those of the training raise the scores of both models."
)


def share(found: Interval | None) -> str:
    """Return a share with its interval in per cent, a dash for None."""
    return "–" if found is None else str(found)


def area(found: Interval | None) -> str:
    """Return an area under a curve with its interval, a dash for None."""
    return "–" if found is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def kappa(found: Interval | None) -> str:
    """Return a kappa with its interval, a dash for None."""
    return "–" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})".replace("-", "−")


def points(found: Interval | None) -> str:
    """Return a difference of two shares with its interval in points, a dash for None."""
    if found is None:
        return "–"
    value, low, high = (f"{100 * one:+.1f}".replace("-", "−") for one in (found.value, found.low, found.high))
    return f"{value} ({low} to {high}) points"


def p_value(p: float) -> str:
    """Return a p-value as papers state it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
