"""How well a network does on the validation images, which choose the best epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import Preprocessing
from training.data.augmentation import as_floats, network_input

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

BATCH = 64


@dataclass(frozen=True)
class Validation:
    """Scores on the validation images.

    Attributes:
        loss: mean cross-entropy.
        accuracy: share of images whose top class is right.
        macro_f1: mean over the classes that occur of F1.
    """

    loss: float
    accuracy: float
    macro_f1: float


def validate(
    forward: Callable[[torch.Tensor], torch.Tensor],
    pixels: torch.Tensor,
    labels: npt.NDArray[np.int64],
    how: Preprocessing,
    device: torch.device,
) -> Validation:
    """Score a network.

    Args:
        forward: logits (B, C), float32, for inputs (B, 3, H, W).
        pixels: (N, H, W, channels) uint8.
        labels: (N,) class indices.
        how: the preprocessing.
        device: where the network is.
    """
    import torch
    from sklearn.metrics import f1_score
    from torch.nn.functional import cross_entropy

    parts = [
        forward(network_input(as_floats(pixels[start : start + BATCH].to(device)), how)).cpu()
        for start in range(0, len(labels), BATCH)
    ]
    logits, expected = torch.cat(parts), torch.from_numpy(labels)
    predicted = logits.argmax(dim=1)
    return Validation(
        loss=float(cross_entropy(logits, expected)),
        accuracy=float((predicted == expected).double().mean()),
        macro_f1=float(f1_score(labels, predicted.numpy(), labels=np.unique(labels), average="macro", zero_division=0)),
    )
