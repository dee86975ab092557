"""A torch network of no bundle as a runtime, e.g. one whose weights have been replaced by random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.models.architectures import get_architecture, with_maps
from core.runtimes.base import FloatArray
from core.runtimes.masks import MaskScorer, mask_scorer

if TYPE_CHECKING:
    from torch import nn


class ModuleRuntime:
    """A torch network on the CPU as it is now; implements :class:`core.runtimes.base.Runtime`.

    Args:
        network: identifier of its architecture.
        module: the network in evaluation mode, float32; later changes of its weights count.
    """

    name, device, precision, notice = "torch", "CPU", "float32", ""
    batch_size = 8

    def __init__(self, network: str, module: nn.Module) -> None:
        self.layer = get_architecture(network).layer
        self._network = with_maps(network, module)

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits (N, C) for normalised images (N, 3, H, W)."""
        return self.forward_with_maps(batch)[0]

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w)."""
        import torch

        with torch.inference_mode():
            logits, maps = self._network(torch.from_numpy(batch))
        return logits.numpy(), np.ascontiguousarray(maps.numpy())

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int], *, half: bool = False) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        return mask_scorer(self.forward, image, map_size, self.batch_size)

    def prepare_masks(self) -> None:
        """Torch compiles nothing for masks."""
