"""What the checks need of an image file, small enough to hold for a whole data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import ImageError
from core.images.preprocessing import LUMA, FloatArray, resize
from core.images.reader import read_image
from training.data.unreadable import Unreadable

THUMBNAIL = 32
HASH_SIZE = 16  # a hash has the signs of 16×16 low frequencies: 256 bits
WORDS = HASH_SIZE * HASH_SIZE // 64
COLOURED = 0.5  # share of coloured images from which on a data set is taken for a coloured one
FLAT = 2.0  # standard deviation, of 255, under which a picture is too uniform to be hashed


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """An image file in brief.

    Attributes:
        sha256: of the file, hexadecimal.
        width: columns.
        height: rows.
        format: ``PNG``, ``JPEG`` …
        grey: whether it has hardly a colour.
        thumbnail: shape (32, 32), uint8, luminance as displayed, each axis averaged by area on its own.
        hashes: shape (8, 4), uint64: the perceptual hash of the picture in its eight flips and quarter turns, as it is
            first; None where the picture is flat.
    """

    sha256: str
    width: int
    height: int
    format: str
    grey: bool
    thumbnail: npt.NDArray[np.uint8]
    hashes: npt.NDArray[np.uint64] | None


def fingerprint(path: Path) -> Fingerprint | Unreadable:
    """Return an image file's fingerprint, or the reason why it can't be read."""
    try:
        image = read_image(path)
        shown = image.displayed()
    except ImageError as error:
        return Unreadable(path, f"{error.problem} {error.remedy}".strip())
    grey = shown @ LUMA if shown.ndim == 3 else shown
    thumbnail = np.rint(255 * resize(grey, THUMBNAIL, THUMBNAIL)).astype(np.uint8)
    return Fingerprint(
        sha256=image.digest,
        width=image.width,
        height=image.height,
        format=image.format,
        grey=image.is_grey,
        thumbnail=thumbnail,
        hashes=_hashes(grey) if thumbnail.std() >= FLAT else None,
    )


def are_coloured(prints: Sequence[Fingerprint | Unreadable]) -> bool:
    """Return whether enough images have colours for the data set to be taken for a coloured one."""
    return float(np.mean([isinstance(found, Fingerprint) and not found.grey for found in prints])) >= COLOURED


def _hashes(grey: FloatArray) -> npt.NDArray[np.uint64]:
    """Return imagehash's phash of a picture in its eight orientations, shape (8, 4)."""
    import imagehash
    from PIL import Image

    size = 4 * HASH_SIZE  # the side that phash itself scales to
    small = np.rint(255 * resize(grey, size, size)).astype(np.uint8)
    turned = [np.rot90(side, turns) for side in (small, cv2.flip(small, 1)) for turns in range(4)]
    bits = [imagehash.phash(Image.fromarray(np.ascontiguousarray(t)), hash_size=HASH_SIZE).hash.ravel() for t in turned]
    return np.packbits(np.array(bits), axis=1).view(np.uint64)
