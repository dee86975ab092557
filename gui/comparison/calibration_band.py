"""How often a model was right at a confidence: the point of its reliability diagram that a probability belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from core.compare.agreement import Interval, wilson
from core.models.card import Card

NEAR = 0.05  # a point further away in confidence says nothing of a probability


@dataclass(frozen=True)
class Band:
    """The share of images that were classified correctly at a similar confidence.

    Attributes:
        right: the share with Wilson's 95 % interval, in [0, 1].
        images: how many images it is of.
        dataset: of which data set, in words.
    """

    right: Interval
    images: int
    dataset: str

    @property
    def words(self) -> str:
        """The band as a sentence."""
        low, high = 100 * self.right.low, 100 * self.right.high
        return (
            f"At a similar confidence {100 * self.right.value:.0f} % were right ({low:.0f} to {high:.0f} %, "
            f"{self.images:,} images of {self.dataset})."
        )


def band_of(card: Card, confidence: float) -> Band | None:
    """Return how often the model was right at a confidence.

    Args:
        card: the model's card.
        confidence: the probability of its most probable class, in [0, 1].

    Returns:
        None where its card has no reliability diagram, or none of its points is within ``NEAR``.
    """
    scores = next((scores for scores in card.scores if scores.reliability), None)
    if scores is None:
        return None
    nearest = min(scores.reliability, key=lambda point: abs(point.confidence - confidence))
    if abs(nearest.confidence - confidence) > NEAR or not nearest.images:
        return None
    return Band(wilson(round(nearest.accuracy * nearest.images), nearest.images), nearest.images, scores.dataset)
