"""The precision of a run, measured on a CPU: bfloat16 is twice as fast on some and many times slower on others."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Literal

from core.system.cpu_features import lacks_bfloat16
from training.recipe import Precision

if TYPE_CHECKING:
    from torch import nn

GAIN = 1.15  # bfloat16 has to be so many times as fast as float32 to be taken
IMAGES = 8


def choose_precision(
    wanted: Literal["auto"] | Precision, network: nn.Module, size: tuple[int, int], before: Precision | None = None
) -> Precision:
    """Return what accelerate shall compute in.

    Args:
        wanted: the recipe's word; all but ``auto`` is taken as it is.
        network: the network that is trained, on the CPU; its gradients are gone afterwards, all else is as it was.
        size: height and width of its input in pixels.
        before: what the run computed in before, on this processor; it is kept. None for a new run.
    """
    if wanted != "auto":
        return wanted
    if before is not None:
        return before
    import torch

    if not torch.cuda.is_available() and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return "no"  # what several processes measured could differ
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "no"
    seconds = {half: step_seconds(network, size, half=half) for half in worth_measuring()}
    return "bf16" if seconds[False] > GAIN * seconds.get(True, math.inf) else "no"


def worth_measuring() -> tuple[bool, ...]:
    """Return the values of ``half`` to measure: without instructions for bfloat16 that alone would take minutes."""
    return (False,) if lacks_bfloat16() else (False, True)


def step_seconds(network: nn.Module, size: tuple[int, int], *, half: bool) -> float:
    """Return how long forward and backward of ``IMAGES`` images take on the CPU, the least of two times.

    Args:
        network: the network; its gradients are gone afterwards, all else is as it was.
        size: height and width of the input in pixels.
        half: whether bfloat16 is computed in.
    """
    import torch

    images = torch.zeros(IMAGES, 3, *size).contiguous(memory_format=torch.channels_last)
    training, state = network.training, torch.random.get_rng_state()
    times = []
    network.eval()  # running statistics stay as they are
    for _ in range(3):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(images)
        logits.float().sum().backward()
        times.append(time.perf_counter() - start)
        network.zero_grad(set_to_none=True)
    network.train(training)
    torch.random.set_rng_state(state)
    return min(times[1:])
