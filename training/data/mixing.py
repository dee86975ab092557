"""Mix images with one another, and their labels with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.recipe import Augment

if TYPE_CHECKING:
    from torch import Tensor


def mix(images: Tensor, y: Tensor, how: Augment, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mix a batch with itself in another order, by mixup or CutMix (each every other time where both are on).

    Args:
        images: (B, channels, H, W).
        y: labels as probabilities, (B, C).
        how: the recipe's part.
        random: where the choice comes from.

    Returns:
        Mixed images and labels: share λ of the image itself, 1 − λ of its partner, λ from Beta(a, a) for the batch;
        for CutMix λ is the share of the area that is left.
    """
    import torch

    cut = how.cutmix > 0 and (how.mixup == 0 or random.random() < 0.5)
    parameter = how.cutmix if cut else how.mixup
    share = float(random.beta(parameter, parameter))
    partner = torch.from_numpy(random.permutation(len(images))).to(images.device)
    if not cut:
        return share * images + (1 - share) * images[partner], share * y + (1 - share) * y[partner]
    height, width = images.shape[2:]
    side = np.sqrt(1 - share)
    top, bottom = _span(random.random(), side, height)
    left, right = _span(random.random(), side, width)
    images = images.clone()
    images[:, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
    share = 1 - (bottom - top) * (right - left) / (height * width)
    return images, share * y + (1 - share) * y[partner]


def _span(centre: float, side: float, size: int) -> tuple[int, int]:
    return max(0, round((centre - side / 2) * size)), min(size, round((centre + side / 2) * size))
