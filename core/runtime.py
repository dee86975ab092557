"""Run a network's forward: one interface over torch and OpenVINO."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class Runtime(Protocol):
    """A network ready to run.

    Attributes:
        name: ``torch`` or ``openvino``.
        device: the device in words, e.g. ``CPU`` or ``NVIDIA H100``.
        precision: arithmetic of the forward pass, ``float32`` or ``float16``.
        batch_size: the batch that this runtime handles fastest; any batch is accepted.
        layer: the name of the layer whose maps ``forward_with_maps`` returns.
    """

    name: str
    device: str
    precision: str
    batch_size: int
    layer: str

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits of shape (N, C) for normalised images of shape (N, 3, H, W), float32."""
        ...

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w), both float32."""
        ...
