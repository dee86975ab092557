"""The model parameter randomisation test: a map that explains what was learned must change when the weights are random.

Adebayo et al. 2018, "Sanity checks for saliency maps". The cascade begins at the last layer and goes to the first;
layers that have been randomised stay so. Random weights are those that a layer begins training with.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import nn

FloatArray = npt.NDArray[np.float32]
STAGES = 6  # of the cascade at which maps are compared, so that a network of 80 layers is not explained 80 times


def cascade(module: nn.Module, seed: int = 0, stages: int | None = STAGES) -> Iterator[tuple[str, nn.Module]]:
    """Yield a copy of a network with ever more layers randomised, the last layer first, the first layer last.

    As in Quantus, a layer is a module with ``reset_parameters``, and the order is that in which they are defined.
    torch's random numbers are seeded before each and restored afterwards.

    Args:
        module: the trained network, which stays as it is.
        seed: of the random weights.
        stages: how often the network is yielded, at equal steps of layers and at the end; None: after every layer.

    Yields:
        The name of the layer that was randomised last, and the network, the same object every time.
    """
    import torch

    network = copy.deepcopy(module)
    layers = [(name, layer) for name, layer in network.named_modules() if hasattr(layer, "reset_parameters")][::-1]
    wanted = len(layers) if stages is None else min(stages, len(layers))
    ends = {round(len(layers) * (stage + 1) / wanted) - 1 for stage in range(wanted)}
    for place, (name, layer) in enumerate(layers):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed + 1)
            layer.reset_parameters()
        if place in ends:
            yield name, network


def rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Return Spearman's rank correlation of two maps of one shape, in [-1, 1]; 0 where one is the same everywhere.

    Near 1, the maps are alike although the weights are not: the map does not depend on what was learned.
    """
    from scipy.stats import rankdata

    x, y = (rankdata(m.ravel()) for m in (a, b))
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt(x @ x) * np.sqrt(y @ y)
    return 0.0 if scale == 0 else float(np.clip(x @ y / scale, -1, 1))
