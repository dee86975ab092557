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
        group_accuracy: mean of the groups' accuracies, None where images are not grouped.
        worst_group: the lowest of them, likewise.
    """

    loss: float
    accuracy: float
    macro_f1: float
    group_accuracy: float | None = None
    worst_group: float | None = None


def validate(
    forward: Callable[[torch.Tensor], torch.Tensor],
    pixels: torch.Tensor,
    labels: npt.NDArray[np.int64],
    how: Preprocessing,
    device: torch.device,
    groups: npt.NDArray[np.int64] | None = None,
) -> Validation:
    """Score a network.

    Args:
        forward: logits (B, C), float32, for inputs (B, 3, H, W).
        pixels: (N, H, W, channels) uint8.
        labels: (N,) class indices.
        how: the preprocessing.
        device: where the network is.
        groups: (N,) the group of each image, or None.
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
    own = []
    if groups is not None:
        right = predicted.numpy() == labels
        own = [float(right[groups == group].mean()) for group in np.unique(groups)]
    return Validation(
        loss=float(cross_entropy(logits, expected)),
        accuracy=float((predicted == expected).double().mean()),
        macro_f1=float(f1_score(labels, predicted.numpy(), labels=np.unique(labels), average="macro", zero_division=0)),
        group_accuracy=float(np.mean(own)) if own else None,
        worst_group=min(own) if own else None,
    )
