"""Where in a picture what lies: its outer border, and where lungs usually are in a chest radiograph."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

BORDER = 0.125  # width of the outer border, as a share of the side
# where lungs usually lie: centre and half axes of two upright ellipses, as (x, y) shares of the side, laid on the mean
# of the validation radiographs
LUNGS = (((0.29, 0.45), (0.17, 0.32)), ((0.71, 0.45), (0.17, 0.32)))


def border(side: int) -> Mask:
    """Return the outer border of a square picture, shape (side, side)."""
    edge = round(BORDER * side)
    mask = np.ones((side, side), bool)
    mask[edge : side - edge, edge : side - edge] = False
    return mask


def usual_lungs(side: int) -> Mask:
    """Return two ellipses where lungs usually lie, shape (side, side): a stand-in where there are no masks."""
    drawn = np.zeros((side, side), np.uint8)
    for centre, axes in LUNGS:
        at, half = ((round(side * x), round(side * y)) for x, y in (centre, axes))
        cv2.ellipse(drawn, at, half, 0, 0, 360, 1, cv2.FILLED)
    return drawn.astype(bool)
