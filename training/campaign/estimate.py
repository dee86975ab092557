"""How long a run will take on this machine: a few images through its networks, forward and backward."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

from core.models.architectures import VggHead
from core.models.ofa_subnets import Subnet
from training.loop.precision import IMAGES, step_seconds, worth_measuring
from training.runs.networks import build_empty

if TYPE_CHECKING:
    from training.recipe import Recipe

VALIDATION_SHARE = 0.25  # validation images as a share of the training images


def run_seconds(recipe: Recipe, teachers: tuple[str, ...], images: int, done_epochs: int = 0) -> float:
    """Return how long the epochs of a run that are left will take here, in seconds, one run at work.

    Teachers' logits are computed at each step, or once for each cached view.

    Args:
        recipe: the recipe.
        teachers: identifiers of the teachers' networks.
        images: number of training images.
        done_epochs: epochs that are finished.
    """
    model, classes = recipe.model, len(recipe.task.classes)
    seconds = 0.0
    for epoch in range(done_epochs, recipe.optim.epochs):
        step, forward = _measured(model.network, model.head, model.subnet, classes, recipe.size_of_epoch(epoch))
        seconds += images * (step + VALIDATION_SHARE * forward)
    views = recipe.optim.epochs - done_epochs
    if recipe.teachers.cache:
        views = min(views, recipe.augment.views)
    for network in teachers:
        seconds += views * images * _measured(network, "gap", None, classes, recipe.size)[1]
    return seconds


@cache
def _measured(network: str, head: VggHead, subnet: Subnet | None, classes: int, size: int) -> tuple[float, float]:
    """Return seconds an image of a training step and of a forward, in whatever precision trains faster."""
    import torch

    from training.recipe import Model

    module = build_empty(Model(network=network, head=head, subnet=subnet), classes, (size, size))
    step, half = min((step_seconds(module, (size, size), half=half) / IMAGES, half) for half in worth_measuring())
    x = torch.zeros(IMAGES, 3, size, size).contiguous(memory_format=torch.channels_last)
    times = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        for _ in range(2):
            start = time.perf_counter()
            module(x)
            times.append(time.perf_counter() - start)
    return step, min(times) / IMAGES
