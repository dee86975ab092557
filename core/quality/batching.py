"""Many inputs of one network, asked by several measures, in full batches."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from core.runtimes.base import FloatArray, Runtime
from core.uncertainty.calibration import softmax

Key = TypeVar("Key", bound=Hashable)
Float64Array = npt.NDArray[np.float64]


def probabilities(
    runtime: Runtime, asked: Mapping[Key, Iterable[FloatArray]], temperature: float = 1.0
) -> dict[Key, Float64Array]:
    """Return the class probabilities of all inputs; a batch may hold inputs of several keys, so that only one is short.

    Args:
        runtime: the network.
        asked: normalised inputs, each of shape (1, 3, H, W), by what they are for; they are made when they are needed.
        temperature: logits are divided by it before the softmax.

    Returns:
        By the same keys, shape (n, C), float64 in [0, 1], in the order of the inputs; (0, C) for a key without inputs.
    """
    owners: list[Key] = []
    logits: list[FloatArray] = []
    batch: list[FloatArray] = []
    for key, inputs in asked.items():
        for one in inputs:
            owners.append(key)
            batch.append(one)
            if len(batch) == runtime.batch_size:
                logits.append(runtime.forward(np.concatenate(batch)))
                batch = []
    if batch:
        logits.append(runtime.forward(np.concatenate(batch)))
    found = softmax(np.concatenate(logits), temperature)
    return {key: found[[owner == key for owner in owners]] for key in asked}
