"""Whose report it is: institution, reader and logo, which stand at its head and beside the signature."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ImageError, UsageError
from core.images.limits import check_compression, check_pixels

MOST_BYTES = 5_000_000  # of a logo's file
MOST_PIXELS = 16_000_000
LONGEST = 800  # pixels of its longer side in the report: four times what a page's head shows
REMEDY = "Choose a PNG, JPEG or SVG file of at most 5 MB and 16 megapixels."


@dataclass(frozen=True)
class Letterhead:
    """What a department prints on its reports; a blank line is drawn for what is not known.

    Attributes:
        institution: the name of the department or hospital.
        reader: who reads the images.
        logo: a PNG file without transparency, as :func:`logo_png` returns it, or None.
    """

    institution: str = ""
    reader: str = ""
    logo: bytes | None = field(default=None, repr=False)


NO_LETTERHEAD = Letterhead()


def read_bounded(path: Path) -> bytes:
    """Return the content of a logo's file.

    Raises:
        ImageError: if it can't be read or is larger than ``MOST_BYTES``.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ImageError(f"The file is larger than {MOST_BYTES // 10**6} MB.", path=path, remedy=REMEDY)
        return path.read_bytes()
    except OSError as cause:
        raise ImageError(f"The logo can't be read ({cause.strerror}).", path=path, remedy=REMEDY) from cause


def letterhead(institution: str, reader: str, logo: Path | None) -> Letterhead:
    """Return what stands on reports, with a logo from a PNG or JPEG file.

    Raises:
        UsageError: if the logo can't be read, is too large, damaged or of another kind.
    """
    if logo is not None and logo.suffix.lower() == ".svg":
        raise UsageError("Only the window can draw an SVG logo.", path=logo, remedy="Name a PNG or JPEG file.")
    try:
        png = None if logo is None else logo_png(read_bounded(logo), logo)
    except ImageError as error:
        raise UsageError(error.problem, path=logo, remedy=error.remedy) from error
    return Letterhead(institution.strip(), reader.strip(), png)


def logo_png(data: bytes, path: Path) -> bytes:
    """Return a logo as a PNG file on white, its longer side at most ``LONGEST`` pixels.

    Args:
        data: a PNG or JPEG file.
        path: where it came from.

    Raises:
        ImageError: if it is of another kind or damaged, or its header states more than ``MOST_PIXELS``.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            check_pixels(picture.height, picture.width, path)
            check_compression(picture.height, picture.width, len(data), path)
            if picture.height * picture.width > MOST_PIXELS:
                size = f"{picture.width}×{picture.height}"
                raise ImageError(f"A logo of {size} pixels is too large.", path=path, remedy=REMEDY)
            drawn = picture.convert("RGBA")
    except UnidentifiedImageError as cause:
        raise ImageError("The logo is no picture of a known kind.", path=path, remedy=REMEDY) from cause
    except (OSError, EOFError, SyntaxError, ValueError, Image.DecompressionBombError) as cause:
        raise ImageError("The logo's file is damaged.", path=path, remedy=REMEDY) from cause
    drawn.thumbnail((LONGEST, LONGEST))
    flat = Image.new("RGB", drawn.size, "white")
    flat.paste(drawn, mask=drawn.getchannel("A"))
    file = io.BytesIO()
    flat.save(file, "PNG")
    return file.getvalue()
