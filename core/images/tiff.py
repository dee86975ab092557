"""TIFF files of any layout, decoded by tifffile: which of its pages is the picture, and how its values are meant."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffFile, TiffPage

from core.errors import ImageError
from core.images.colour import note_grey_profile, to_srgb
from core.images.limits import check_compression, check_pixels
from core.images.medical_image import Pixels
from core.images.samples import Decoded, used_bits

logging.getLogger("tifffile").addHandler(logging.NullHandler())

MOST_PAGES = 1000  # that are read, to find the picture and to count
REDUCED, MASK = 1, 4  # bits of NewSubfileType
MOST_SAMPLES = 64
TILE_AREA = 1 << 22  # pixels that a tile may have beside those of the picture
ORIENTATION, OLD_SUBFILE_TYPE, ICC_PROFILE = 274, 255, 34675
OLD_REDUCED = 2
OME_UNITS = {"nm": 1e-6, "µm": 1e-3, "mm": 1.0, "cm": 10.0}  # in mm
NAMED_CHANNELS = {"red", "green", "blue", "r", "g", "b", ""}
GREY = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
COLOURS: dict[int, int] = {  # how many channels are colours
    PHOTOMETRIC.RGB: 3, PHOTOMETRIC.YCBCR: 3, PHOTOMETRIC.SEPARATED: 4, PHOTOMETRIC.CIELAB: 3, PHOTOMETRIC.ICCLAB: 3,
}  # fmt: skip
WITHOUT_COLOUR_TRANSFORM = (
    COMPRESSION.NONE, COMPRESSION.LZW, COMPRESSION.DEFLATE, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.PACKBITS,
)  # fmt: skip
# what imagecodecs decodes with libraries that are robust against damaged files
COMPRESSIONS = (
    COMPRESSION.NONE, COMPRESSION.CCITTRLE, COMPRESSION.CCITTFAX3, COMPRESSION.CCITTFAX4, COMPRESSION.LZW,
    COMPRESSION.JPEG, COMPRESSION.ALT_JPEG, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE, COMPRESSION.PACKBITS,
    COMPRESSION.APERIO_JP2000_YCBC, COMPRESSION.APERIO_JP2000_RGB, COMPRESSION.JPEG_2000_LOSSY, COMPRESSION.JPEG2000,
    COMPRESSION.LERC, COMPRESSION.LZMA, COMPRESSION.PNG, COMPRESSION.ZSTD, COMPRESSION.ZSTD_DEPRECATED,
    COMPRESSION.WEBP, COMPRESSION.WEBP_DEPRECATED, COMPRESSION.JPEGXL, COMPRESSION.JPEGXL_DNG,
)  # fmt: skip


def read_tiff(data: bytes, path: Path, notices: list[str]) -> Decoded | None:
    """Decode the picture of a TIFF file; None for the few layouts that libtiff knows and tifffile does not.

    The picture is the first page that is no thumbnail, also where it lies below one (SubIFDs). Red, green and blue in
    three pages (OME-TIFF) make one picture.

    Raises:
        ImageError: if it is too large, cut short, or of a kind that is not decoded, which is named.
        Exception: whatever tifffile raises on damaged files.
    """
    with TiffFile(io.BytesIO(data)) as file:
        pages = list(islice(file.pages, MOST_PAGES))
        whole = [page for page in map(_as_page, pages) if page is not None and not _is_reduced(page)]
        page = whole[0] if whole else next(iter(_below(pages)), None) or file.pages.first
        planes = [page]
        if channels := _channels(file):
            planes = _colour_planes(whole, channels, path)
            notices.append("The file's three channels are taken as red, green and blue.")
        elif len(whole) > 1:
            notices.append(f"Only the first of the file's {len(whole)} pages is shown.")
        for plane in planes:
            _check(plane, len(data), path)
        if page.compression == COMPRESSION.OJPEG or _needs_libtiff(page):
            return None
        arrays = [np.asarray(plane.asarray(maxworkers=1)) for plane in planes]
    pixels = np.stack(arrays, axis=-1) if len(arrays) > 1 else _channels_last(arrays[0], page)
    if pixels.shape[:2] != (page.imagelength, page.imagewidth):
        raise ValueError(f"decoded to the shape {pixels.shape}")
    found = _meant(pixels, page, notices, path, colours=len(arrays) > 1)
    orientation = page.tags.valueof(ORIENTATION)
    return found._replace(
        aspect=_aspect(page),
        orientation=orientation if isinstance(orientation, int) else 1,
        spacing=ome_spacing(file.ome_metadata) if file.ome_metadata else None,
    )


def ome_spacing(metadata: str) -> tuple[float, float] | None:
    """Return the distance of pixel centres in mm, (row, column), that OME metadata states; None where they don't.

    Args:
        metadata: the XML of an OME-TIFF file.
    """
    with suppress(AttributeError, LookupError, SyntaxError, TypeError, ValueError):
        pixels = _ome_pixels(tifffile.xml2dict(metadata)["OME"])
        row, column = (
            float(pixels[f"PhysicalSize{axis}"]) * OME_UNITS[pixels.get(f"PhysicalSize{axis}Unit", "µm")]
            for axis in "YX"
        )
        if min(row, column) > 0:
            return row, column
    return None


def _aspect(page: TiffPage) -> float:
    """Return pixel height over width from the page's resolution; 1 where it states none that is possible."""
    try:
        x, y = page.get_resolution()
        return float(x / y)
    except (ArithmeticError, TypeError, ValueError):
        return 1.0


