"""Disturbances of images: turned, cut, blurred, badly exposed. The novelty gate is fitted to reject them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from core.images.preprocessing import LUMA

Picture = npt.NDArray[np.float32]  # (H, W) or (H, W, 3), float32 in [0, 1]

BLUR = 6  # standard deviation in pixels at a width of 224; ribs are no longer visible


def grey(picture: Picture) -> Picture:
    """Return an image in grey, with the same number of channels."""
    if picture.ndim == 2:
        return picture
    return np.repeat((picture @ LUMA)[:, :, None], 3, axis=2)


def part(rows: tuple[float, float] = (0, 1), columns: tuple[float, float] = (0, 1)) -> Callable[[Picture], Picture]:
    """Return a function that crops an image to shares of its rows and columns; preprocessing resizes the rest."""

    def cut(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        top, bottom = (round(share * height) for share in rows)
        left, right = (round(share * width) for share in columns)
        return np.ascontiguousarray(picture[top:bottom, left:right])

    return cut


def half_padded(picture: Picture) -> Picture:
    """Return an image whose right half is black."""
    found = picture.copy()
    found[:, picture.shape[1] // 2 :] = 0
    return found


def blurred_by(pixels: float) -> Callable[[Picture], Picture]:
    """Return a function that blurs an image by a standard deviation in pixels at a width of 224."""

    def blur(picture: Picture) -> Picture:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), pixels / 224 * picture.shape[1]), dtype=np.float32)

    return blur


# of layout and of sharpness
DISTURBANCES: dict[str, Callable[[Picture], Picture]] = {
    "inverted": lambda picture: 1 - picture,
    "rotated by 90°": lambda picture: np.ascontiguousarray(np.rot90(picture)),
    "rotated by 270°": lambda picture: np.ascontiguousarray(np.rot90(picture, 3)),
    "upside down": lambda picture: np.ascontiguousarray(picture[::-1, ::-1]),
    "left half only": part(columns=(0, 0.5)),
    "right half only": part(columns=(0.5, 1)),
    "upper half only": part(rows=(0, 0.5)),
    "lower half only": part(rows=(0.5, 1)),
    "left half, the rest black": half_padded,
    "mirrored top to bottom": lambda picture: np.ascontiguousarray(picture[::-1]),
    "upper 60 % only": part(rows=(0, 0.6)),
    "middle quarter only": part(rows=(0.25, 0.75), columns=(0.25, 0.75)),
    "upper left quarter only": part(rows=(0, 0.5), columns=(0, 0.5)),
    "blurred": blurred_by(BLUR),
    "turned grey": grey,
}


def scaled(factor: float, offset: float = 0.0) -> Callable[[Picture], Picture]:
    """Return a function that scales brightness, adds an offset and clips to [0, 1]."""
    return lambda picture: np.clip(picture * np.float32(factor) + np.float32(offset), 0, 1)


def gamma(power: float) -> Callable[[Picture], Picture]:
    """Return a function that raises brightness to a power: above 1 darkens, below brightens."""
    return lambda picture: np.asarray(picture ** np.float32(power), dtype=np.float32)


def wrapped(factor: float, offset: float = 0.0) -> Callable[[Picture], Picture]:
    """Return a function that scales brightness modulo 1, as lost high bits or a wrong sign do."""
    return lambda picture: np.asarray((picture * np.float32(factor) + np.float32(offset)) % 1, dtype=np.float32)


def banded(levels: int) -> Callable[[Picture], Picture]:
    """Return a function that quantises brightness to a number of levels."""
    return lambda picture: np.asarray(
        np.floor(np.minimum(picture * levels, levels - 1)) / (levels - 1), dtype=np.float32
    )


def blanked(picture: Picture) -> Picture:
    """Return a blank image of the mean colour."""
    return np.broadcast_to(picture.mean(axis=(0, 1), keepdims=True), picture.shape).astype(np.float32)


# wrong exposure, contrast and sharpness
EXPOSURES: dict[str, Callable[[Picture], Picture]] = {
    "at a quarter of its brightness": scaled(0.25),
    "at 30 % of its brightness": scaled(0.3),
    "at 40 % of its brightness": scaled(0.4),
    "at half its brightness": scaled(0.5),
    "darkened by gamma 2.5": gamma(2.5),
    "at twice its brightness": scaled(2),
    "brightened by gamma 0.4": gamma(0.4),
    "lifted by 0.4": scaled(0.6, 0.4),
    "lifted to half": scaled(0.5, 0.5),
    "washed out": scaled(0.25, 0.75),
    "clipped at both ends": scaled(1 / 0.3, -0.35 / 0.3),
    "clipped above": scaled(2.5, -0.25),
    "clipped below": scaled(2, -1),
    "wrapped twice": wrapped(2),
    "wrapped four times": wrapped(4),
    "wrapped by its sign": wrapped(1, 0.5),
    "in 16 bands": banded(16),
    "in 8 bands": banded(8),
    "in 4 bands": banded(4),
    "at half its contrast": scaled(0.5, 0.25),
    "at 30 % of its contrast": scaled(0.3, 0.35),
    "slightly out of focus": blurred_by(2),
    "out of focus": blurred_by(4),
    "far out of focus": blurred_by(8),
    "blank": blanked,
}
