"""Tiles as other stains would colour them: the amounts of haematoxylin and eosin, shown in the colours of other dyes.

Colour deconvolution (Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 2001, 23:291): by Lambert and Beer, the
absorbance of a pixel is the sum of the dyes' amounts times their colours. The colours are Ruifrok's and Landini's, as
scikit-image has them. A real stain also marks other structures; this shows its colours alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from core.uncertainty.disturbances import Picture

Dyes = tuple[tuple[float, float, float], tuple[float, float, float]]  # absorbance of red, green and blue

HAEMATOXYLIN, DAB = (0.65, 0.704, 0.286), (0.268, 0.57, 0.776)
HE: Dyes = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11))
STAINS: dict[str, Dyes] = {
    "haematoxylin and DAB": (HAEMATOXYLIN, DAB),
    "haematoxylin and PAS": ((0.644, 0.717, 0.267), (0.175, 0.972, 0.155)),
    "Giemsa": ((0.835, 0.514, 0.196), (0.093, 0.954, 0.283)),
    "trichrome": ((0.8, 0.591, 0.105), (0.1, 0.737, 0.668)),
    "Feulgen and light green": ((0.464, 0.83, 0.308), (0.947, 0.254, 0.197)),
    "methyl green and DAB": ((0.98, 0.144, 0.133), DAB),
}
DARKEST = 1 / 255


def restained(dyes: Dyes) -> Callable[[Picture], Picture]:
    """Return a function that shows an H&E tile (H, W, 3) in the colours of two other dyes; a grey picture stays."""

    def restain(picture: Picture) -> Picture:
        if picture.ndim == 2:
            return picture
        absorbed = -np.log(np.maximum(picture, np.float32(DARKEST)))
        amounts = np.maximum(absorbed @ np.linalg.inv(_basis(HE))[:, :2], 0)
        return np.asarray(np.exp(-amounts @ _basis(dyes)[:2]), dtype=np.float32)

    return restain


def _basis(dyes: Dyes) -> npt.NDArray[np.float64]:
    """Return the colours of two dyes, and what is neither, as unit rows (3, 3)."""
    first, second = np.array(dyes)
    rows = np.stack([first, second, np.cross(first, second)])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))
