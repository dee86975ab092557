"""A moving average of the weights, which is what is validated and published."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class MovingAverage:
    """The exponential moving average of a network's weights and running statistics.

    Args:
        network: the network that is trained.
        decay: share of the average that stays at a step; early on (1 + t) / (10 + t) where that is smaller, t being the
            number of steps before, so that the random weights of the start are soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    def update(self, network: nn.Module) -> None:
        """Take the weights after a step into the average; integers (counters) are copied."""
        import torch

        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        averages, values = [], []
        found = network.state_dict()
        for key, average in self.network.state_dict().items():
            if average.is_floating_point():
                averages.append(average)
                values.append(found[key])
            else:
                average.copy_(found[key])
        with torch.no_grad():
            torch._foreach_lerp_(averages, values, 1 - decay)
