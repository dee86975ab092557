"""What every runtime does, and how it is compared with torch's logits of the probe (``core.models.probe``).

A runtime that differs by more than ``AGREEMENT`` is not used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from core.errors import RuntimeUnavailableError
from core.runtimes.masks import MaskScorer

if TYPE_CHECKING:
    from core.models.bundle import Bundle
    from core.models.card import Card

FloatArray = npt.NDArray[np.float32]
RuntimeChoice: TypeAlias = str  # ``auto``, or a key of ``core.runtimes.load.RUNTIMES``

AGREEMENT = 1e-3  # largest difference of a logit from torch's on the CPU, relative to the largest logit above 1
MASK_AGREEMENT = 2e-2  # the same for half precision, which is not used for masks where logits move by more


class Runtime(Protocol):
    """A network ready to run.

    Attributes:
        name: the identifier of its kind, e.g. ``openvino``.
        device: the device in words, e.g. ``CPU`` or ``NVIDIA H100``.
        precision: arithmetic of the forward pass, e.g. ``float32``.
        batch_size: the batch that this runtime handles fastest; any batch is accepted.
        layer: the name of the layer whose maps ``forward_with_maps`` returns.
        notice: what the user should know about the choice of this runtime, or an empty string.
    """

    name: str
    device: str
    precision: str
    batch_size: int
    layer: str
    notice: str

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits of shape (N, C) for normalised images of shape (N, 3, H, W), float32."""
        ...

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w), both float32."""
        ...

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int], *, half: bool = False) -> MaskScorer:
        """Return a function from feature maps (n, h, w), n at most ``batch_size``, to the logits of the masked image.

        See :func:`core.runtimes.masks.mask_scorer`. A GPU makes the masks itself and may score them in half precision.

        Args:
            image: the network's input, shape (1, 3, H, W), float32.
            map_size: rows and columns of the feature maps.
            half: whether half precision will do, which is taken where it is faster.
        """
        ...

    def prepare_masks(self) -> None:
        """Prepare what the first masks would otherwise wait for, up to some seconds; a second call costs nothing."""
        ...


@dataclass(frozen=True)
class RuntimeKind:
    """A way to run networks; ``core.runtimes.load.RUNTIMES`` holds those of the program.

    Attributes:
        id: the identifier on the command line and in records.
        name: the name for a person.
        load: makes the runtime of a bundle, which it verifies, with a number of CPU threads or its own choice; raises
            RuntimeUnavailableError where it can't be used.
        rank: how it ranks for ``auto`` on this machine: the lowest is tried first.
        extra: the extra of the installation that it needs; empty for none.
    """

    id: str
    name: str
    load: Callable[[Bundle, int | None], Runtime]
    rank: Callable[[], int]
    extra: str = ""


def expected_logits(card: Card) -> FloatArray:
    """Return torch's logits (1, C) of the probe, as a card with a graph states them."""
    return np.array([card.probe_logits], np.float32)


def disagreement(found: FloatArray, expected: FloatArray) -> float:
    """Return the largest difference of two sets of logits, relative to the largest logit above 1.

    It is infinite where the shapes differ, and not a number where a logit is not.
    """
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))


def check_agreement(found: FloatArray, expected: FloatArray, what: str, allowed: float = AGREEMENT) -> None:
    """Compare a runtime's logits on the probe with torch's.

    Raises:
        RuntimeUnavailableError: if any logit differs by more than ``allowed`` or is not finite.
    """
    off = disagreement(found, expected)
    if not off <= allowed:
        raise RuntimeUnavailableError(
            f"{what} does not agree with torch on this machine: logits differ by {off:.2g}, allowed is {allowed}.",
            remedy="Choose the torch runtime.",
        )
