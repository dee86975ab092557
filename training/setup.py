"""Everything that a run needs before its first step: data, teachers, network, optimiser."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.architectures import count_macs, count_parameters
from core.errors import UsageError
from core.preprocess import Preprocessing
from core.tasks import get_task
from training.criterion import balanced_weights
from training.datasets import DatasetError, Sample
from training.ema import MovingAverage
from training.events import Listener, Preparing
from training.image_store import ImageStore, load_images
from training.networks import LastMaps, build
from training.recipe import Recipe
from training.run_data import RunData
from training.run_result import RunFacts
from training.step import Batches, Stepper, make_optimiser, with_loss
from training.teacher_engine import choose_engine, torch_logits
from training.teacher_logits import TeacherLogits
from training.teachers import Teacher, load_teacher

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import Tensor, nn

Teach = Callable[["Tensor"], tuple["Tensor", "Tensor | None"]]


@dataclass(frozen=True, eq=False)
class Setup:
    """A run that is ready for its first step.

    Attributes:
        facts: what is known about it.
        accelerator: where it computes.
        network: the network that learns.
        trained: the network and its loss, whose state a checkpoint keeps.
        module: the same, prepared by the accelerator.
        optimiser: its optimiser, prepared.
        average: the moving average of the network's weights.
        stepper: takes the steps.
        pixels: the training images, on the device where that is a GPU.
        cache: the teachers' cached logits, or None.
        steps: steps of an epoch.
    """

    facts: RunFacts
    accelerator: Accelerator
    network: nn.Module
    trained: nn.Module
    module: nn.Module
    optimiser: torch.optim.Optimizer
    average: MovingAverage
    stepper: Stepper
    pixels: Tensor
    cache: TeacherLogits | None
    steps: int

    def logits(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return a network's logits, float32, computed in the run's precision."""
        return torch_logits(self.accelerator, network, images)

    def cached(self, view: int, progress: Callable[[int, int], bool]) -> Tensor | None:
        """Return the teachers' logits on a view, (K, N, C), on the device, or None where ``progress`` stopped it."""
        import torch

        if self.cache is None:
            return None
        processes = self.accelerator.num_processes
        if processes == 1:
            answers = self.cache.of_view(view, self.pixels, (0, 1), progress)
        else:
            share = (self.accelerator.local_process_index, int(os.environ.get("LOCAL_WORLD_SIZE", processes)))
            self.cache.of_view(view, self.pixels, share)
            self.accelerator.wait_for_everyone()
            answers = self.cache.of_view(view, self.pixels)
        return None if answers is None else torch.from_numpy(answers).to(self.accelerator.device)


def prepare(recipe: Recipe, data: RunData, listen: Listener) -> Setup:
    """Read images and teachers, build the network and what trains it.

    Raises:
        UsageError: if the recipe does not fit the data, the teachers or the number of processes.
        DatasetError: if the data are unusable.
        BundleError: if a teacher is missing or damaged.
        WeightsUnavailableError: if the starting weights can't be had.
    """
    from accelerate import Accelerator

    task = get_task(recipe.task)
    classes = data.classes
    colour = "rgb" if task.colour else "grey"
    how = Preprocessing.model_validate({"height": recipe.size, "width": recipe.size, "channels": colour})
    accelerator = Accelerator(mixed_precision=_precision(recipe.optim.precision))

    def decode(samples: list[Sample]) -> ImageStore:
        def progress(done: int, total: int) -> None:
            if done % 100 == 0 or done == total:
                listen(Preparing("Decoding images", done, total))

        return load_images(samples, classes, how, data.contents, progress)

    with accelerator.local_main_process_first():
        train, val = decode(data.train), decode(data.val)
    steps = _steps(recipe, len(train), accelerator.num_processes, data.folder)
    teachers = [load_teacher(name, classes, how) for name in recipe.teachers.bundles]
    network, started = build(recipe.model, len(classes), how.size, recipe.seed)
    facts = RunFacts(
        recipe=recipe,
        data=data,
        train=train,
        val=val,
        how=how,
        teachers=teachers,
        started=started,
        parameters=count_parameters(network),
        macs=count_macs(network, *how.size),
    )
    return _assemble(facts, accelerator, network, steps)


def _steps(recipe: Recipe, images: int, processes: int, data_folder: Path) -> int:
    share = recipe.optim.accumulate * processes
    if recipe.optim.batch % share:
        raise UsageError(
            f"A batch of {recipe.optim.batch} can't be shared evenly: {recipe.optim.accumulate} parts on {processes} "
            "processes.",
            remedy=f"Set optim.batch to a multiple of {share}.",
        )
    if images < recipe.optim.batch:
        raise DatasetError(
            f"{images} training images do not fill a batch of {recipe.optim.batch}.",
            path=data_folder,
            remedy="Set optim.batch lower.",
        )
    return images // recipe.optim.batch


def _assemble(facts: RunFacts, accelerator: Accelerator, network: nn.Module, steps: int) -> Setup:
    import torch

    recipe, device, classes = facts.recipe, accelerator.device, len(facts.data.classes)
    average = MovingAverage(network, recipe.optim.ema)
    average.network.to(device)
    weights = None
    if recipe.loss.class_weights == "balanced":
        weights = torch.tensor(balanced_weights(np.bincount(facts.train.labels, minlength=classes).tolist()))
    trained = with_loss(network, recipe, facts.teachers, weights).to(device)
    for teacher in facts.teachers:
        teacher.module.to(device)
    optimiser = make_optimiser(trained, recipe, fused=device.type == "cuda")
    module = trained
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        if recipe.optim.compile != "none":
            module = torch.compile(module, mode=recipe.optim.compile)  # type: ignore[assignment]
    module, optimiser = accelerator.prepare(module, optimiser)
    pixels = facts.train.tensor()
    if device.type != "cpu":
        pixels = pixels.to(device)
    cache: TeacherLogits | None = None
    teach: Teach | None = None
    if facts.teachers and recipe.teachers.cache:
        cache = TeacherLogits(
            facts.teachers,
            [choose_engine(teacher, accelerator) for teacher in facts.teachers],
            facts.train,
            facts.how,
            recipe.augment,
            classes,
        )
    elif facts.teachers:
        teach = _teach(facts.teachers, accelerator, with_maps=recipe.loss.needs_maps)
    batches = Batches(recipe, pixels, facts.train.labels, classes, facts.how, device)
    stepper = Stepper(recipe, accelerator, module, optimiser, batches, teach)
    return Setup(facts, accelerator, network, trained, module, optimiser, average, stepper, pixels, cache, steps)


def _teach(teachers: list[Teacher], accelerator: Accelerator, *, with_maps: bool) -> Teach:
    import torch

    maps = LastMaps(teachers[0].network, teachers[0].module) if with_maps else None

    def teach(images: Tensor) -> tuple[Tensor, Tensor | None]:
        with torch.no_grad(), accelerator.autocast():
            answers = torch.stack([teacher.module(images).float() for teacher in teachers])
        return answers, maps.take() if maps is not None else None

    return teach


def _precision(wanted: str) -> str:
    """Return what accelerate computes in: bfloat16 where that is fast, on CUDA, unless the recipe says otherwise."""
    if wanted != "auto":
        return wanted
    import torch

    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"
