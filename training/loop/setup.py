"""Everything that a run needs before its first step: data, teachers, network, optimiser."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UsageError
from core.images.preprocessing import Preprocessing
from core.models.architectures import count_macs, count_parameters
from core.tasks import get_task
from training.data.augmentation import network_input
from training.data.decoded_images import ImageStore, load_images
from training.data.loading import DatasetError, Sample
from training.distillation.cached_logits import TeacherLogits
from training.distillation.criterion import balanced_weights
from training.distillation.teacher_forward import Engine, choose_engine, torch_logits
from training.distillation.teachers import Teacher, load_teacher
from training.loop.ema import MovingAverage
from training.loop.events import Listener, Preparing
from training.loop.precision import choose_precision
from training.loop.run_json import RunFacts
from training.loop.train_step import Batches, Stepper, Teach, make_optimiser, with_loss
from training.recipe import Recipe
from training.runs.networks import LastMaps, build, preprocessing_of
from training.runs.training_set import RunData

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Teaching:
    """What the teachers of a run say.

    Attributes:
        cache: their cached logits, or None.
        ask: returns their logits (K, B, C), and their maps where those are wanted, for views (B, channels, H, W) in
            [0, 1]; or None.
    """

    cache: TeacherLogits | None = None
    ask: Teach | None = None


@dataclass(frozen=True, eq=False)
class Setup:
    """A run that is ready for its first step.

    Attributes:
        facts: what is known about it.
        accelerator: where it computes.
        how: the network's preprocessing now, whose size differs from the recipe's in progressive epochs.
        network: the network that learns.
        trained: the network and its loss, whose state a checkpoint keeps.
        module: the same, prepared by the accelerator.
        optimiser: its optimiser, prepared.
        average: the moving average of the network's weights.
        stepper: takes the steps.
        pixels: the training images, on the device where that is a GPU.
        teaching: what the teachers say.
        steps: steps of an epoch.
    """

    facts: RunFacts
    accelerator: Accelerator
    how: Preprocessing
    network: nn.Module
    trained: nn.Module
    module: nn.Module
    optimiser: torch.optim.Optimizer
    average: MovingAverage
    stepper: Stepper
    pixels: Tensor
    teaching: Teaching
    steps: int

    def logits(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return a network's logits, float32, computed in the run's precision."""
        return torch_logits(self.accelerator, network, images)

    def cached(self, view: int, progress: Callable[[int, int], bool]) -> Tensor | None:
        """Return the teachers' logits on a view, (K, N, C), on the device, or None where ``progress`` stopped it."""
        import torch

        cache = self.teaching.cache
        if cache is None:
            return None
        processes = self.accelerator.num_processes
        if processes == 1:
            answers = cache.of_view(view, self.pixels, (0, 1), progress)
        else:
            share = (self.accelerator.local_process_index, int(os.environ.get("LOCAL_WORLD_SIZE", processes)))
            cache.of_view(view, self.pixels, share)
            self.accelerator.wait_for_everyone()
            answers = cache.of_view(view, self.pixels)
        return None if answers is None else torch.from_numpy(answers).to(self.accelerator.device)


