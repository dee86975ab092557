"""One step: from images and labels to a change of the weights, on one process or several, whole or in parts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import Preprocessing
from core.models.architectures import model_name
from core.models.ofa_subnets import model_id
from training.data.augmentation import as_floats, augment, network_input
from training.data.mixing import mix
from training.distillation.criterion import Terms, build_criterion
from training.distillation.teachers import Teacher
from training.loop.schedule import step_random
from training.recipe import Recipe
from training.runs.networks import LastMaps

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import Tensor, nn

# from views (B, channels, H, W) in [0, 1] to the teachers' logits (K, B, C) and, where they are wanted, maps
Teach = Callable[["Tensor"], tuple["Tensor", "Tensor | None"]]


def with_loss(network: nn.Module, recipe: Recipe, teachers: list[Teacher], class_weights: Tensor | None) -> nn.Module:
    """Wrap a network so that its forward returns the terms of the loss; that is the module that is trained.

    Args:
        network: the network.
        recipe: the recipe.
        teachers: the teachers.
        class_weights: weight of each class, or None.
    """
    from torch import nn

    wants_maps = recipe.loss.needs_maps
    channels = None
    if wants_maps:
        channels = (
            _map_channels(recipe.model.network, network, recipe.size),
            _map_channels(teachers[0].network, teachers[0].module, recipe.size),
        )

    class WithLoss(nn.Module):
        """A network and the loss that it is trained by."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.criterion = build_criterion(recipe.loss, recipe.teachers.combine, class_weights, channels)
            self._maps = LastMaps(recipe.model.network, network) if wants_maps else None

        def forward(self, images: Tensor, y: Tensor, answers: Tensor | None, teacher_maps: Tensor | None) -> Terms:
            logits = self.network(images).float()
            maps = None
            if self._maps is not None and teacher_maps is not None:
                maps = (self._maps.take().float(), teacher_maps.float())
            terms: Terms = self.criterion(logits, y, answers, maps)
            return terms

    return WithLoss()


def _map_channels(name: str, network: nn.Module, size: int) -> int:
    import torch

    maps = LastMaps(name, network)
    training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    network.train(training)
    channels = maps.take().shape[1]
    maps.remove()
    return channels


class Batches:
    """Turns places in the image store into what a step needs, on the device.

    Args:
        recipe: the recipe.
        pixels: (N, H, W, channels) uint8, on the device or the CPU.
        labels: (N,) class indices.
        classes: number of classes.
        device: where the network is.
    """

    def __init__(
        self, recipe: Recipe, pixels: Tensor, labels: npt.NDArray[np.int64], classes: int, device: torch.device
    ) -> None:
        import torch
        from torch.nn.functional import one_hot

        self._recipe = recipe
        self._pixels = pixels
        self._truth = one_hot(torch.from_numpy(labels), classes).float().to(device)
        self._device = device

    def get(
        self, places: npt.NDArray[np.int64], numbers: npt.NDArray[np.float32], random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return views (B, channels, H, W) in [0, 1] and the truth (B, C)."""
        import torch

        chosen = torch.from_numpy(places)
        pixels = self._pixels[chosen.to(self._pixels.device)].to(self._device, non_blocking=True)
        rows = torch.from_numpy(numbers[places]).to(self._device, non_blocking=True)
        images, y = augment(as_floats(pixels), rows, self._recipe.augment), self._truth[chosen.to(self._device)]
        if self._recipe.augment.mixes:
            images, y = mix(images, y, self._recipe.augment, random)
        return images, y


class Stepper:
    """Takes steps.

    Args:
        recipe: the recipe.
        accelerator: where it computes.
        module: what :func:`with_loss` made, prepared by the accelerator.
        optimiser: its optimiser, prepared.
        batches: where views come from.
        how: the network's preprocessing.
        teach: what the teachers say of views; or None.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        batches: Batches,
        how: Preprocessing,
        teach: Teach | None,
    ) -> None:
        self._recipe = recipe
        self._accelerator = accelerator
        self._module = module
        self._optimiser = optimiser
        self._batches = batches
        self.how = how
        self._teach = teach

    def take(
        self,
        places: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.float32],
        cached: Tensor | None,
        lr: float,
        at: tuple[int, int],
    ) -> dict[str, Tensor]:
        """Take one step.

        Args:
            places: places in the store of the whole batch, over all processes.
            numbers: the view's random numbers, a row an image of the store.
            cached: the teachers' logits on this view, (K, N, C), or None.
            lr: the learning rate.
            at: epoch and step, which seed dropout and mixing.

        Returns:
            The terms of the loss, means over this process's share of the batch, on the device.
        """
        import torch

        process, processes = self._accelerator.process_index, self._accelerator.num_processes
        random = step_random(self._recipe.seed, *at, process)
        torch.manual_seed(int(random.integers(2**62)))
        for group in self._optimiser.param_groups:
            group["lr"] = lr
        parts = self._recipe.optim.accumulate
        shares = places.reshape(parts, processes, -1)[:, process]
        sums: dict[str, Tensor] = {}
        for number, share in enumerate(shares):
            views, y = self._batches.get(share, numbers, random)
            answers, maps = None, None
            if cached is not None:
                answers = cached[:, torch.from_numpy(share).to(cached.device)]
            elif self._teach is not None:
                answers, maps = self._teach(views)
            last = number == parts - 1
            with nullcontext() if last else self._accelerator.no_sync(self._module):
                terms: Terms = self._module(network_input(views, self.how), y, answers, maps)
                self._accelerator.backward(torch.stack(list(terms.values())).sum() / parts)
            for name, term in terms.items():
                sums[name] = sums.get(name, 0) + term.detach() / parts
        if self._recipe.optim.clip:
            self._accelerator.clip_grad_norm_(self._module.parameters(), self._recipe.optim.clip)
        self._optimiser.step()
        self._optimiser.zero_grad()
        return sums


def make_optimiser(module: nn.Module, recipe: Recipe, fused: bool) -> torch.optim.Optimizer:
    """Return AdamW (arXiv 1711.05101) in which vectors, that is biases and norms, have no weight decay."""
    import torch

    matrices = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.optim.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.optim.lr, fused=fused)


def network_name(recipe: Recipe) -> str:
    """Return the network's name for people."""
    return model_name(model_id(recipe.model.network, recipe.model.subnet))
