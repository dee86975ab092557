"""Whether a map lies where a mask says that the evidence should be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def energy_inside(values: FloatArray, mask: Mask) -> float:
    """Return the share of a map's sum that lies inside a mask of the same shape, in [0, 1].

    The energy-based pointing game of Wang et al. 2020 (Score-CAM, section 4.3), with a mask in place of a box; Quantus
    calls it relevance mass accuracy. A map spread evenly has the mask's share of the image. A map that is zero
    everywhere has no energy inside.
    """
    total = float(values.sum(dtype=np.float64))
    return float(values[mask].sum(dtype=np.float64)) / total if total > 0 else 0.0


def pointing_game(values: FloatArray, mask: Mask) -> float:
    """Return 1 where a highest pixel of a map lies inside a mask of the same shape, else 0.

    Zhang et al. 2018, "Top-down neural attention by excitation backprop", without their tolerance of 15 pixels, as in
    Quantus. A map that is zero everywhere points nowhere: 0.
    """
    highest = values.max()
    return float(highest > 0 and bool(mask[values == highest].any()))
