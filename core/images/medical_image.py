"""An opened image: its pixels as the file means them, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[Any]
WindowFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]

TAIL_PERCENT = 0.1  # share of pixels cut off at either end where the file names no window
# a picture is grey where four pixels in five have less than this difference between channels, of 255: prints of
# radiographs in articles carry a tint and coloured arrows, while stained tissue is coloured nearly everywhere
GREY_CHROMA, GREY_PERCENT = 32, 80
SAMPLE = 1 << 20  # pixels from which percentiles are computed


@dataclass(frozen=True)
class Window:
    """A value-of-interest window of a DICOM file (PS3.3 C.11.2).

    Attributes:
        centre: window centre, in units of the pixels.
        width: window width, in units of the pixels.
        function: how values between the window's ends become brightness.
    """

    centre: float
    width: float
    function: WindowFunction = "LINEAR"

    def ends(self) -> tuple[float, float]:
        """Return the values shown black and white (for a sigmoid, those of its tangent in the centre)."""
        if self.function == "LINEAR":
            half = max(self.width - 1, 0.0) / 2
            return self.centre - 0.5 - half, self.centre - 0.5 + half
        return self.centre - self.width / 2, self.centre + self.width / 2


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A value-of-interest look-up table of a DICOM file (PS3.3 C.11.2.1.1).

    Attributes:
        first: the pixel value that the first entry stands for; lower values take the first entry, higher ones the last.
        brightness: the entries, float32 in [0, 1].
    """

    first: int
    brightness: FloatArray


@dataclass(frozen=True)
class PatientIdentity:
    """Who the image is of; read only when asked for."""

    name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    accession: str = ""


