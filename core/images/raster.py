"""PNG, JPEG, JPEG 2000, JPEG XL, WebP, BMP and TIFF files."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.errors import ImageError
from core.images.colour import note_grey_profile, to_srgb
from core.images.jpeg_header import read_codestream
from core.images.limits import MAX_PIXELS, check_compression, check_pixels
from core.images.medical_image import MedicalImage, Pixels
from core.images.samples import Decoded, upright, used_bits

# Pillow rejects, by its header, any picture of more than twice this
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
# its messages about damaged files are dropped: the ImageError has them
logging.getLogger("PIL").addHandler(logging.NullHandler())

DAMAGED = "Get the file again from where it came from."
PILLOW = {"JPEG": ("JPEG", "MPO"), "JPEG 2000": ("JPEG2000",), "WebP": ("WEBP",)}
JPEG_KINDS = ("JPEG", "lossless JPEG")  # that Pillow decodes, up to 8 bits
EXIF_ORIENTATION = 0x0112
PNG_DEPTH = 24  # where a PNG states the bits of its samples


def read_raster(data: bytes, path: Path, digest: str, kind: str) -> MedicalImage:
    """Decode a PNG, JPEG, JPEG 2000, JPEG XL, WebP, BMP or TIFF file.

    Raises:
        ImageError: if it is truncated, too large or of a kind that can't be decoded.
    """
    notices: list[str] = []
    try:
        found = upright(_decode(data, path, kind, notices))
    except Image.DecompressionBombError as cause:
        raise ImageError(
            f"The image has more than {MAX_PIXELS // 10**6} megapixels.", path=path, remedy="Export a smaller image."
        ) from cause
    except UnidentifiedImageError as cause:
        raise ImageError(
            f"The {kind} file's header is damaged or of a kind that can't be read.", path=path, remedy=DAMAGED
        ) from cause
    except (OSError, EOFError, SyntaxError, ValueError, TypeError, KeyError) as cause:
        cut = isinstance(cause, EOFError) or "truncat" in str(cause).lower()
        problem = f"The {kind} file is truncated." if cut else f"The {kind} file is damaged."
        raise ImageError(problem, path=path, remedy=DAMAGED) from cause
    if found.pixels.size == 0:
        raise ImageError("The image has no pixels.", path=path, remedy=DAMAGED)
    return MedicalImage(
        pixels=found.pixels,
        path=path,
        format=kind,
        digest=digest,
        bits=found.bits,
        inverted=found.inverted,
        spacing=found.spacing,
        pixel_aspect=found.aspect if 0.2 <= found.aspect <= 5 else 1.0,
        notices=tuple(notices),
    )


def _decode(data: bytes, path: Path, kind: str, notices: list[str]) -> Decoded:
    if kind == "TIFF":
        from core.images.tiff import read_tiff

        if (found := read_tiff(data, path, notices)) is not None:
            return found
    if kind in ("JPEG", "JPEG 2000", "JPEG XL") and (deep := _codestream(data, path, kind, notices)) is not None:
        return deep
    with Image.open(io.BytesIO(data), formats=PILLOW.get(kind, (kind,))) as picture:
        check_pixels(picture.height, picture.width, path)
        frames = getattr(picture, "n_frames", 1)
        if frames > 1 and kind in ("PNG", "WebP"):
            raise ImageError(
                f"The file is an animation of {frames} frames.", path=path, remedy="Save one frame as an image."
            )
        if frames > 1 and kind != "TIFF":
            notices.append(f"Only the first of the file's {frames} pages is shown.")
        orientation, aspect = int(picture.getexif().get(EXIF_ORIENTATION, 1)), _aspect(picture)
        profile, one_bit = picture.info.get("icc_profile"), picture.mode == "1"
        if kind == "PNG" and data[PNG_DEPTH] == 16 and picture.mode not in ("I;16", "I;16B", "I"):
            pixels = _deep_png(data, notices)
        else:
            pixels = _array(picture, notices)
    bits = 8 * pixels.dtype.itemsize
    if pixels.ndim == 3:
        pixels = to_srgb(pixels, profile, notices)
        bits = used_bits(pixels, notices)
    else:
        note_grey_profile(profile, notices)
    return Decoded(pixels, 1 if one_bit else bits, aspect=aspect, orientation=orientation)


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


def _deep_png(data: bytes, notices: list[str]) -> Pixels:
    """Decode a PNG of 16 bits and several channels, which Pillow would reduce to 8 bits."""
    import imagecodecs

    with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        picture.verify()  # checksums of all chunks
    return _grey_or_rgb(imagecodecs.png_decode(data), notices)


def _codestream(data: bytes, path: Path, kind: str, notices: list[str]) -> Decoded | None:
    """Decode a JPEG XL file, or a JPEG 2000 file of more than 8 bits; None where Pillow can do it.

    Raises:
        ImageError: if it is too large, or a JPEG of a kind that is not decoded, which is named.
    """
    claimed = read_codestream(data)
    if claimed is None:
        return None  # damaged: Pillow reports how
    check_pixels(claimed.rows, claimed.columns, path)
    check_compression(claimed.rows, claimed.columns, len(data), path)
    if kind == "JPEG":
        if claimed.kind not in JPEG_KINDS or claimed.bits > 8:
            words = f"{claimed.kind} of {claimed.bits} bits" if claimed.kind in JPEG_KINDS else claimed.kind
            raise ImageError(f"This kind of JPEG can't be read ({words}).", path=path, remedy="Save it as PNG or TIFF.")
        return None
    import imagecodecs

    if kind == "JPEG XL":
        found = np.asarray(imagecodecs.jpegxl_decode(data))
    elif claimed.bits > 8:
        found = np.asarray(imagecodecs.jpeg2k_decode(data))
    else:
        return None
    pixels = _grey_or_rgb(found, notices)
    bits = claimed.bits or 8 * pixels.dtype.itemsize
    return Decoded(pixels, used_bits(pixels, notices) if pixels.ndim == 3 else bits)


def _grey_or_rgb(found: Pixels, notices: list[str]) -> Pixels:
    """Return decoded channels (H, W[, 1 to 4]) without the last one where it is transparency."""
    if found.ndim == 2:
        return found
    if found.ndim > 3 or found.shape[2] > 4:
        raise ValueError(f"decoded to the shape {found.shape}")
    if found.shape[2] in (2, 4):
        notices.append("The image's transparency is ignored.")
    return np.ascontiguousarray(found[..., :3] if found.shape[2] > 2 else found[..., 0])


def _aspect(picture: Image.Image) -> float:
    """Return pixel height over width from the file's resolution; 1 where it is invalid."""
    x, y = picture.info.get("dpi") or picture.info.get("aspect") or picture.info.get("jfif_density") or (1, 1)
    try:
        return float(x) / float(y)
    except (ZeroDivisionError, TypeError, ValueError):
        return 1.0
