"""PNG, JPEG, TIFF and BMP files."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from core.errors import ImageError
from core.limits import MAX_PIXELS, check_pixels
from core.medical_image import MedicalImage, Pixels

# Pillow refuses from its header any picture of more than twice this
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
# what they say about damaged files goes nowhere: the ImageError says it
logging.getLogger("PIL").addHandler(logging.NullHandler())
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

DAMAGED = "Get the file again from where it came from."
TIFF_WIDTH, TIFF_HEIGHT, TIFF_BITS, TIFF_SAMPLES, TIFF_FORMAT = 256, 257, 258, 277, 339
TIFF_STRIPS, TIFF_STRIP_BYTES, TIFF_ORIENTATION = 273, 279, 274
EXIF_ORIENTATION = 0x0112


def read_raster(data: bytes, path: Path, digest: str, kind: str) -> MedicalImage:
    """Decode a PNG, JPEG, TIFF or BMP file.

    Raises:
        ImageError: if it is truncated, too large or of a kind that can't be decoded.
    """
    notices: list[str] = []
    try:
        pixels, bits, aspect = _decode(data, path, kind, notices)
    except Image.DecompressionBombError as cause:
        raise ImageError(
            f"The image has more than {MAX_PIXELS // 10**6} megapixels.", path=path, remedy="Export a smaller image."
        ) from cause
    except UnidentifiedImageError as cause:
        raise ImageError(
            f"The {kind} file's header is damaged or of a kind that can't be read.", path=path, remedy=DAMAGED
        ) from cause
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, cv2.error) as cause:
        reason = "truncated" if "truncat" in str(cause).lower() else "damaged"
        raise ImageError(f"The {kind} file is {reason}.", path=path, remedy=DAMAGED) from cause
    if pixels.size == 0:
        raise ImageError("The image has no pixels.", path=path, remedy=DAMAGED)
    return MedicalImage(
        pixels=pixels, path=path, format=kind, digest=digest, bits=bits, pixel_aspect=aspect, notices=tuple(notices)
    )


def _decode(data: bytes, path: Path, kind: str, notices: list[str]) -> tuple[Pixels, int, float]:
    if kind == "TIFF" and (deep := _deep_tiff(data, path)) is not None:
        return deep, _bits(deep), 1.0
    with Image.open(io.BytesIO(data), formats=[kind, "MPO"] if kind == "JPEG" else [kind]) as picture:
        check_pixels(picture.height, picture.width, path)
        pages = getattr(picture, "n_frames", 1)
        if pages > 1 and kind == "PNG":
            raise ImageError(
                f"The file is an animation of {pages} frames.", path=path, remedy="Save one frame as an image."
            )
        if pages > 1:
            notices.append(f"Only the first of the file's {pages} pages is shown.")
        aspect = _aspect(picture)
        turned = picture.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
        if kind == "PNG" and data[24] == 16 and picture.mode not in ("I;16", "I;16B", "I"):
            pixels = _deep_png(data, path, notices)
        else:
            upright = ImageOps.exif_transpose(picture)
            pixels = _array(upright, notices)
    return pixels, 1 if picture.mode == "1" else _bits(pixels), 1 / aspect if turned else aspect


def _array(picture: Image.Image, notices: list[str]) -> Pixels:
    """Return the pixels of a decoded picture as grey or RGB, with the depth that they have."""
    mode = picture.mode
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        notices.append("The image's transparency is ignored.")
    if mode == "1":
        return np.asarray(picture).astype(np.uint8)
    if mode == "L":
        return np.array(picture)
    if mode in ("LA", "La"):
        return np.array(picture.convert("L"))
    if mode.startswith("I;16"):
        return np.array(picture).astype(np.uint16)
    if mode == "I":
        values = np.array(picture)
        return values.astype(np.uint16) if values.min() >= 0 and values.max() < 1 << 16 else values.astype(np.float32)
    if mode == "F":
        return np.array(picture)
    if mode in ("P", "PA"):
        return np.array(picture.convert("RGBA").convert("RGB"))
    return np.array(picture if mode == "RGB" else picture.convert("RGB"))


def _deep_png(data: bytes, path: Path, notices: list[str]) -> Pixels:
    """Decode a PNG of 16 bits and several channels, which Pillow would reduce to 8 bits."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        picture.verify()  # checksums of all chunks; OpenCV would fill what is missing with black
    return _from_opencv(data, path, notices)


def _deep_tiff(data: bytes, path: Path) -> Pixels | None:
    """Decode a TIFF of several channels with more than 8 bits, which Pillow can't; None for any other."""
    stream = io.BytesIO(data)
    directory = TiffImagePlugin.ImageFileDirectory_v2(stream.read(8))
    stream.seek(directory.next)
    directory.load(stream)
    bits = directory.get(TIFF_BITS, (1,))
    samples = int(directory.get(TIFF_SAMPLES, 1))
    if samples < 3 or max(bits) <= 8:
        return None
    check_pixels(int(directory[TIFF_HEIGHT]), int(directory[TIFF_WIDTH]), path)
    offsets, sizes = directory.get(TIFF_STRIPS, ()), directory.get(TIFF_STRIP_BYTES, ())
    if any(offset + size > len(data) for offset, size in zip(offsets, sizes, strict=True)):
        raise OSError("truncated strips")
    return _from_opencv(data, path, [])


def _from_opencv(data: bytes, path: Path, notices: list[str]) -> Pixels:
    pixels: npt.NDArray[np.generic] | None = cv2.imdecode(
        np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_ANYDEPTH
    )
    if pixels is None:
        raise ImageError("The file is damaged.", path=path, remedy=DAMAGED)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        notices.append("The image's transparency is ignored.")
    if pixels.ndim == 3:
        pixels = pixels[..., 2::-1]
    return np.ascontiguousarray(pixels)


def _bits(pixels: Pixels) -> int:
    return 8 * pixels.dtype.itemsize


def _aspect(picture: Image.Image) -> float:
    """Return pixel height over width from the file's resolution; absurd ones count as square."""
    x, y = picture.info.get("dpi") or picture.info.get("aspect") or picture.info.get("jfif_density") or (1, 1)
    try:
        aspect = float(x) / float(y)
    except (ZeroDivisionError, TypeError, ValueError):
        return 1.0
    return aspect if 0.2 <= aspect <= 5 else 1.0
