"""What decoders of files without a DICOM header return, and the steps that they share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.images.medical_image import Pixels


class Decoded(NamedTuple):
    """A decoded picture, not yet turned upright.

    Attributes:
        pixels: shape (H, W), or (H, W, 3) RGB; any number type.
        bits: bits per sample that are used.
        inverted: whether low values are bright.
        aspect: height of a pixel over its width, before it is turned.
        orientation: 1 to 8, as EXIF and TIFF count them; any other is taken as 1.
        spacing: distance of pixel centres in mm, (row, column), before it is turned; None where it is not stated.
    """

    pixels: Pixels
    bits: int
    inverted: bool = False
    aspect: float = 1.0
    orientation: int = 1
    spacing: tuple[float, float] | None = None


def upright(decoded: Decoded) -> Decoded:
    """Return a picture turned and mirrored as its orientation asks (EXIF 2.32, tag 274)."""
    pixels, orientation, aspect, spacing = decoded.pixels, decoded.orientation, decoded.aspect, decoded.spacing
    if orientation in (5, 6, 7, 8):
        pixels, aspect = pixels.swapaxes(0, 1), 1 / aspect
        spacing = None if spacing is None else spacing[::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return decoded._replace(pixels=np.ascontiguousarray(pixels), aspect=aspect, orientation=1, spacing=spacing)


def used_bits(colours: Pixels, notices: list[str]) -> int:
    """Return how many bits of colours are used: cameras and radiographs of 10 to 14 bits are often stored in 16.

    Args:
        colours: shape (H, W, 3).
        notices: a notice is added here where fewer are used than there are.
    """
    bits = 8 * colours.dtype.itemsize
    if colours.dtype != np.uint16 or not (most := int(colours.max(initial=0))):
        return bits
    if (used := max(8, most.bit_length())) < bits:
        notices.append(f"The picture uses {used} of {bits} bits; white is where these end.")
    return used
