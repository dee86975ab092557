"""Blank parts of training images in some of their views, before they are moved and shaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.data.augmentation import HIDING
from training.data.lungs import Lungs
from training.data.regions import border
from training.recipe_parts import Hide

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Hiding:
    """Hides parts of images; what is hidden in a view follows from (seed, view, image) alone.

    Attributes:
        how: the recipe's part.
        lungs: where the lungs lie, where all else is to be hidden.
    """

    how: Hide
    lungs: Lungs | None = None

    @property
    def key(self) -> str:
        """Names what is hidden, for what is kept about the views."""
        return f"{self.how.model_dump_json()} {'' if self.lungs is None else self.lungs.key}"

    def __call__(self, images: Tensor, numbers: Tensor, places: npt.NDArray[np.int64]) -> Tensor:
        """Return images with parts replaced by the mean of each image's channels.

        Args:
            images: (B, channels, S, S) in [0, 1].
            numbers: their rows of :func:`training.data.augmentation.view_numbers`, on the same device.
            places: their places among the training images, (B,).
        """
        import torch

        chance, side = numbers[:, HIDING].reshape(-1, 1, 1, 1), images.shape[-1]
        hidden = torch.from_numpy(border(side)).to(images.device) & (chance >= 1 - self.how.border)
        if self.lungs is not None:
            outside = ~torch.from_numpy(self.lungs.of(places)).to(images.device).unsqueeze(1)
            hidden = hidden | (outside & (chance < self.how.lungs_only))
        return torch.where(hidden, images.mean(dim=(2, 3), keepdim=True), images)
