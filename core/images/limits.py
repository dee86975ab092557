"""Bounds on what is opened, checked from the header before anything is decoded."""

from __future__ import annotations

from pathlib import Path

from core.errors import ImageError

MAX_PIXELS = 200_000_000
# a few bytes may claim any number of pixels, which then take gigabytes and minutes: so many are accepted
BLANK_PIXELS, MAX_PIXELS_A_BYTE = 16_000_000, 20_000


def check_pixels(height: int, width: int, path: Path) -> None:
    """Reject an image without pixels or with more than ``MAX_PIXELS``.

    Raises:
        ImageError: naming the file and its size.
    """
    if height <= 0 or width <= 0:
        raise ImageError(
            f"The image has no pixels ({width}×{height}).",
            path=path,
            remedy="Get the file again from where it came from.",
        )
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"The image has {height * width / 1e6:.0f} megapixels ({width}×{height}); at most "
            f"{MAX_PIXELS // 10**6} are opened.",
            path=path,
            remedy="Export a smaller image.",
        )


def check_compression(height: int, width: int, size: int, path: Path) -> None:
    """Reject a compressed image whose header claims more pixels than its bytes can hold.

    Args:
        height: rows that the header claims.
        width: columns that the header claims.
        size: compressed bytes.
        path: the file.

    Raises:
        ImageError: naming the file, its bytes and the size that it claims.
    """
    if height * width > BLANK_PIXELS + MAX_PIXELS_A_BYTE * size:
        raise ImageError(
            f"{size} bytes can't hold the {width}×{height} pixels that the header states.",
            path=path,
            remedy="Get the file again from where it came from.",
        )
