"""What every runtime does, and the probe on which it is compared with torch's logits on the CPU.

A runtime that is further off than ``AGREEMENT`` is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

from core.errors import RuntimeUnavailableError
from core.runtimes.masks import MaskScorer

if TYPE_CHECKING:
    from core.images.preprocessing import Preprocessing

FloatArray = npt.NDArray[np.float32]
RuntimeChoice = Literal["auto", "openvino", "torch"]
RUNTIME_CHOICES: tuple[RuntimeChoice, ...] = ("auto", "openvino", "torch")

AGREEMENT = 1e-3  # largest difference of a logit from torch's on the CPU, relative to the largest logit above 1


class Runtime(Protocol):
    """A network ready to run.

    Attributes:
        name: ``torch`` or ``openvino``.
        device: the device in words, e.g. ``CPU`` or ``NVIDIA H100``.
        precision: arithmetic of the forward pass, e.g. ``float32``.
        batch_size: the batch that this runtime handles fastest; any batch is accepted.
        layer: the name of the layer whose maps ``forward_with_maps`` returns.
        notice: what the user should know about how this runtime was chosen, or an empty string.
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

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int]) -> MaskScorer:
        """Return a function from feature maps (n, h, w), n at most ``batch_size``, to the logits of the masked image.

        See :func:`core.runtimes.masks.mask_scorer`. A GPU makes the masks itself and may score them in half precision.
        """
        ...

    def prepare_masks(self) -> None:
        """Do now what the first masks would otherwise wait for, up to some seconds; doing it again costs nothing."""
        ...


def probe_input(how: Preprocessing) -> FloatArray:
    """Return the fixed input of shape (1, 3, H, W) on which runtimes are compared: smooth waves and seeded noise."""
    rows = np.linspace(0, 3 * np.pi, how.height, dtype=np.float32)[:, None]
    columns = np.linspace(0, 2 * np.pi, how.width, dtype=np.float32)[None, :]
    waves = np.stack([np.sin(rows + columns), np.cos(rows) * np.sin(columns), np.cos(2 * columns) + 0 * rows])
    noise = np.random.default_rng(0).standard_normal(waves.shape, dtype=np.float32)
    return np.asarray((waves + 0.25 * noise)[None], dtype=np.float32)


def disagreement(found: FloatArray, expected: FloatArray) -> float:
    """Return the largest difference of two answers' logits, relative to the largest logit above 1.

    It is infinite where the shapes differ, and not a number where a logit is not.
    """
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))


def check_agreement(found: FloatArray, expected: FloatArray, what: str) -> None:
    """Compare a runtime's logits on the probe with torch's.

    Raises:
        RuntimeUnavailableError: if any logit is further off than ``AGREEMENT`` or is not finite.
    """
    off = disagreement(found, expected)
    if not off <= AGREEMENT:
        raise RuntimeUnavailableError(
            f"{what} does not agree with torch on this machine: logits differ by {off:.2g}, allowed is {AGREEMENT}.",
            remedy="Choose the torch runtime.",
        )
