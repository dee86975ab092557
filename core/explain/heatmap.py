"""A class activation map: the evidence for one class, over the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
UNKNOWN_ERROR = 0.5  # estimated error from which a map is not drawn; where nothing is known it is 1


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A class activation map at the resolution of the layer that it was made from.

    Attributes:
        values: shape (h, w), float32 in [0, 1]; all zero where there is no evidence for the class.
        class_index: the class that it explains.
        layer: the name of the layer.
        method: how it was made, e.g. ``exact``, ``clustered G=16`` where 16 masks stand for all maps, or ``64 of 512
            exact``.
        maps_scored: feature maps, or clusters of them, that were scored by a forward pass so far.
        maps_total: feature maps of the layer.
        estimated_error: estimate of 1 - Pearson correlation with the exact map, in [0, 1]; 0 for an exact map.
        seconds: wall-clock time since the explanation began.
    """

    values: FloatArray
    class_index: int
    layer: str
    method: str
    maps_scored: int
    maps_total: int
    estimated_error: float
    seconds: float

    @property
    def is_known(self) -> bool:
        """Whether it is known well enough to be drawn."""
        return self.estimated_error < UNKNOWN_ERROR

    @property
    def is_empty(self) -> bool:
        """Whether it shows no evidence for the class: two such maps, or one and another, cannot be compared."""
        return not self.values.any()

    def resized(self, height: int, width: int) -> FloatArray:
        """Return the map enlarged bilinearly to (height, width), float32 in [0, 1], as pytorch-grad-cam does it."""
        return scaled(np.asarray(cv2.resize(self.values, (width, height)), dtype=np.float32))


def scaled(values: npt.NDArray[np.floating]) -> FloatArray:
    """Return values scaled to [0, 1] by their own minimum and maximum; constant ones become 0."""
    low = values.min()
    return np.asarray((values - low) / (1e-7 + (values.max() - low)), dtype=np.float32)