def _as_page(page: object) -> TiffPage | None:
    return page if isinstance(page, TiffPage) else None


def _is_reduced(page: TiffPage) -> bool:
    return bool(page.subfiletype & (REDUCED | MASK)) or page.tags.valueof(OLD_SUBFILE_TYPE) == OLD_REDUCED


def _below(pages: Iterable[object]) -> list[TiffPage]:
    """Return the full pictures among the sub-directories of pages that are thumbnails, as in DNG."""
    return [
        below
        for page in map(_as_page, pages)
        if page is not None and page.subifds
        for below in map(_as_page, page.pages or ())
        if below is not None and not _is_reduced(below)
    ]


def _channels(file: TiffFile) -> list[str]:
    """Return the names of the channels that an OME-TIFF or ImageJ file has in pages of their own, if several.

    What states it is text beside the picture: where it can't be read the pages stand for themselves.
    """
    try:
        if file.imagej_metadata is not None:
            return ["channel"] * count if (count := int(file.imagej_metadata.get("channels", 1))) > 1 else []
        return _ome_channels(tifffile.xml2dict(file.ome_metadata)["OME"]) if file.ome_metadata else []
    except (AttributeError, LookupError, SyntaxError, TypeError, ValueError):
        return []


def _ome_channels(metadata: dict[str, Any]) -> list[str]:
    pixels = _ome_pixels(metadata)
    channels = pixels.get("Channel", [])
    channels = channels if isinstance(channels, list) else [channels]
    if int(pixels["SizeC"]) < 2 or any(int(channel.get("SamplesPerPixel", 1)) > 1 for channel in channels):
        return []
    return [str(channel.get("Name", "")) for channel in channels] or [""] * int(pixels["SizeC"])


def _ome_pixels(metadata: dict[str, Any]) -> dict[str, Any]:
    image = metadata["Image"]
    pixels: dict[str, Any] = (image[0] if isinstance(image, list) else image)["Pixels"]
    return pixels


def _colour_planes(pages: list[TiffPage], names: list[str], path: Path) -> list[TiffPage]:
    """Return the pages of red, green and blue.

    Raises:
        ImageError: if the channels are others.
    """
    known = {name.lower() for name in names} <= NAMED_CHANNELS
    alike = {(page.shape, page.dtype, page.samplesperpixel) for page in pages}
    if len(names) == 3 and len(pages) == 3 and known and len(alike) == 1 and pages[0].bitspersample == 8:
        return pages
    raise ImageError(
        f"The file holds {len(names)} channels in pages of their own, not one picture.",
        path=path,
        remedy="Export it as an RGB image.",
    )


def _check(page: TiffPage, size: int, path: Path) -> None:
    """Reject, before decoding, what is too large, cut short or of a kind that is not decoded."""
    rows, columns = int(page.imagelength), int(page.imagewidth)
    check_pixels(rows, columns, path)
    compression, photometric = page.compression, page.photometric
    if page.imagedepth > 1:
        raise ImageError("The TIFF file is a volume, not a picture.", path=path, remedy="Export one slice.")
    if compression not in (*COMPRESSIONS, COMPRESSION.OJPEG):
        name = getattr(compression, "name", compression)
        raise ImageError(
            f"TIFF files of the compression {name} can't be read.", path=path, remedy="Save it uncompressed."
        )
    if photometric not in (*GREY, *COLOURS, PHOTOMETRIC.PALETTE):
        name = getattr(photometric, "name", photometric)
        raise ImageError(
            f"TIFF files of the kind {name} can't be read.", path=path, remedy="Save it as a grey or RGB image."
        )
    if photometric in GREY and page.samplesperpixel > 2:
        raise ImageError(
            f"The picture has {page.samplesperpixel} channels that are no colours.",
            path=path,
            remedy="Export it as a grey or RGB image.",
        )
    if page.dtype is None or page.dtype.kind not in "buif":
        raise ImageError(
            "Pixels of this number type can't be shown.", path=path, remedy="Save it as whole numbers or floats."
        )
    if not 0 < page.samplesperpixel <= MOST_SAMPLES or page.samplesperpixel < COLOURS.get(photometric, 1):
        raise ValueError("samples")
    if page.is_tiled and page.tilewidth * page.tilelength > TILE_AREA + 4 * rows * columns:
        raise ValueError("tiles")
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if len(segments) < int(np.prod(page.chunked)) or any(not n or at + n > size for at, n in segments):
        raise EOFError("truncated")
    if compression != COMPRESSION.NONE:
        check_compression(rows, columns, sum(n for _, n in segments), path)


