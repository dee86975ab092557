"""Everything that a run needs before its first step: data, teachers, network, optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UsageError
from core.images.preprocessing import Preprocessing
from core.models.architectures import count_macs, count_parameters
from training.data.decoded_images import ImageStore, load_images
from training.data.hiding import Hiding
from training.data.loading import DatasetError, Sample
from training.data.lungs import find_lungs
from training.data.subgroups import grouped
from training.distillation.criterion import balanced_weights, with_loss
from training.distillation.teachers import load_teacher, torch_logits
from training.distillation.teaching import Teaching, prepare_teaching
from training.loop.batches import Batches
from training.loop.ema import moving_average
from training.loop.events import Listener, Preparing, Working
from training.loop.optimiser import make_optimiser
from training.loop.precision import choose_precision
from training.loop.run_json import RunFacts
from training.loop.train_step import Stepper
from training.recipe import Precision, Recipe
from training.runs.networks import build, preprocessing_of
from training.runs.training_set import RunData

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from timm.utils import ModelEmaV3
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Setup:
    """A run that is ready for its first step.

    Attributes:
        facts: what is known about it.
        accelerator: where it computes.
        how: the network's preprocessing now, whose size differs from the recipe's in progressive epochs.
        network: the network that is trained.
        trained: the network and its loss, whose state a checkpoint keeps.
        module: the same, prepared by the accelerator.
        optimiser: its optimiser, prepared.
        average: the moving average of the network's weights.
        stepper: takes the steps.
        pixels: the training images, on the device where that is a GPU.
        hiding: what is hidden in some views, or None.
        teaching: where the teachers' outputs come from.
        steps: steps of an epoch.
    """

    facts: RunFacts
    accelerator: Accelerator
    how: Preprocessing
    network: nn.Module
    trained: nn.Module
    module: nn.Module
    optimiser: torch.optim.Optimizer
    average: ModelEmaV3
    stepper: Stepper
    pixels: Tensor
    hiding: Hiding | None
    teaching: Teaching
    steps: int

    @property
    def criterion(self) -> nn.Module:
        """The loss, with what it has of its own: weights of a hint, weights of groups."""
        return self.trained.get_submodule("criterion")

    def logits(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return a network's logits, float32, computed in the run's precision."""
        return torch_logits(self.accelerator, network, images)


def prepare(recipe: Recipe, data: RunData, listen: Listener, precision: Precision | None = None) -> Setup:
    """Read images and teachers, build the network and what trains it, at the recipe's size.

    Args:
        recipe: the recipe.
        data: its data.
        listen: called with the progress.
        precision: what the run computed in before, on this processor; None for a new one.

    Raises:
        UsageError: if the recipe does not fit the data, the teachers or the number of processes.
        DatasetError: if the data are unusable.
        BundleError: if a teacher is missing or damaged.
        WeightsUnavailableError: if the starting weights can't be had.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    classes = data.classes
    listen(Working("Building the network"))
    how = preprocessing_of(recipe.model.network, recipe.size, recipe.task.colour)
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
    if recipe.teachers.bundles:
        listen(Working("Loading the teachers"))
    teachers = [load_teacher(name, classes, how) for name in recipe.teachers.bundles]
    lungs = find_lungs(train.samples, how.height, recipe.task.id) if recipe.needs_lungs else None
    hiding = Hiding(recipe.hide, lungs if recipe.hide.lungs_only else None) if recipe.hide.wanted else None
    grouping = grouped(train.samples, recipe.subgroups) if recipe.subgroups.wanted else None
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
        grouping=grouping,
        val_groups=None if grouping is None else grouping.of(val.samples),
    )
    pixels = train.tensor()
    if accelerator.device.type != "cpu":
        pixels = pixels.to(accelerator.device)
    teaching = prepare_teaching(recipe, teachers, train, len(classes), accelerator, hiding, lungs)
    return assemble(facts, accelerator, network, how, pixels, hiding, teaching)


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
    hiding: Hiding | None,
    teaching: Teaching,
) -> Setup:
    """Put together what trains a network: loss, optimiser, moving average and steps.

    Args:
        facts: what is known about the run.
        accelerator: where it computes.
        network: the network with its current weights.
        how: its preprocessing, whose size the network was built for.
        pixels: the training images.
        hiding: what is hidden in some views, or None.
        teaching: where the teachers' outputs come from.
    """
    import torch

    recipe, device, classes = facts.recipe, accelerator.device, len(facts.data.classes)
    average = moving_average(network, recipe.optim.ema).to(device)
    weights = None
    if recipe.loss.class_weights == "balanced":
        weights = torch.tensor(balanced_weights(np.bincount(facts.train.labels, minlength=classes).tolist()))
    groups = facts.grouping
    grouped = len(groups.names) if groups else 0
    trained = with_loss(network, how.size, recipe, facts.teachers, weights, grouped).to(device)
    optimiser = make_optimiser(trained, recipe, fused=device.type == "cuda")
    module = trained
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        if recipe.optim.compile != "none":
            module = torch.compile(module, mode=recipe.optim.compile)  # type: ignore[assignment]
    module, optimiser = accelerator.prepare(module, optimiser)
    of_image = groups.of_image if groups else None
    batches = Batches(recipe, pixels, facts.train.labels, classes, device, hiding, of_image)
    stepper = Stepper(recipe, accelerator, module, optimiser, batches, how, teaching)
    steps = len(facts.train) // recipe.optim.batch
    return Setup(
        facts, accelerator, how, network, trained, module, optimiser, average, stepper, pixels, hiding, teaching, steps
    )