def prepare(recipe: Recipe, data: RunData, listen: Listener, precision: str = "") -> Setup:
    """Read images and teachers, build the network and what trains it, at the recipe's size.

    Args:
        recipe: the recipe.
        data: its data.
        listen: told what is under way.
        precision: what the run computed in before, on this processor; empty for a new one.

    Raises:
        UsageError: if the recipe does not fit the data, the teachers or the number of processes.
        DatasetError: if the data are unusable.
        BundleError: if a teacher is missing or damaged.
        WeightsUnavailableError: if the starting weights can't be had.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    task = get_task(recipe.task)
    classes = data.classes
    how = preprocessing_of(recipe.model.network, recipe.size, task.colour)
    network, started = build(recipe.model, len(classes), how.size, recipe.seed)
    AcceleratorState._reset_state()  # of a run before this one in the same process, whose precision may be another
    accelerator = Accelerator(mixed_precision=choose_precision(recipe.optim.precision, network, how.size, precision))

    def decode(samples: list[Sample]) -> ImageStore:
        def progress(done: int, total: int) -> None:
            if done % 100 == 0 or done == total:
                listen(Preparing("Decoding images", done, total))

        return load_images(samples, classes, how, data.contents, progress)

    with accelerator.local_main_process_first():
        train, val = decode(data.train), decode(data.val)
    _check_batch(recipe, len(train), accelerator.num_processes, data.folder)
    teachers = [load_teacher(name, classes, how) for name in recipe.teachers.bundles]
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
    pixels = train.tensor()
    if accelerator.device.type != "cpu":
        pixels = pixels.to(accelerator.device)
    return assemble(facts, accelerator, network, how, pixels, _teaching(facts, accelerator))


def _check_batch(recipe: Recipe, images: int, processes: int, data_folder: Path) -> None:
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


def assemble(
    facts: RunFacts,
    accelerator: Accelerator,
    network: nn.Module,
    how: Preprocessing,
    pixels: Tensor,
    teaching: Teaching,
) -> Setup:
    """Put together what trains a network: loss, optimiser, moving average and steps.

    Args:
        facts: what is known about the run.
        accelerator: where it computes.
        network: the network with the weights that it goes on from.
        how: its preprocessing, whose size the network was built for.
        pixels: the training images.
        teaching: what the teachers say.
    """
    import torch

    recipe, device, classes = facts.recipe, accelerator.device, len(facts.data.classes)
    average = MovingAverage(network, recipe.optim.ema)
    average.network.to(device)
    weights = None
    if recipe.loss.class_weights == "balanced":
        weights = torch.tensor(balanced_weights(np.bincount(facts.train.labels, minlength=classes).tolist()))
    trained = with_loss(network, recipe, facts.teachers, weights).to(device)
    optimiser = make_optimiser(trained, recipe, fused=device.type == "cuda")
    module = trained
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        if recipe.optim.compile != "none":
            module = torch.compile(module, mode=recipe.optim.compile)  # type: ignore[assignment]
    module, optimiser = accelerator.prepare(module, optimiser)
    batches = Batches(recipe, pixels, facts.train.labels, classes, device)
    stepper = Stepper(recipe, accelerator, module, optimiser, batches, how, teaching.ask)
    steps = len(facts.train) // recipe.optim.batch
    return Setup(
        facts, accelerator, how, network, trained, module, optimiser, average, stepper, pixels, teaching, steps
    )


def _teaching(facts: RunFacts, accelerator: Accelerator) -> Teaching:
    """Return what the teachers say: on a CPU OpenVINO computes their logits where it can, else torch."""
    recipe, teachers = facts.recipe, facts.teachers
    if not teachers:
        return Teaching()
    for teacher in teachers:
        teacher.module.to(accelerator.device)
    if recipe.loss.needs_maps:
        return Teaching(ask=_ask_for_maps(teachers[0], accelerator))
    engines = [choose_engine(teacher, accelerator) for teacher in teachers]
    if recipe.teachers.cache:
        return Teaching(TeacherLogits(teachers, engines, facts.train, recipe.augment, len(facts.data.classes)))
    return Teaching(ask=ask_engines(teachers, engines))


def ask_engines(teachers: list[Teacher], engines: list[Engine]) -> Teach:
    """Return what gives the logits of several teachers for the same views, each one's at its own size."""
    import torch

    def ask(views: Tensor) -> tuple[Tensor, Tensor | None]:
        inputs = [network_input(views, teacher.how) for teacher in teachers]
        return torch.stack([engine.forward(x) for engine, x in zip(engines, inputs, strict=True)]), None

    return ask


def _ask_for_maps(teacher: Teacher, accelerator: Accelerator) -> Teach:
    import torch

    maps = LastMaps(teacher.network, teacher.module)

    def ask(views: Tensor) -> tuple[Tensor, Tensor | None]:
        with torch.no_grad(), accelerator.autocast():
            logits = teacher.module(network_input(views, teacher.how)).float()
        return logits.unsqueeze(0), maps.take()

    return ask
