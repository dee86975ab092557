"""The pictures of a report: the image as it is shown, with and without heat map, and the scales beside it, as JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.explain.heatmap import FloatArray, HeatMap
from core.explain.rendering import ColourMap, blended, colour_bar, coloured
from core.images.medical_image import MedicalImage
from core.images.preprocessing import resize

COLOUR_MAP: ColourMap = "inferno"
OPACITY = 0.6
LONGEST = 560  # pixels of a picture's longer side: 230 a printed inch
QUALITY = 82

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """The three pictures of one image, as JPEG files, all of one height and width.

    Attributes:
        image: the image alone.
        teacher: with the teacher's heat map laid over, None without a map.
        student: with the student's.
        aspect: height over width.
    """

    image: bytes
    teacher: bytes | None
    student: bytes | None
    aspect: float


def shown(image: MedicalImage, window: tuple[float, float] | None, longest: int) -> FloatArray:
    """Return the image as it is shown, with square pixels, its longer side at most ``longest`` pixels, in [0, 1]."""
    height, width = image.height * max(1.0, image.pixel_aspect), image.width / min(1.0, image.pixel_aspect)
    shrink = min(1.0, longest / max(height, width))
    picture = resize(image.displayed(window), max(1, round(height * shrink)), max(1, round(width * shrink)))
    return np.clip(picture, 0, 1)


def overlay(picture: FloatArray, heat_map: HeatMap) -> Bytes:
    """Return a picture with a heat map laid over, RGB of the picture's height and width."""
    return blended(picture, coloured(heat_map.resized(*picture.shape[:2]), COLOUR_MAP, OPACITY))


def pictures(
    image: MedicalImage, teacher: HeatMap | None, student: HeatMap | None, window: tuple[float, float] | None = None
) -> Pictures:
    """Return the pictures of one image for a report.

    Args:
        image: the opened image.
        teacher: the teacher's map, if there is one.
        student: the student's.
        window: the pixel values spread over the scale of grey; by default as the file states.
    """
    picture = shown(image, window, LONGEST)
    return Pictures(
        image=_jpeg(np.rint(picture * 255).astype(np.uint8)),
        teacher=None if teacher is None else _jpeg(overlay(picture, teacher)),
        student=None if student is None else _jpeg(overlay(picture, student)),
        aspect=picture.shape[0] / picture.shape[1],
    )


def heat_scale() -> Bytes:
    """Return a horizontal colour bar, RGB of shape (4, 256, 3), the highest value on the right."""
    return np.ascontiguousarray(np.rot90(colour_bar(COLOUR_MAP, 256, 4), -1))


def grey_scale(inverted: bool) -> Bytes:
    """Return a horizontal scale of grey, shape (4, 256), the highest value on the right."""
    ramp = np.arange(256, dtype=np.uint8)
    return np.repeat((ramp[::-1] if inverted else ramp)[None], 4, axis=0)


def _jpeg(pixels: Bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()
