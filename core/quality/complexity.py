"""How concentrated a map is. Neither figure says that it is right: a wrong map can be sparse too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def complexity(values: FloatArray) -> float | None:
    """Return the entropy of a map's shares of its sum, in nats, in [0, ln(H·W)] (Bhatt et al. 2020, definition 5).

    A map of one pixel has 0, an even one the most. None for a map that is zero everywhere.
    """
    magnitudes = np.abs(values, dtype=np.float64).ravel()
    total = magnitudes.sum()
    if total == 0:
        return None
    shares = magnitudes[magnitudes > 0] / total
    return float(-(shares * np.log(shares)).sum())


def sparseness(values: FloatArray) -> float | None:
    """Return the Gini index of a map's magnitudes, in [0, 1) (Chalasani et al. 2020, section 5).

    An even map has 0, a map of one pixel nearly 1. None for a map that is zero everywhere.
    """
    magnitudes = np.sort(np.abs(values, dtype=np.float64).ravel())
    count, total = magnitudes.size, magnitudes.sum()
    if total == 0:
        return None
    return float(((2 * np.arange(1, count + 1) - count - 1) * magnitudes).sum() / (count * total))
