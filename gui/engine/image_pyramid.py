"""The part of an image that is on screen, at the screen's resolution: so that any image is as quick to show.

An image is kept at full size, half, a quarter …; what is asked for is cut out of the smallest that is sharp enough and
then made bright or dark as ``MedicalImage.displayed`` does it. All that takes the time of the
whole image is done when it is made, which the engine's thread does: the window's thread only cuts out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from core.images.medical_image import MedicalImage

BAND = 64  # rows looked up at once: new memory for the whole image's takes longer than looking up
READY = 4096  # pixels along the longer side of the largest copy that is kept as it is shown, too
SMALLEST = 256  # pixels along the longer side below which no smaller copy is made
Window = tuple[float, float] | None
Rectangle = tuple[float, float, float, float]  # left, top, width, height in columns and rows


class ScreenPicture:
    """An image, ready to be shown in parts; one serves all views of it.

    Attributes:
        image: the opened image.
        own_window: pixel values shown at either end of the scale of grey if nobody wants it otherwise.
        full_window: the range of all values.
        tail_window: that without the outermost 0.1 %.
    """

    def __init__(self, image: MedicalImage) -> None:
        self.image = image
        self.own_window = image.display_window()
        self.full_window, self.tail_window = full_range(image), tails(image)
        pixels = image.pixels
        if pixels.dtype not in (np.uint8, np.uint16, np.int16):
            pixels = np.nan_to_num(pixels.astype(np.float32), copy=False)
        self._levels: list[npt.NDArray[Any]] = [np.ascontiguousarray(pixels)]
        while max(image.height, image.width) / 2 ** len(self._levels) >= SMALLEST:
            last = self._levels[-1]
            size = (-(-last.shape[1] // 2), -(-last.shape[0] // 2))
            self._levels.append(cv2.resize(last, size, interpolation=cv2.INTER_AREA))
        self._table_for: object = None  # window and whether inverted, of the table
        self._table: npt.NDArray[np.uint8] | None = None
        self._last: tuple[object, npt.NDArray[np.uint8]] | None = None
        self._as_in_file = [
            self._brightness(level, self._padding(2**i), None, inverted=False) if max(level.shape) <= READY else None
            for i, level in enumerate(self._levels)
        ]

    def part(
        self, wanted: Rectangle, screen_pixels: float, window: Window, inverted: bool = False
    ) -> tuple[npt.NDArray[np.uint8], Rectangle]:
        """Return what is shown of a part of the image.

        Args:
            wanted: the part, in columns and rows of the image; it may reach beyond it.
            screen_pixels: how many pixels of the screen a pixel of the image takes.
            window: pixel values (low, high) shown black and white, or None for the image's own way.
            inverted: whether bright is shown dark; where there is no image it stays black.

        Returns:
            Brightness, uint8 of shape (h, w) or (h, w, 3), and the part that it covers, which is at least the one
            that was wanted as far as the image goes.
        """
        step = 1
        while screen_pixels * step * 2 <= 1 and step < 2 ** (len(self._levels) - 1):
            step *= 2  # there is still a pixel for each of the screen's
        level = self._levels[step.bit_length() - 1]
        left, top = max(0, int(wanted[0] / step) - 1), max(0, int(wanted[1] / step) - 1)
        right = min(level.shape[1], int((wanted[0] + wanted[2]) / step) + 2)
        bottom = min(level.shape[0], int((wanted[1] + wanted[3]) / step) + 2)
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        left, top = min(left, right - 1, level.shape[1] - 1), min(top, bottom - 1, level.shape[0] - 1)
        # the last row or column of a smaller copy may stand for less than a step
        across, down = self.image.width / level.shape[1], self.image.height / level.shape[0]
        covered = (left * across, top * down, (right - left) * across, (bottom - top) * down)
        ready = self._as_in_file[step.bit_length() - 1]
        if ready is not None and window is None and not inverted:
            return ready[top:bottom, left:right], covered
        asked = (step, left, top, right, bottom, window, inverted)
        if self._last is None or self._last[0] != asked:  # the other view most often asks for the same
            padding = self._padding(step)
            if padding is not None:
                padding = padding[top:bottom, left:right]
            self._last = asked, self._brightness(level[top:bottom, left:right], padding, window, inverted)
        return self._last[1], covered

    def _padding(self, step: int) -> npt.NDArray[np.bool_] | None:
        return None if self.image.padding is None else self.image.padding[::step, ::step]

    def _is_sigmoid(self) -> bool:
        return self.image.window is not None and self.image.window.function == "SIGMOID"

    def _brightness(
        self, values: npt.NDArray[Any], padding: npt.NDArray[np.bool_] | None, window: Window, inverted: bool
    ) -> npt.NDArray[np.uint8]:
        if window is None and self.image.lookup is None and not self._is_sigmoid():
            window = self.own_window  # what is shown below has other percentiles than the whole image
        image = replace(self.image, inverted=self.image.inverted != inverted)
        if values.dtype == np.float32:
            return _bytes(replace(image, pixels=values, padding=padding).displayed(window))
        if self._table is None or self._table_for != (window, inverted):
            limits = np.iinfo(values.dtype)
            ramp = np.arange(limits.min, limits.max + 1, dtype=np.int32).astype(values.dtype)[None, :]
            shown = replace(image, pixels=ramp, padding=None).displayed(window)[0]
            # a table that starts at the value 0, so that negative values find their place from its end
            self._table, self._table_for = np.roll(_bytes(shown), limits.min), (window, inverted)
        shown_bytes = np.empty(values.shape, np.uint8)
        for top in range(0, len(values), BAND):
            shown_bytes[top : top + BAND] = self._table.take(values[top : top + BAND].view(f"u{values.itemsize}"))
        if padding is not None:
            shown_bytes[padding] = 0
        return shown_bytes


def full_range(image: MedicalImage) -> tuple[float, float]:
    """Return the lowest and the highest value of an image, (low, high), low < high."""
    pixels = image.pixels
    if image.padding is not None and not image.padding.all():
        pixels = pixels[~image.padding]
    if pixels.dtype.kind == "f":
        pixels = pixels[np.isfinite(pixels)]
    return _apart(float(pixels.min()), float(pixels.max())) if pixels.size else (0.0, 1.0)


def tails(image: MedicalImage) -> tuple[float, float]:
    """Return the values between which all but 0.1 % of the pixels at either end lie, (low, high), low < high."""
    return _apart(*image.tail_window())


def _apart(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low, low + 1)


def _bytes(brightness: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.rint(brightness * 255).astype(np.uint8)
