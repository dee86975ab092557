"""What audit and novelty benchmark do to a picture: parts hidden, text and markers erased, the look disturbed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.images.preprocessing import LUMA
from core.images.reader import read_image
from training.data.regions import Mask

FloatArray = npt.NDArray[np.float32]

SIDE = 224  # pixels of a picture's side
MARKER_ZONE = 0.2  # markers lie this near to an edge, as a share of the side
MARKER_SIDE = 13  # pixels: what is wider and higher is no stroke of a letter
MARKER_CONTRAST = 0.25  # how much brighter than its surroundings
MARKER_AREA = (6, 500)  # pixels of one
MARKER_EXTENT = (60, 24)  # its most columns and rows
BURNT_IN = ("PORTABLE", "AP 12:30")  # what a viewer writes into a picture that is saved from it


@dataclass(frozen=True)
class Disturbance:
    """A change of the whole picture that may be weak or strong.

    Attributes:
        name: in a word.
        unit: of its strengths.
        strengths: from weak to strong; the first leaves the picture as it is and is not applied.
        apply: takes a picture of ``SIDE``² pixels in [0, 1] and a strength.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[FloatArray, float], FloatArray]


def disturbances(*, colour: bool) -> tuple[Disturbance, ...]:
    """Return the disturbances for histology (``colour``) or for radiographs, those of viewers among them."""
    both = (
        Disturbance("JPEG", "quality", (100, 50, 20, 10, 5), _jpeg),
        Disturbance("gamma", "exponent", (1, 0.5, 0.7, 1.4, 2), lambda picture, g: picture ** np.float32(g)),
        Disturbance("blur", "pixels, standard deviation", (0, 1, 2, 3, 5), _blur),
        Disturbance("rotation", "degrees", (0, 5, 10, 15, 30), _rotate),
        Disturbance("burnt-in text", "height of the letters, share of the side", (0, 0.04, 0.06, 0.08, 0.1), _burn_in),
    )
    if colour:
        return (*both, Disturbance("saturation", "share of the colour left", (1, 0.75, 0.5, 0.25, 0), _saturate))
    return (
        *both,
        Disturbance("corners erased", "share of the side", (0, 0.1, 0.15, 0.2, 0.25), _corners),
        Disturbance("narrower window", "width, share of the range", (1, 0.9, 0.8, 0.65, 0.5), _window),
        Disturbance("inverted", "0: as it is, 1: black is white", (0, 1), lambda picture, _on: 1 - picture),
    )


def hide(picture: FloatArray, mask: Mask) -> FloatArray:
    """Return a picture with what the mask covers replaced by the picture's mean brightness or colour."""
    found = picture.copy()
    found[mask] = picture.mean(axis=(0, 1))
    return found


def markers(picture: FloatArray) -> Mask:
    """Return where a radiograph seems to bear text or a side marker, shape (SIDE, SIDE).

    Found are small parts near the edges that are much brighter than their surroundings (a white top-hat), and a rim of
    two pixels around each. A letter on bright tissue is missed; a bright line of bone or a wire near the edge may be
    taken for one.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (MARKER_SIDE, MARKER_SIDE))
    stands_out = cv2.morphologyEx(picture, cv2.MORPH_TOPHAT, kernel) > MARKER_CONTRAST
    # letters of a word, a few pixels apart, are one part
    joined = cv2.morphologyEx(stands_out.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 5), np.uint8))
    count, parts, facts, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = np.zeros((SIDE, SIDE), np.uint8)
    for i in range(1, count):
        width, height, area = facts[i, cv2.CC_STAT_WIDTH], facts[i, cv2.CC_STAT_HEIGHT], facts[i, cv2.CC_STAT_AREA]
        near = min(*centres[i], *(SIDE - 1 - centres[i])) < MARKER_ZONE * SIDE
        small = width <= MARKER_EXTENT[0] and height <= MARKER_EXTENT[1]
        if near and small and MARKER_AREA[0] <= area <= MARKER_AREA[1]:
            found[parts == i] = 1
    return cv2.dilate(found, np.ones((5, 5), np.uint8)).astype(bool)


def without_markers(picture: FloatArray, *, mirrored: bool = False) -> FloatArray:
    """Return a radiograph with what :func:`markers` finds painted over from its surroundings (Telea 2004).

    Args:
        picture: shape (SIDE, SIDE), in [0, 1].
        mirrored: paint over the same places of the other side instead, which shows the effect of painting itself.
    """
    mask = markers(picture)
    if mirrored:
        mask = mask[:, ::-1] & ~mask
    if not mask.any():
        return picture
    painted = cv2.inpaint(np.rint(255 * picture).astype(np.uint8), mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    found = picture.copy()
    found[mask] = painted[mask].astype(np.float32) / np.float32(255)
    return found


def read_sized(path: Path, *, colour: bool) -> FloatArray:
    """Return an image of ``SIDE``² pixels, float32 in [0, 1], in colour or grey whatever it is stored as.

    Raises:
        ImageError: if it can't be read.
    """
    picture = sized(read_image(path).displayed())
    if colour == (picture.ndim == 3):
        return picture
    return np.repeat(picture[:, :, None], 3, axis=2) if colour else picture @ LUMA


def sized(picture: FloatArray) -> FloatArray:
    """Return a picture of ``SIDE``² pixels, float32 in [0, 1]."""
    resized = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)


def _jpeg(picture: FloatArray, quality: float) -> FloatArray:
    _, data = cv2.imencode(".jpg", np.rint(255 * picture).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    flag = cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR
    return np.asarray(cv2.imdecode(data, flag), dtype=np.float32) / np.float32(255)


def _blur(picture: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _rotate(picture: FloatArray, degrees: float) -> FloatArray:
    turn = cv2.getRotationMatrix2D((SIDE / 2 - 0.5, SIDE / 2 - 0.5), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _corners(picture: FloatArray, share: float) -> FloatArray:
    edge = round(share * SIDE)
    ends = np.zeros(SIDE, bool)
    ends[:edge] = ends[SIDE - edge :] = True
    return hide(picture, ends[:, None] & ends[None])


def _window(picture: FloatArray, width: float) -> FloatArray:
    """Return a picture as a viewer shows it with a narrower window around the middle of the range; ends are clipped."""
    return np.asarray(np.clip((picture - (1 - width) / 2) / width, 0, 1), np.float32)


def _burn_in(picture: FloatArray, height: float) -> FloatArray:
    """Return a picture with two lines of white letters in its upper left corner."""
    side, font = round(height * SIDE), cv2.FONT_HERSHEY_SIMPLEX
    thickness = max(1, round(side / 8))
    scale = cv2.getFontScaleFromHeight(font, side, thickness)
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    for i, text in enumerate(BURNT_IN, start=1):
        cv2.putText(drawn, text, (6, 6 + i * round(1.6 * side)), font, scale, 255, thickness, cv2.LINE_AA)
    letters = np.float32(1 / 255) * drawn
    return np.asarray(np.maximum(picture, letters if picture.ndim == 2 else letters[:, :, None]), np.float32)


def _saturate(picture: FloatArray, share: float) -> FloatArray:
    if picture.ndim == 2:
        return picture
    grey = (picture @ LUMA)[:, :, None]
    return np.asarray(grey + np.float32(share) * (picture - grey), np.float32)
