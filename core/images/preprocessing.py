"""The one transform that training, inference and Score-CAM share; its parameters are in the model's card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.images.exposure import Adjusted, Exposure, adjusted

if TYPE_CHECKING:
    from core.images.medical_image import MedicalImage

FloatArray = npt.NDArray[np.float32]

# Rec. 601 luma, as Pillow's convert("L") and OpenCV's COLOR_RGB2GRAY use
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


class Preprocessing(BaseModel):
    """How an image becomes a network's input.

    Attributes:
        height: input height in pixels.
        width: input width in pixels.
        channels: ``grey`` (luminance repeated three times) or ``rgb``.
        resize: ``squash``: both axes are scaled to the input size, whatever the aspect ratio; by area where an axis
            shrinks, bilinearly where it grows.
        mean: per-channel mean that is subtracted from values in [0, 1].
        std: per-channel standard deviation that they are divided by.
        exposure: usual exposure of the training images, to which images of changed exposure are adjusted. None: no
            adjustment, as in training. For grey images only; in stained tissue the novelty gate detects a changed
            exposure by the colours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    height: int = Field(default=224, ge=32, le=1024)
    width: int = Field(default=224, ge=32, le=1024)
    channels: Literal["grey", "rgb"] = "rgb"
    resize: Literal["squash"] = "squash"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    exposure: Exposure | None = None

    @model_validator(mode="after")
    def _only_grey_is_adjusted(self) -> Self:
        if self.exposure is not None and self.channels != "grey":
            raise ValueError("exposure is adjusted in grey images only")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the input in pixels."""
        return self.height, self.width

    def in_words(self) -> str:
        """Return the transform as one line of text."""
        colour = "grey" if self.channels == "grey" else "RGB"
        mean, std = (" ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        scaled = f"{colour}, both axes scaled to {self.width} × {self.height} pixels, mean {mean}, deviation {std}"
        return scaled if self.exposure is None else f"{scaled}; unusual exposure adjusted to the training images"


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image, preprocessed for a network.

    Attributes:
        batch: the network's input, shape (1, 3, H, W), float32, normalised.
        gate_batch: the novelty gate's input; it differs only where a gamma was corrected.
        brightness: mean brightness of the picture at the network's size, before any adjustment, in [0, 1].
        contrast: standard deviation of the same, in [0, 0.5].
        notice: the notice for the reader if the exposure was adjusted, else an empty string.
    """

    batch: FloatArray
    gate_batch: FloatArray
    brightness: float
    contrast: float
    notice: str = ""


def resize(picture: FloatArray, height: int, width: int) -> FloatArray:
    """Scale a picture of shape (h, w) or (h, w, 3) to (height, width), each axis independently.

    An axis that shrinks is averaged by area, which does not alias; one that grows is interpolated bilinearly.
    """
    for axis, size in ((0, height), (1, width)):
        old = picture.shape[axis]
        if old == size:
            continue
        target = (picture.shape[1], size) if axis == 0 else (size, picture.shape[0])
        how = cv2.INTER_AREA if size < old else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(picture, target, interpolation=how), dtype=np.float32)
    return picture


def to_network_input(picture: FloatArray, how: Preprocessing) -> FloatArray:
    """Return the network's input for a displayed picture; see :func:`prepare_picture`."""
    return prepare_picture(picture, how).batch


def prepare_picture(picture: FloatArray, how: Preprocessing) -> Prepared:
    """Return the inputs of a network and of its novelty gate for a displayed picture.

    Args:
        picture: (H, W) or (H, W, 3) RGB, float32 in [0, 1].
        how: the parameters from the model's card.
    """
    if how.channels == "grey" and picture.ndim == 3:
        picture = picture @ LUMA
    picture = resize(picture, how.height, how.width)
    found = Adjusted(picture, picture) if how.exposure is None else adjusted(picture, how.exposure)
    batch = _normalised(found.picture, how)
    bright = picture @ LUMA if picture.ndim == 3 else picture
    return Prepared(
        batch=batch,
        gate_batch=batch if found.stretched is found.picture else _normalised(found.stretched, how),
        brightness=float(bright.mean()),
        contrast=float(bright.std()),
        notice=found.notice,
    )


def prepare(image: MedicalImage, how: Preprocessing) -> Prepared:
    """Return the inputs of a network and of its novelty gate for an opened image.

    ``MedicalImage.displayed`` applies window, MONOCHROME1 and bit depth, so the network gets the image as it is
    displayed at the file's own window.
    """
    return prepare_picture(image.displayed(), how)


def preprocess(image: MedicalImage, how: Preprocessing) -> FloatArray:
    """Return an opened image's network input, shape (1, 3, H, W), float32; see :func:`prepare`."""
    return prepare(image, how).batch


def _normalised(picture: FloatArray, how: Preprocessing) -> FloatArray:
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    normalised = (picture - np.array(how.mean, np.float32)) / np.array(how.std, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], dtype=np.float32)
