"""A small network of NumPy alone, to count what its heat map costs: ``python -m core.benchmarks.numpy_network MAPS``.

It is the same on every machine, and runs where OpenVINO can't, e.g. in Valgrind.
"""

from __future__ import annotations

import sys

import numpy as np

from core.explain.scorecam import Depth, ScoreCam
from core.runtimes.base import FloatArray
from core.runtimes.masks import MaskScorer, mask_scorer

SIDE, CELLS, MAPS, CLASSES = 32, 8, 256, 3


class NumpyNetwork:
    """A convolution, a mean and a linear layer, all with random weights; implements ``core.runtimes.base.Runtime``."""

    name, device, precision, batch_size, layer, notice = "numpy", "CPU", "float32", 8, "maps", ""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        patch = (SIDE // CELLS) ** 2 * 3
        self.forwards = 0
        self._filters = rng.standard_normal((patch, MAPS), np.float32)
        self._head = rng.standard_normal((MAPS, CLASSES), np.float32)

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits (N, C)."""
        return self.forward_with_maps(batch)[0]

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and feature maps (N, K, h, w)."""
        self.forwards += len(batch)
        step = SIDE // CELLS
        patches = batch.reshape(len(batch), 3, CELLS, step, CELLS, step).transpose(0, 2, 4, 1, 3, 5)
        maps = np.maximum(patches.reshape(len(batch), CELLS, CELLS, -1) @ self._filters, 0)
        return maps.mean(axis=(1, 2)) @ self._head, np.ascontiguousarray(maps.transpose(0, 3, 1, 2))

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int], *, half: bool = False) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        return mask_scorer(self.forward, image, map_size, self.batch_size)

    def prepare_masks(self) -> None:
        """Do nothing: there is nothing to prepare."""


def explain(network: NumpyNetwork, depth: Depth) -> FloatArray:
    """Return the map of a fixed image by that network."""
    coarse = np.random.default_rng(1).standard_normal((1, 3, CELLS, CELLS)).astype(np.float32)
    image = coarse.repeat(SIDE // CELLS, axis=2).repeat(SIDE // CELLS, axis=3)
    *_, last = ScoreCam(network, image).refine(0, depth)
    return last.values


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        explain(NumpyNetwork(), "fast")
