"""What teachers say of a batch: logits from the cache or computed afresh, feature maps and heat maps where needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.data.augmentation import network_input
from training.data.decoded_images import ImageStore
from training.data.hiding import Hiding
from training.data.lungs import Lungs
from training.distillation.cached_logits import TeacherLogits
from training.distillation.heat_maps import TeacherHeatMaps
from training.distillation.teachers import Engine, Teacher, choose_engine, torch_maps
from training.recipe import Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

# from views (B, channels, H, W) in [0, 1] to the teachers' logits (K, B, C) and, where they are wanted, maps
Teach = Callable[["Tensor"], tuple["Tensor", "Tensor | None"]]


@dataclass(frozen=True, eq=False)
class Teaching:
    """Where the teachers' outputs come from; without a teacher all are None.

    Attributes:
        cache: their cached logits.
        teach: computes their logits and maps of views.
        heat_maps: the heat maps of the one that explains.
    """

    cache: TeacherLogits | None = None
    teach: Teach | None = None
    heat_maps: TeacherHeatMaps | None = None

    def explain(self, pixels: Tensor, accelerator: Accelerator, progress: Callable[[int, int], None]) -> None:
        """Compute the heat maps that are missing, if any are wanted; for the arguments see :meth:`cached`."""
        if self.heat_maps is not None:
            self.heat_maps.compute(pixels, _share(accelerator), _alone(accelerator, progress))
            accelerator.wait_for_everyone()

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
        logits = self.cache.of_view(view, pixels, _share(accelerator), _alone(accelerator, progress))
        if accelerator.num_processes > 1:
            accelerator.wait_for_everyone()
            logits = self.cache.of_view(view, pixels)
        return torch.from_numpy(logits).to(accelerator.device)


def _share(accelerator: Accelerator) -> tuple[int, int]:
    """Return which part of what is missing this process computes: (process, processes) of this machine."""
    processes = accelerator.num_processes
    local = int(os.environ.get("LOCAL_WORLD_SIZE", processes)) if processes > 1 else 1
    return accelerator.local_process_index, local


def _alone(accelerator: Accelerator, progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Return a progress that may stop the work; where others would wait for this process, one that says nothing."""
    return progress if accelerator.num_processes == 1 else lambda _done, _total: None


def prepare_teaching(
    recipe: Recipe,
    teachers: list[Teacher],
    train: ImageStore,
    classes: int,
    accelerator: Accelerator,
    hiding: Hiding | None = None,
    lungs: Lungs | None = None,
) -> Teaching:
    """Move the teachers to the device and return where their outputs come from.

    Args:
        recipe: the recipe.
        teachers: its teachers.
        train: the training images.
        classes: number of classes.
        accelerator: where the run computes.
        hiding: what is hidden in some views, or None.
        lungs: where the lungs lie, where the recipe needs to know it.
    """
    if not teachers:
        return Teaching()
    for teacher in teachers:
        teacher.module.to(accelerator.device)
    heat_maps = None
    if recipe.explanation.wanted:
        on = lungs if recipe.explanation.on == "lungs" else None
        heat_maps = TeacherHeatMaps(teachers[0], train, recipe.augment, on)
    if recipe.loss.needs_maps:
        return Teaching(None, _with_maps(teachers[0], accelerator, recipe.loss.map_layers), heat_maps)
    engines = [choose_engine(teacher, accelerator) for teacher in teachers]
    if recipe.teachers.cache:
        return Teaching(TeacherLogits(teachers, engines, train, recipe.augment, classes, hiding), None, heat_maps)
    return Teaching(None, logits_only(teachers, engines), heat_maps)


def logits_only(teachers: list[Teacher], engines: list[Engine]) -> Teach:
    """Return what computes the logits of several teachers of the same views, each one's at its own size."""
    import torch

    def teach(views: Tensor) -> tuple[Tensor, Tensor | None]:
        inputs = [network_input(views, teacher.how) for teacher in teachers]
        return torch.stack([engine.forward(x) for engine, x in zip(engines, inputs, strict=True)]), None

    return teach


def _with_maps(teacher: Teacher, accelerator: Accelerator, layers: tuple[str, str] | None) -> Teach:
    """Return what computes the logits and maps of one teacher; OpenVINO gives the last spatial maps alone."""
    fast = choose_engine(teacher, accelerator).forward_with_maps if layers is None else None
    forward = fast or torch_maps(teacher, accelerator, layers[1] if layers else "")

    def teach(views: Tensor) -> tuple[Tensor, Tensor | None]:
        logits, maps = forward(network_input(views, teacher.how))
        return logits.unsqueeze(0), maps

    return teach
