"""What the border of the images alone tells of their class, in figures and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

BORDER = 3  # pixels of 32 on each side: a tenth of the picture, outside the lungs of a usual radiograph


@dataclass(frozen=True)
class ProbeScores:
    """Accuracies on the test split, or the one that was asked for, in [0, 1].

    Attributes:
        border: of a linear model that sees only the outer ``BORDER`` pixels of the 32×32 thumbnail.
        whole: of one that sees the whole thumbnail.
        chance: of always predicting the class that is most frequent in train.
        train_images: number of images that the linear models are trained on.
        test_images: number of images that they are tested on.
    """

    border: float
    whole: float
    chance: float
    train_images: int
    test_images: int

    @property
    def margin(self) -> float:
        """How far an accuracy may be from chance by chance: two standard errors."""
        return 2 * math.sqrt(self.chance * (1 - self.chance) / self.test_images)


def border_words(scores: ProbeScores) -> str:
    """Return in a sentence what a model's accuracy has to be held against."""
    return (
        f"a linear model on the border alone, outer {BORDER} of 32 pixels: {100 * scores.border:.2f} %; on the whole "
        f"32×32 thumbnail {100 * scores.whole:.2f} %; always the most frequent class: {100 * scores.chance:.2f} %"
    )
