"""Batches of views and labels on the device, taken from the decoded images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.data.augmentation import as_floats, augment
from training.data.hiding import Hiding
from training.data.mixing import mix
from training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Batches:
    """Turns places in the image store into what a step needs, on the device.

    Args:
        recipe: the recipe.
        pixels: (N, H, W, channels) uint8, on the device or the CPU.
        labels: (N,) class indices.
        classes: number of classes.
        device: where the network is.
        hiding: what is hidden in some views, or None.
        groups: (N,) the group of each image, or None.
    """

    def __init__(
        self,
        recipe: Recipe,
        pixels: Tensor,
        labels: npt.NDArray[np.int64],
        classes: int,
        device: torch.device,
        hiding: Hiding | None = None,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> None:
        import torch
        from torch.nn.functional import one_hot

        self._recipe = recipe
        self._pixels = pixels
        self._truth = one_hot(torch.from_numpy(labels), classes).float().to(device)
        self._groups = None if groups is None else torch.from_numpy(groups).to(device)
        self._hiding = hiding
        self._device = device

    def get(self, places: npt.NDArray[np.int64], numbers: npt.NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Return views (B, channels, H, W) in [0, 1] and the labels as probabilities (B, C)."""
        import torch

        chosen = torch.from_numpy(places)
        pixels = self._pixels[chosen.to(self._pixels.device)].to(self._device, non_blocking=True)
        rows = torch.from_numpy(numbers[places]).to(self._device, non_blocking=True)
        images, y = as_floats(pixels), self._truth[chosen.to(self._device)]
        if self._hiding is not None:
            images = self._hiding(images, rows, places)
        images = augment(images, rows, self._recipe.augment)
        if self._recipe.augment.mixes:
            images, y = mix(images, y, self._recipe.augment)
        return images, y

    def groups_of(self, places: npt.NDArray[np.int64]) -> Tensor | None:
        """Return the groups of images, (B,), or None where there are none."""
        import torch

        return None if self._groups is None else self._groups[torch.from_numpy(places).to(self._device)]
