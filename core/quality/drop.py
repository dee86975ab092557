"""Average drop and increase: the probability of a class on what the map leaves of the image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def explained_input(image: FloatArray, values: FloatArray) -> FloatArray:
    """Return the normalised input (1, 3, H, W) multiplied by its map of shape (H, W), which lies in [0, 1]."""
    return np.asarray(image * values, dtype=np.float32)


def drop(full: float, explained: float) -> float:
    """Return max(0, Y - O) / Y, in [0, 1]; lower is better (Chattopadhyay et al. 2018, equation 9, for one image).

    Args:
        full: Y, the probability of the class on the full image, above 0.
        explained: O, the same on the image multiplied by its map.
    """
    return max(0.0, full - explained) / full


def increase(full: float, explained: float) -> float:
    """Return 1 where O > Y, else 0; higher is better (Chattopadhyay et al. 2018, section 3.2.2, for one image)."""
    return float(explained > full)
