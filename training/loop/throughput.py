"""How many images a second training takes in: a teacher, a student alone, from its teacher, from cached logits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UsageError
from training.data.augmentation import view_numbers
from training.distillation.criterion import with_loss
from training.distillation.teachers import choose_engine, load_teacher
from training.distillation.teaching import Teaching, logits_only
from training.loop.batches import Batches
from training.loop.optimiser import make_optimiser
from training.loop.train_step import Stepper
from training.recipe import Recipe, Teachers
from training.runs.networks import build, preprocessing_of

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Speed:
    """Speed of one way of training.

    Attributes:
        what: the way, in words.
        images_per_second: median over the steps.
    """

    what: str
    images_per_second: float


def measure(recipe: Recipe, steps: int, progress: Callable[[str], None] = lambda _what: None) -> list[Speed]:
    """Measure training speed by a student's recipe, on random images of the recipe's size.

    Args:
        recipe: a student's recipe with a teacher.
        steps: steps timed for each way, after one that is not.
        progress: called with what is measured next.

    Raises:
        UsageError: if the recipe names no teacher.
    """
    import torch
    from accelerate import Accelerator

    if not recipe.teachers.bundles:
        raise UsageError("The recipe names no teacher.", remedy="Take a student's recipe with a teacher.")
    task = recipe.task
    classes = task.class_ids
    how = preprocessing_of(recipe.model.network, recipe.size, task.colour)
    accelerator = Accelerator(mixed_precision="bf16" if torch.cuda.is_available() else "no")
    teachers = [load_teacher(name, classes, how) for name in recipe.teachers.bundles]
    for teacher in teachers:
        teacher.module.to(accelerator.device)
    random = np.random.default_rng(0)
    batch = recipe.optim.batch
    pixels = torch.from_numpy(
        random.integers(0, 256, (batch, recipe.size, recipe.size, 3 if task.colour else 1), np.uint8)
    )
    batches = Batches(recipe, pixels, random.integers(0, len(classes), batch), len(classes), accelerator.device)
    numbers = view_numbers(0, 0, batch)

    asked = Teaching(teach=logits_only(teachers, [choose_engine(teacher, accelerator) for teacher in teachers]))

    def speed(what: str, network: nn.Module, own: Recipe, teaching: Teaching, cached: Tensor | None) -> Speed:
        progress(what)
        module = with_loss(network, how.size, own, teachers, None).to(accelerator.device)
        module, optimiser = accelerator.prepare(module, make_optimiser(module, own, accelerator.device.type == "cuda"))
        stepper = Stepper(own, accelerator, module.train(), optimiser, batches, how, teaching)
        times = []
        for step in range(steps + 1):
            start = time.perf_counter()
            terms = stepper.take(np.arange(batch), numbers, cached, 1e-5, (0, step))
            float(terms["truth"])  # waits for the device
            times.append(time.perf_counter() - start)
        return Speed(what, batch / float(np.median(times[1:])))

    def student() -> nn.Module:
        return build(recipe.model, len(classes), how.size, 0)[0]

    alone = recipe.model_copy(update={"teachers": Teachers()})
    logits = torch.zeros(len(teachers), batch, len(classes), device=accelerator.device)
    rows = [
        speed("student alone", student(), alone, Teaching(), None),
        speed("student from cached teacher logits", student(), recipe, Teaching(), logits),
        speed("student from the teacher itself", student(), recipe, asked, None),
    ]
    for teacher in teachers:
        network = teacher.module.requires_grad_(True)
        rows.append(speed(f"teacher {teacher.network}", network, alone, Teaching(), None))
    return rows