@dataclass(frozen=True, eq=False)
class MedicalImage:
    """An opened image.

    Attributes:
        pixels: shape (H, W), or (H, W, 3) RGB; any number type. Values are the file's own after its rescale slope or
            modality look-up table (e.g. Hounsfield units); 16 bits and floats are kept.
        path: where it came from.
        format: ``PNG``, ``JPEG``, ``JPEG 2000``, ``JPEG XL``, ``WebP``, ``TIFF``, ``BMP`` or ``DICOM``.
        digest: SHA-256 of the file, hexadecimal.
        bits: bits stored per sample.
        inverted: whether low values are bright (MONOCHROME1, WhiteIsZero).
        window: the file's own window, if it has one.
        windows: all windows of the file, the first of them ``window``, each with the file's name for it or an empty
            string.
        lookup: the file's own look-up table for display, which takes precedence over the window, if it has one.
        padding: shape (H, W), true where the file states that there is no image, or None.
        spacing: distance of pixel centres in mm, (row, column), where the file states it.
        spacing_at_detector: whether that is the distance at the detector, where everything is larger than in the
            patient: the file states no other one (PS3.3 10.7.1.3).
        pixel_aspect: height of a pixel over its width; 1.0 is square.
        modality: DICOM modality such as ``CR``, or an empty string.
        directions: where in the patient the last column and the last row lie, in DICOM's letters (PS3.3 C.7.6.1.1.1:
            A, P, R, L, H, F), e.g. ``("L", "F")``; None where the file does not state it.
        frame: which frame of the file this is, the first being 0.
        frames: how many frames the file has.
        study: the study's date, part of the body, view and side, as far as the file states them.
        notices: notices for the user on how the file was opened.
        identity: the patient's identity where it was asked for, else None.
    """

    pixels: Pixels
    path: Path
    format: str
    digest: str
    bits: int
    inverted: bool = False
    window: Window | None = None
    windows: tuple[tuple[str, Window], ...] = ()
    lookup: LookupTable | None = None
    padding: npt.NDArray[np.bool_] | None = None
    spacing: tuple[float, float] | None = None
    spacing_at_detector: bool = False
    pixel_aspect: float = 1.0
    modality: str = ""
    directions: tuple[str, str] | None = None
    frame: int = 0
    frames: int = 1
    study: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    identity: PatientIdentity | None = field(default=None, repr=False)

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from other images: the file's digest and the frame."""
        return self.digest, self.frame

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.pixels.shape[1])

    @property
    def is_grey(self) -> bool:
        """Whether this is a picture in shades of grey: one channel, or three with hardly a colour."""
        if self.pixels.ndim == 2:
            return True
        step = max(1, int(np.sqrt(self.height * self.width / SAMPLE)))
        with np.errstate(over="ignore", invalid="ignore"):
            seen = self.pixels[::step, ::step].astype(np.float64) * (255 / self._full_range()[1])
        seen = np.nan_to_num(seen, posinf=255, neginf=0)
        chroma = seen.max(axis=2) - seen.min(axis=2)
        return bool(np.percentile(chroma, GREY_PERCENT) <= GREY_CHROMA)

    def display_window(self) -> tuple[float, float]:
        """Return the pixel values shown at either end of the scale of grey, (low, high), low < high.

        They are the file's window where it has one, the full range for 8 bits and for colour, else the range that
        leaves out ``TAIL_PERCENT`` of the pixels at either end.
        """
        if self.window is not None:
            low, high = self.window.ends()
        elif self.lookup is not None:
            low, high = self.lookup.first, self.lookup.first + len(self.lookup.brightness) - 1
        elif self.bits <= 8 or self.pixels.ndim == 3:
            low, high = self._full_range()
        else:
            low, high = self.tail_window()
        return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)

    def tail_window(self) -> tuple[float, float]:
        """Return the range of pixel values less ``TAIL_PERCENT`` of the pixels at either end."""
        return self._tails

    @cached_property
    def _tails(self) -> tuple[float, float]:
        step = max(1, int(np.sqrt(self.height * self.width / SAMPLE)))
        seen = self.pixels[::step, ::step]
        if self.padding is not None and not self.padding[::step, ::step].all():
            seen = seen[~self.padding[::step, ::step]]
        seen = seen[np.isfinite(seen)] if seen.dtype.kind == "f" else seen
        if seen.size == 0:
            return 0.0, 1.0
        low, high = np.percentile(seen, [TAIL_PERCENT, 100 - TAIL_PERCENT])
        return float(low), float(high)

    def displayed(self, window: tuple[float, float] | None = None) -> FloatArray:
        """Return the brightness of each pixel, float32 in [0, 1]: (H, W), or (H, W, 3) RGB.

        Args:
            window: pixel values (low, high) to spread over the scale; by default what the file states
                (look-up table, window function), else :meth:`display_window`.
        """
        if window is None and self.lookup is not None:
            index = np.clip(np.rint(self.pixels) - self.lookup.first, 0, len(self.lookup.brightness) - 1)
            shown = self.lookup.brightness[index.astype(np.intp)]
        elif window is None and self.window is not None and self.window.function == "SIGMOID":
            shown = _sigmoid(self.pixels.astype(_precision(self.pixels)), self.window)
        else:
            low, high = window if window is not None else self.display_window()
            shown = self.pixels.astype(_precision(self.pixels))
            number = shown.dtype.type
            with np.errstate(over="ignore", invalid="ignore"):  # a file may hold any number, also infinite ones
                np.subtract(shown, number(low), out=shown)
                np.multiply(shown, number(1 / (high - low)), out=shown)
            np.clip(np.nan_to_num(shown, copy=False, posinf=1.0, neginf=0.0), 0.0, 1.0, out=shown)
        if self.inverted:
            shown = 1 - shown
        if self.padding is not None:
            shown[self.padding] = 0
        return np.asarray(shown, dtype=np.float32)

    def square_pixels(self, picture: FloatArray) -> FloatArray:
        """Return a picture of this image (H, W[, …]) with its rows or columns stretched so that pixels are square."""
        if abs(self.pixel_aspect - 1) < 0.01:
            return picture
        height, width = picture.shape[:2]
        if self.pixel_aspect > 1:
            height = round(height * self.pixel_aspect)
        else:
            width = round(width / self.pixel_aspect)
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def _full_range(self) -> tuple[float, float]:
        if self.pixels.dtype.kind == "u":
            return 0.0, float(2**self.bits - 1)
        if self.pixels.dtype.kind == "i" and self.bits <= 8:
            return -float(2 ** (self.bits - 1)), float(2 ** (self.bits - 1) - 1)
        if self.pixels.dtype.kind == "f" and self.pixels.ndim == 3:
            return 0.0, max(1.0, float(np.nanmax(self.pixels)))
        return self.tail_window()


def _precision(pixels: Pixels) -> type[np.float32 | np.float64]:
    """Return the precision to compute brightness in: single, but for numbers that it may not be able to hold."""
    return np.float64 if pixels.dtype == np.float64 else np.float32


def _sigmoid(values: npt.NDArray[np.float32 | np.float64], window: Window) -> FloatArray:
    exponent = np.clip(-4 * (values - window.centre) / window.width, -80, 80)
    return np.asarray(1 / (1 + np.exp(exponent)), dtype=np.float32)
