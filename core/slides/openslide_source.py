"""Slides of scanners' formats and DICOM whole slides, decoded by OpenSlide."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from core.errors import ImageError
from core.slides.slide import Rgb

DAMAGED = "Get the file again from where it came from, with all files that belong to it."
WHITE = (255, 255, 255)


class OpenSlideSource:
    """A :class:`core.slides.slide.Source`; colours are converted from the slide's own profile to sRGB.

    Args:
        path: the file; of a DICOM slide any of its files.
        name: its format in words.

    Raises:
        ImageError: if it is damaged, incomplete or of a kind that OpenSlide can't read.
    """

    def __init__(self, path: Path, name: str) -> None:
        import openslide

        self._path = path
        try:
            self._slide = openslide.OpenSlide(path)
        except (openslide.OpenSlideError, OSError) as cause:
            raise ImageError(f"The slide can't be opened ({cause}).", path=path, remedy=DAMAGED) from cause
        properties = self._slide.properties
        self.format = name
        self.sizes = tuple(self._slide.level_dimensions)
        across, down, objective = (
            _positive(properties.get(key))
            for key in (
                openslide.PROPERTY_NAME_MPP_X, openslide.PROPERTY_NAME_MPP_Y, openslide.PROPERTY_NAME_OBJECTIVE_POWER,
            )
        )  # fmt: skip
        self.mpp = (across, down) if across and down else None
        self.objective = objective
        self._background = _colour(properties.get(openslide.PROPERTY_NAME_BACKGROUND_COLOR))
        self._to_srgb = self._colour_transform()

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Rgb:
        """Return a part of a level."""
        import openslide

        across = self.sizes[0][0] / self.sizes[level][0]
        down = self.sizes[0][1] / self.sizes[level][1]
        try:
            found = self._slide.read_region((round(x * across), round(y * down)), level, (width, height))
        except (openslide.OpenSlideError, OSError) as cause:
            raise ImageError(f"A part of the slide is damaged ({cause}).", path=self._path, remedy=DAMAGED) from cause
        flat = Image.new("RGB", found.size, self._background)
        flat.paste(found, mask=found.getchannel("A"))
        if self._to_srgb is not None:
            ImageCms.applyTransform(flat, self._to_srgb, inPlace=True)
        return np.array(flat)

    def close(self) -> None:
        """Close the file."""
        self._slide.close()

    def _colour_transform(self) -> ImageCms.ImageCmsTransform | None:
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            profile = self._slide.color_profile
            if profile is not None:
                return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
        return None


def _positive(text: str | None) -> float | None:
    with suppress(TypeError, ValueError):
        value = float(text or "")
        return value if 0 < value < 1e6 else None
    return None


def _colour(text: str | None) -> tuple[int, int, int]:
    """Return the colour that a slide states for what was not scanned, as RRGGBB; white where it states none."""
    with suppress(TypeError, ValueError):
        red, green, blue = bytes.fromhex(text or "")
        return red, green, blue
    return WHITE