def _needs_libtiff(page: TiffPage) -> bool:
    """Return whether brightness and colour are stored apart without JPEG, which tifffile does not turn into colours."""
    return page.photometric == PHOTOMETRIC.YCBCR and page.compression in WITHOUT_COLOUR_TRANSFORM


def _channels_last(pixels: Pixels, page: TiffPage) -> Pixels:
    if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, -1)
    return pixels


def _meant(pixels: Pixels, page: TiffPage, notices: list[str], path: Path, *, colours: bool) -> Decoded:
    """Return the pixels as grey or RGB by what the page states of their meaning."""
    photometric, bits = page.photometric, int(page.bitspersample)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8)
    if photometric == PHOTOMETRIC.PALETTE:
        table = np.asarray(page.colormap)
        table = table >> 8 if table.max() > 255 else table  # 16 bits are due, and some hold 8
        return Decoded(np.moveaxis(table.astype(np.uint8)[:, pixels], 0, -1), 8)
    if photometric in GREY and not colours:
        if pixels.ndim == 3:
            _note_dropped_channels(page, 1, notices)
            pixels = pixels[..., 0]
        pixels = pixels.astype(np.float32) if pixels.dtype == np.float16 else pixels
        note_grey_profile(_profile(page), notices)
        return Decoded(np.ascontiguousarray(pixels), bits, inverted=photometric == PHOTOMETRIC.MINISWHITE)
    used = COLOURS.get(photometric, 3)
    if pixels.shape[-1] > used:
        _note_dropped_channels(page, used, notices)
    pixels = _unsigned(np.ascontiguousarray(pixels[..., :used]))
    if photometric == PHOTOMETRIC.SEPARATED:
        pixels = _from_inks(pixels)
    elif photometric in (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB):
        pixels = _from_lab(pixels, offset=photometric == PHOTOMETRIC.ICCLAB)
    else:
        pixels = to_srgb(pixels, _profile(page), notices)
    return Decoded(pixels, used_bits(pixels, notices))


def _profile(page: TiffPage) -> bytes | None:
    profile = page.tags.valueof(ICC_PROFILE)
    return bytes(profile) if profile else None


def _note_dropped_channels(page: TiffPage, used: int, notices: list[str]) -> None:
    kinds = set(page.extrasamples)
    if kinds & {EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA}:
        notices.append("The image's transparency is ignored.")
    else:
        notices.append(f"Only {'the first' if used == 1 else used} of {page.samplesperpixel} channels is shown.")


def _unsigned(colours: Pixels) -> Pixels:
    """Return colours as unsigned numbers of 8 or 16 bits, or floats of at least 32.

    Signed ones that go below zero begin at the lowest value of their type, others at 0.
    """
    if colours.dtype.kind == "f":
        return colours.astype(np.float32) if colours.dtype == np.float16 else colours
    unsigned = np.dtype(f"u{colours.dtype.itemsize}")
    if colours.dtype.kind == "i" and colours.min(initial=0) < 0:
        colours = colours.view(unsigned) ^ unsigned.type(1 << 8 * unsigned.itemsize - 1)
    colours = colours.astype(unsigned)
    if unsigned.itemsize <= 2:
        return colours
    unused = max(0, int(colours.max(initial=0)).bit_length() - 16)
    return np.asarray(colours >> unsigned.type(unused), dtype=np.uint16)


def _from_inks(inks: Pixels) -> Pixels:
    """Return cyan, magenta, yellow and black as RGB by the usual formula (1 − ink) · (1 − black)."""
    most = 1.0 if inks.dtype.kind == "f" else float(np.iinfo(inks.dtype).max)
    left = 1 - inks / np.float32(most)
    return np.asarray(np.rint(left[..., :3] * left[..., 3:] * most), dtype=inks.dtype)


def _from_lab(lab: Pixels, *, offset: bool) -> Pixels:
    """Return CIELab as RGB floats in [0, 1] (TIFF 6.0 section 23; with an offset as in ICC profiles)."""
    most = np.float32(np.iinfo(lab.dtype).max)
    light = lab[..., :1] * (100 / most)
    signed = lab[..., 1:].view(f"i{lab.dtype.itemsize}")
    scale = np.float32(256 / (most + 1))
    ab = lab[..., 1:] * scale - np.float32(128) if offset else signed * scale
    found = cv2.cvtColor(np.concatenate([light, ab], axis=-1).astype(np.float32), cv2.COLOR_Lab2RGB)
    return np.clip(np.asarray(found), 0, 1)
