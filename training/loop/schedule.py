"""What depends on the step alone: learning rate, order of the images, seeds. Nothing of it has to be saved."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from training.data.subgroups import balanced_order
from training.recipe import Optim


def learning_rate(how: Optim, step: int, steps_per_epoch: int) -> float:
    """Return the rate of a step, counted from 0 over the whole run: linear warm-up, then half a cosine."""
    total, warmup = how.epochs * steps_per_epoch, how.warmup * steps_per_epoch
    if step < warmup:
        return how.lr * (step + 1) / (math.ceil(warmup) + 1)
    gone = min(1.0, (step - warmup) / max(1.0, total - warmup))
    return how.lr * (how.final_lr + (1 - how.final_lr) * (1 + math.cos(math.pi * gone)) / 2)


def order(seed: int, epoch: int, images: int, groups: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
    """Return the order in which an epoch sees the images.

    Args:
        seed: the recipe's seed.
        epoch: the epoch, from 0.
        images: number of training images, N.
        groups: the group of each image, shape (N,), where an epoch is to show as many of each; an image may then return
            or be missing.
    """
    random = np.random.default_rng([seed, epoch, 1])
    return random.permutation(images) if groups is None else balanced_order(groups, random)


def step_seed(seed: int, epoch: int, step: int, process: int) -> int:
    """Return the seed of torch's random numbers at a step of one process."""
    return int(np.random.default_rng([seed, epoch, 2, step, process]).integers(2**62))
