"""How heat maps look: colour maps, overlays, contours and the colour bar, as arrays for screen, PDF and files alike."""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from core.explain.similarity import top_share

FloatArray = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

# OpenCV's tables; all but jet are perceptually even, and readable with a colour vision deficiency
ColourMap = Literal["inferno", "viridis", "cividis", "magma", "jet"]
COLOUR_MAPS: tuple[ColourMap, ...] = get_args(ColourMap)
# teacher minus student: teal where the student's map is stronger, indigo where the teacher's is, as in the window
STUDENT_RGB, TEACHER_RGB = (38, 198, 186), (124, 131, 253)
CONTOUR_SHARE = 0.2
CONTOUR_FINENESS = 4  # steps of an outline in a pixel of the map


@cache
def colour_table(name: ColourMap) -> Bytes:
    """Return a colour map as 256 RGB colours, shape (256, 3)."""
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    bgr = cv2.applyColorMap(ramp, getattr(cv2, f"COLORMAP_{name.upper()}"))
    return np.ascontiguousarray(bgr[:, 0, ::-1], dtype=np.uint8)


def coloured(values: FloatArray, name: ColourMap, opacity: float = 0.6, threshold: float = 0.0) -> Bytes:
    """Return a heat map as a transparent layer.

    It is the more transparent the lower the value, so that the anatomy stays readable where there is little evidence.

    Args:
        values: the map, shape (H, W), in [0, 1].
        name: the colour map.
        opacity: opacity of the highest values, in [0, 1].
        threshold: values below it are left out, in [0, 1].

    Returns:
        RGBA, shape (H, W, 4), not premultiplied.
    """
    levels = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    alpha = np.clip(values / 0.5, 0, 1) * opacity * (values >= threshold)
    return _with_alpha(colour_table(name)[levels], alpha)


def difference(teacher: FloatArray, student: FloatArray, opacity: float = 0.8) -> Bytes:
    """Return the teacher's map minus the student's as a transparent layer: indigo above, teal below, clear at zero.

    Args:
        teacher: shape (H, W), in [0, 1].
        student: shape (H, W), in [0, 1].
        opacity: opacity of a difference of one, in [0, 1].

    Returns:
        RGBA, shape (H, W, 4), not premultiplied.
    """
    apart = teacher - student
    rgb = np.where(apart[..., None] >= 0, np.array(TEACHER_RGB, np.uint8), np.array(STUDENT_RGB, np.uint8))
    return _with_alpha(rgb, np.abs(apart) * opacity)


def blended(picture: FloatArray, layer: Bytes) -> Bytes:
    """Lay a transparent layer over an image.

    Args:
        picture: shape (H, W) or (H, W, 3) RGB, in [0, 1].
        layer: RGBA of the same height and width, not premultiplied.

    Returns:
        RGB, shape (H, W, 3).
    """
    base = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
    alpha = layer[..., 3:].astype(np.float32) / 255
    mixed = base * 255 * (1 - alpha) + layer[..., :3] * alpha
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def contours(values: FloatArray, share: float = CONTOUR_SHARE) -> list[FloatArray]:
    """Return the outlines of a map's highest ``share`` of pixels, smooth between them.

    They are lines of equal value, half-way between the lowest value inside and the highest outside.

    Args:
        values: the map, shape (H, W).
        share: share of its pixels inside, in (0, 1).

    Returns:
        Closed polygons, shape (n, 2), columns x and rows y, whole numbers being the middles of pixels; none where the
        map is the same everywhere.
    """
    inside = top_share(values, share)
    if inside.all() or not inside.any():
        return []
    level = (float(values[inside].min()) + float(values[~inside].max())) / 2
    size = (values.shape[1] * CONTOUR_FINENESS, values.shape[0] * CONTOUR_FINENESS)
    mask = (cv2.resize(values, size, interpolation=cv2.INTER_LINEAR) > level).astype(np.uint8)
    found, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    lines = [cv2.approxPolyDP(outline, 1.0, closed=True)[:, 0, :] for outline in found]
    return [((line + 0.5) / CONTOUR_FINENESS - 0.5).astype(np.float32) for line in lines]


def colour_bar(name: ColourMap, height: int, width: int) -> Bytes:
    """Return a vertical colour bar, RGB of shape (height, width, 3), the highest value on top."""
    levels = np.rint(np.linspace(255, 0, height)).astype(np.uint8)
    return np.repeat(colour_table(name)[levels][:, None], width, axis=1)


def _with_alpha(rgb: Bytes, alpha: npt.NDArray[np.floating]) -> Bytes:
    opaque = np.clip(np.rint(alpha * 255), 0, 255).astype(np.uint8)
    return np.dstack([rgb, opaque])
