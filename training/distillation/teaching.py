"""The teachers' logits of a batch: from the cache, or computed afresh, with feature maps where the loss needs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.data.augmentation import network_input
from training.data.decoded_images import ImageStore
from training.distillation.cached_logits import TeacherLogits
from training.distillation.teachers import Engine, Teacher, choose_engine
from training.recipe import Recipe
from training.runs.networks import LastMaps

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

# from views (B, channels, H, W) in [0, 1] to the teachers' logits (K, B, C) and, where they are wanted, maps
Teach = Callable[["Tensor"], tuple["Tensor", "Tensor | None"]]


@dataclass(frozen=True, eq=False)
class Teaching:
    """Where the teachers' logits come from; without a teacher both are None.

    Attributes:
        cache: their cached logits.
        teach: computes their logits and maps of views.
    """

    cache: TeacherLogits | None = None
    teach: Teach | None = None

    def cached(
        self, view: int, pixels: Tensor, accelerator: Accelerator, progress: Callable[[int, int], None]
    ) -> Tensor | None:
        """Return the cached logits of a view, (K, N, C), on the device, or None where there is no cache.

        Those that are missing are computed.

        Args:
            view: which view.
            pixels: the training images, (N, H, W, channels) uint8.
            accelerator: where the run computes.
            progress: called with (done, total) images; what it raises stops the work.
        """
        import torch

        if self.cache is None:
            return None
        processes = accelerator.num_processes
        if processes == 1:
            logits = self.cache.of_view(view, pixels, (0, 1), progress)
        else:
            share = (accelerator.local_process_index, int(os.environ.get("LOCAL_WORLD_SIZE", processes)))
            self.cache.of_view(view, pixels, share)
            accelerator.wait_for_everyone()
            logits = self.cache.of_view(view, pixels)
        return torch.from_numpy(logits).to(accelerator.device)


def prepare_teaching(
    recipe: Recipe, teachers: list[Teacher], train: ImageStore, classes: int, accelerator: Accelerator
) -> Teaching:
    """Move the teachers to the device and return where their logits come from.

    Args:
        recipe: the recipe.
        teachers: its teachers.
        train: the training images.
        classes: number of classes.
        accelerator: where the run computes.
    """
    if not teachers:
        return Teaching()
    for teacher in teachers:
        teacher.module.to(accelerator.device)
    if recipe.loss.needs_maps:
        return Teaching(teach=_with_maps(teachers[0], accelerator))
    engines = [choose_engine(teacher, accelerator) for teacher in teachers]
    if recipe.teachers.cache:
        return Teaching(cache=TeacherLogits(teachers, engines, train, recipe.augment, classes))
    return Teaching(teach=logits_only(teachers, engines))


def logits_only(teachers: list[Teacher], engines: list[Engine]) -> Teach:
    """Return what computes the logits of several teachers of the same views, each one's at its own size."""
    import torch

    def teach(views: Tensor) -> tuple[Tensor, Tensor | None]:
        inputs = [network_input(views, teacher.how) for teacher in teachers]
        return torch.stack([engine.forward(x) for engine, x in zip(engines, inputs, strict=True)]), None

    return teach


def _with_maps(teacher: Teacher, accelerator: Accelerator) -> Teach:
    import torch

    maps = LastMaps(teacher.network, teacher.module)

    def teach(views: Tensor) -> tuple[Tensor, Tensor | None]:
        with torch.no_grad(), accelerator.autocast():
            logits = teacher.module(network_input(views, teacher.how)).float()
        return logits.unsqueeze(0), maps.take()

    return teach
