"""One step: from a batch to a change of the weights, on one process or several, whole or in parts."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import Preprocessing
from training.data.augmentation import network_input
from training.distillation.criterion import Targets, Terms
from training.distillation.teaching import Teaching
from training.loop.batches import Batches
from training.loop.schedule import step_seed
from training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import Tensor, nn


class Stepper:
    """Takes steps.

    Args:
        recipe: the recipe.
        accelerator: where it computes.
        module: what :func:`with_loss` made, prepared by the accelerator.
        optimiser: its optimiser, prepared.
        batches: where views come from.
        how: the network's preprocessing.
        teaching: where the teachers' outputs come from.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        batches: Batches,
        how: Preprocessing,
        teaching: Teaching,
    ) -> None:
        self._recipe = recipe
        self._accelerator = accelerator
        self._module = module
        self._optimiser = optimiser
        self._batches = batches
        self.how = how
        self._teaching = teaching

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
        torch.manual_seed(step_seed(self._recipe.seed, *at, process))  # dropout and mixing draw from it
        for group in self._optimiser.param_groups:
            group["lr"] = lr
        parts = self._recipe.optim.accumulate
        shares = places.reshape(parts, processes, -1)[:, process]
        sums: dict[str, Tensor] = {}
        for number, share in enumerate(shares):
            views, y = self._batches.get(share, numbers)
            targets = self._targets(share, numbers, views, y, cached)
            last = number == parts - 1
            with nullcontext() if last else self._accelerator.no_sync(self._module):
                terms: Terms = self._module(network_input(views, self.how), targets)
                self._accelerator.backward(torch.stack(list(terms.values())).sum() / parts)
            for name, term in terms.items():
                sums[name] = sums.get(name, 0) + term.detach() / parts
        if self._recipe.optim.clip:
            self._accelerator.clip_grad_norm_(self._module.parameters(), self._recipe.optim.clip)
        self._optimiser.step()
        self._optimiser.zero_grad()
        return sums

    def _targets(
        self,
        places: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.float32],
        views: Tensor,
        y: Tensor,
        cached: Tensor | None,
    ) -> Targets:
        """Return what the network is to answer for views of images."""
        import torch

        logits, maps, heat_maps, heat_classes = None, None, None, None
        if cached is not None:
            logits = cached[:, torch.from_numpy(places).to(cached.device)]
        elif self._teaching.teach is not None:
            logits, maps = self._teaching.teach(views)
        if self._teaching.heat_maps is not None:
            heat_maps, heat_classes = (part.to(y.device) for part in self._teaching.heat_maps.of(places, numbers))
        return Targets(y, logits, maps, self._batches.groups_of(places), heat_maps, heat_classes)
