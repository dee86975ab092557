"""Mix images with one another, and their labels with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.recipe_parts import Augment

if TYPE_CHECKING:
    from torch import Tensor


def mix(images: Tensor, y: Tensor, how: Augment) -> tuple[Tensor, Tensor]:
    """Mix a batch with itself by torchvision's MixUp or CutMix, each every other time where both are on.

    The partner of an image is its neighbour in the batch, whose order is random; λ and the box come from torch's random
    numbers on the CPU, which a step seeds (:meth:`training.loop.train_step.Stepper.take`).

    Args:
        images: (B, channels, H, W).
        y: labels as probabilities, (B, C).
        how: the recipe's part.

    Returns:
        Mixed images and labels: share λ of the image itself, 1 − λ of its partner, λ from Beta(a, a) for the batch;
        for CutMix λ is the share of the area that is left.
    """
    from torchvision.transforms import v2

    ways = [way(alpha=alpha) for way, alpha in ((v2.MixUp, how.mixup), (v2.CutMix, how.cutmix)) if alpha > 0]
    mixed: tuple[Tensor, Tensor] = v2.RandomChoice(ways)(images, y)
    return mixed
