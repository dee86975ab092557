"""The moving average of the weights, which is what is validated and published."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timm.utils import ModelEmaV3
    from torch import nn


def moving_average(network: nn.Module, decay: float) -> ModelEmaV3:
    """Return an exponential moving average of a network's weights and running statistics; counters are copied.

    Args:
        network: the network that is trained.
        decay: share of the average that stays at a step; early on (1 + t) / (10 + t) where that is smaller, t being the
            number of steps before, so that the random weights of the start are soon forgotten.
    """
    from timm.utils import ModelEmaV3

    # with these two timm's warm-up, 1 − (1 + n / gamma)^−power, is (1 + t) / (10 + t) for n = t + 1
    average: ModelEmaV3 = ModelEmaV3(network, decay, use_warmup=True, warmup_gamma=9.0, warmup_power=1.0)
    return average.requires_grad_(False)


def update(average: ModelEmaV3, network: nn.Module, steps: int) -> None:
    """Take the weights after a step into the average.

    Args:
        average: what :func:`moving_average` made.
        network: the network after the step.
        steps: number of steps that the average has taken before.
    """
    average.update(network, step=steps + 2)  # timm subtracts one, and begins to average at n = 1
