"""Is this image like those that a model was made for?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Novelty:
    """How unlike a model's training images one image is.

    Attributes:
        score: distance from the training images; larger is stranger.
        threshold: scores above it are refused.
        reason: what a person is told where the image is refused, else an empty string.
    """

    score: float
    threshold: float
    reason: str = ""

    @property
    def is_novel(self) -> bool:
        """Whether the image is too strange to be judged."""
        return self.score > self.threshold
