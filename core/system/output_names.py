"""How the pictures, maps and DICOM results that Twinlens writes are called, and how they are known when met again."""

from __future__ import annotations

import re
from pathlib import Path

from core.names import readable, shortened

SIDES = ("teacher", "student")
RECORD = ".json"  # ends the name of the record that lies beside an image's pictures
STEM_BYTES = 80  # of the image's own name

_PICTURE = re.compile(r"(\d{4,}(?:-.+)?)-(?:teacher|student)(?:-legend)?\.(?:png|tiff)")
_DICOM = re.compile(r"[0-9a-f]{12}-(?:report|(?:teacher|student)-(?:overlay|map))\.dcm")


def picture_stem(number: int, image: Path | None) -> str:
    """Return what the names of an image's pictures, maps and record begin with.

    Args:
        number: the image's place in the batch, from 1.
        image: the image, None where its name is hidden.
    """
    if image is None:
        return f"{number:04d}"
    word = shortened(re.sub(r"[^\w.-]+", "_", readable(image.stem)), STEM_BYTES).strip("._-") or "image"
    return f"{number:04d}-{word}"


def dicom_name(digest: str, kind: str) -> str:
    """Return the name of a DICOM result.

    Args:
        digest: SHA-256 of the image.
        kind: ``report``, or ``overlay`` or ``map`` with the side before it, e.g. ``teacher-map``.
    """
    return f"{digest[:12]}-{kind}.dcm"


def is_own_output(path: Path) -> bool:
    """Return whether a file is a picture, map or DICOM result of an earlier comparison, by its name and its record."""
    picture = _PICTURE.fullmatch(path.name)
    if picture is not None:
        return path.with_name(picture[1] + RECORD).is_file()
    return _DICOM.fullmatch(path.name) is not None
