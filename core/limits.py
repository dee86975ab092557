"""Bounds on what is opened, checked from the header before anything is decoded."""

from __future__ import annotations

from pathlib import Path

from core.errors import ImageError

MAX_PIXELS = 200_000_000


def check_pixels(height: int, width: int, path: Path) -> None:
    """Refuse an image without pixels or with more than ``MAX_PIXELS``.

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
