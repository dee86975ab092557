"""How alike two heat maps are."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.floating]


def pearson(a: Map, b: Map) -> float:
    """Return the Pearson correlation of two maps of one shape, in [-1, 1].

    Two constant maps are alike (1); the correlation of a constant one and another is taken as 0.
    """
    x, y = (np.asarray(m, dtype=np.float64).ravel() - np.mean(m, dtype=np.float64) for m in (a, b))
    scale = np.sqrt(x @ x) * np.sqrt(y @ y)
    flat = [float(np.ptp(m)) <= 1e-9 for m in (a, b)]
    if any(flat) or scale == 0:
        return 1.0 if all(flat) else 0.0
    return float(np.clip(x @ y / scale, -1, 1))


def top_share(values: Map, share: float = 0.2) -> npt.NDArray[np.bool_]:
    """Return the mask of a map's highest ``share`` of pixels.

    Exactly round(share · pixels) are taken; of equal values those that come first in reading order.
    """
    count = round(share * values.size)
    order = np.argsort(-values.ravel(), kind="stable")[:count]
    mask = np.zeros(values.size, dtype=np.bool_)
    mask[order] = True
    return mask.reshape(values.shape)


def iou_top(a: Map, b: Map, share: float = 0.2) -> float:
    """Return the intersection over union (Jaccard index) of the top ``share`` of two maps of one shape, in [0, 1]."""
    x, y = top_share(a, share), top_share(b, share)
    union = int((x | y).sum())
    return 1.0 if union == 0 else int((x & y).sum()) / union


def ssim(a: Map, b: Map) -> float:
    """Return the mean structural similarity of two maps of one shape with values in [0, 1], in [-1, 1].

    Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE
    TIP 2004: Gaussian window of 11×11 with standard deviation 1.5, K1 = 0.01, K2 = 0.03, dynamic range 1, population
    variances; borders are reflected.
    """
    c1, c2 = 0.01**2, 0.03**2
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)

    def blurred(m: Map) -> Map:
        return np.asarray(cv2.GaussianBlur(m, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT))

    mx, my = blurred(x), blurred(y)
    vx, vy = blurred(x * x) - mx * mx, blurred(y * y) - my * my
    cxy = blurred(x * y) - mx * my
    found = ((2 * mx * my + c1) * (2 * cxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(found.mean())
