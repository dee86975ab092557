"""The stored pixels of a DICOM file, decoded, without what lies above its stored bits."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import apply_color_lut, get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from core.errors import ImageError
from core.images import gdcm_worker
from core.images.dicom_header import whole
from core.images.gdcm_worker import DecodingOptions
from core.images.jpeg_header import Codestream, read_codestream
from core.images.limits import check_compression
from core.images.medical_image import Pixels

DAMAGED = "Get the file again from where it came from."
PIXEL_TAGS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
ENCAPSULATED_NATIVE = UID("1.2.840.10008.1.2.1.98")
DEFLATED_FRAME = UID("1.2.840.10008.1.2.8.1")
CODESTREAMS = "1.2.840.10008.1.2.4."  # the transfer syntaxes of JPEG and its relatives begin so
# of those, what holds no picture that can be decoded alone: JPIP's only refer to one
REFERENCES = tuple(CODESTREAMS + end for end in ("94", "95", "204", "205"))
# wavelets and JPEG XL may overshoot the bits stored; JPEG-LS keeps within a few steps of each value
OVERSHOOTING = tuple(CODESTREAMS + end for end in ("91", "93", "112", "203"))
# by what a codestream is, whatever the header calls it: the syntax to decode it as, and decoders in order of
# preference, those that are most robust against damaged files first
DECODERS: dict[str, tuple[UID, tuple[str, ...]]] = {
    "JPEG": (JPEGBaseline8Bit, ("pillow", "gdcm")),
    "12-bit JPEG": (UID("1.2.840.10008.1.2.4.51"), ("imagecodecs",)),
    "lossless JPEG": (JPEGLossless, ("gdcm",)),
    "JPEG-LS": (JPEGLSLossless, ("gdcm",)),
    "JPEG 2000": (JPEG2000Lossless, ("pylibjpeg", "pillow", "gdcm")),
    "JPEG XL": (UID("1.2.840.10008.1.2.4.110"), ("imagecodecs",)),
}
IN_A_PROCESS = ("gdcm", "imagecodecs")


class Stored(NamedTuple):
    """Decoded pixels.

    Attributes:
        words: shape (H, W), or (H, W, 3) RGB; as they are allocated, unsigned.
        pixels: the same with the bits stored alone, and their sign.
        bits: how many bits that are.
    """

    words: Pixels
    pixels: Pixels
    bits: int


class Frame(NamedTuple):
    """One frame as bytes: native where there is no codestream, else with the header of its codestream."""

    content: bytes
    codestream: Codestream | None
    run_lengths: bool = False


def find_frame(data: Dataset, path: Path, frame: int = 0) -> Frame:
    """Return a frame's bytes and the header of its codestream, which is checked against that of the file.

    Raises:
        ImageError: if the transfer syntax can't be decoded, or the codestream contradicts the header.
    """
    syntax = data.file_meta.TransferSyntaxUID
    name = next(tag for tag in PIXEL_TAGS if tag in data)
    element = data[name]
    if syntax in NATIVE and not element.is_undefined_length:
        return Frame(_native_frame(element.value, data, path, frame), None)
    frames = whole(data, "NumberOfFrames", 1)
    if syntax == RLELossless and frames <= 1:
        return Frame(element.value, None, run_lengths=True)
    content = get_frame(element.value, frame, number_of_frames=max(frames, 1))
    if syntax == RLELossless:
        return Frame(encapsulate([content]), None, run_lengths=True)
    if syntax == ENCAPSULATED_NATIVE:
        return Frame(content, None)
    if syntax == DEFLATED_FRAME:
        return Frame(_inflated(content, data), None)
    found = read_codestream(content)
    if found is None:
        raise ImageError(f"The image is not the {syntax.name} that the header states.", path=path, remedy=DAMAGED)
    if found.kind not in DECODERS:
        raise ImageError(f"This {found.kind} can't be decoded.", path=path, remedy="Export it uncompressed.")
    _check_codestream(found, data, path)
    check_compression(found.rows, found.columns, len(content), path)
    return Frame(content, found)


def check_syntax(data: Dataset, path: Path) -> None:
    """Reject a transfer syntax that is not known, by its name.

    Raises:
        ImageError: if there is no decoder for it.
    """
    syntax = data.file_meta.TransferSyntaxUID
    if syntax in (*NATIVE, RLELossless, ENCAPSULATED_NATIVE, DEFLATED_FRAME):
        return
    if syntax.startswith(CODESTREAMS) and syntax not in REFERENCES:
        return
    raise ImageError(
        f"There is no decoder for this kind of DICOM (transfer syntax {syntax.name}).",
        path=path,
        remedy="Export it uncompressed.",
    )


def _check_codestream(found: Codestream, data: Dataset, path: Path) -> None:
    if (found.rows, found.columns) != (data.Rows, data.Columns):
        raise ImageError(
            f"The header states {data.Columns}×{data.Rows} pixels, the compressed image {found.columns}×{found.rows}.",
            path=path,
            remedy=DAMAGED,
        )
    if found.channels not in (0, data.SamplesPerPixel):
        raise ImageError(
            f"The header states {data.SamplesPerPixel} channels, the compressed image {found.channels}.",
            path=path,
            remedy=DAMAGED,
        )


def _native_frame(content: bytes, data: Dataset, path: Path, frame: int) -> bytes:
    """Return the bytes of an uncompressed frame; frames of single bits follow each other without a gap (PS3.5 8.1.1).

    Raises:
        ImageError: if the file ends before the frame does.
    """
    samples = 2 if data.PhotometricInterpretation == "YBR_FULL_422" else data.SamplesPerPixel
    bits = int(data.Rows) * int(data.Columns) * samples * whole(data, "BitsAllocated", 0)
    expected = -(-(frame + 1) * bits // 8)
    if len(content) < expected:
        raise ImageError(
            f"The DICOM file is truncated: {len(content)} of {expected} bytes of pixels are there.",
            path=path,
            remedy=DAMAGED,
        )
    first = frame * bits
    if first % 8 == 0:
        return content[first // 8 : expected] if frame else content
    packed = np.frombuffer(content[first // 8 : expected], np.uint8)
    return np.packbits(np.unpackbits(packed, bitorder="little")[first % 8 :], bitorder="little").tobytes()


def _inflated(content: bytes, data: Dataset) -> bytes:
    """Return a deflated frame, no more of it than the header states."""
    most = int(data.Rows) * int(data.Columns) * int(data.SamplesPerPixel) * int(data.BitsAllocated) // 8
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, most + 1)


def decode(data: Dataset, frame: Frame, path: Path) -> Stored:
    """Decode the pixels.

    Args:
        data: the data set, its photometric interpretation spelled as by the standard.
        frame: its one frame.
        path: the file, for messages.

    Raises:
        ImageError: if no decoder for it is installed.
        Exception: whatever decoders raise on damaged files.
    """
    words = _unsigned(_words(data, frame, path))
    if words.shape != ((data.Rows, data.Columns) if data.SamplesPerPixel == 1 else (data.Rows, data.Columns, 3)):
        raise ValueError(f"decoded to the shape {words.shape}")
    if words.dtype.kind == "f":
        return Stored(words, words, 8 * words.dtype.itemsize)
    allocated = 8 * words.dtype.itemsize
    held = min(allocated, (frame.codestream.bits if frame.codestream else 0) or allocated)
    stored = whole(data, "BitsStored", allocated)
    stored = stored if 0 < stored <= held else held
    pixels = _stored_bits(words, stored, held, data)
    if pixels.ndim == 3 or data.PhotometricInterpretation == "PALETTE COLOR":
        pixels = _coloured(data, pixels, stored)
        return Stored(words, pixels, 8 * pixels.dtype.itemsize)
    return Stored(words, pixels, stored)


def _stored_bits(words: Pixels, stored: int, held: int, data: Dataset) -> Pixels:
    """Return the stored bits of words, with their sign (PS3.5 8.1.1).

    They end at the high bit where the words reach so far; above and below may be overlays or anything else. A lossy
    codec may overshoot the range: such values are clipped, since cutting bits off would make the brightest black.
    """
    shift = max(0, whole(data, "HighBit", stored - 1) + 1 - stored)
    shift = shift if stored + shift <= held else 0
    number = words.dtype.type
    most = number((1 << stored) - 1)
    signed = data.get("PixelRepresentation") == 1 and words.ndim == 2
    found = words >> number(shift)
    if not signed:
        overshoots = data.file_meta.TransferSyntaxUID in OVERSHOOTING
        return np.asarray(np.minimum(found, most) if overshoots else found & most)
    unused = 8 * words.dtype.itemsize - stored
    return np.asarray((found << number(unused)).view(f"i{words.dtype.itemsize}") >> unused)


def _unsigned(decoded: Pixels) -> Pixels:
    decoded = np.ascontiguousarray(decoded.astype(decoded.dtype.newbyteorder("="), copy=False))
    return decoded.view(f"u{decoded.dtype.itemsize}") if decoded.dtype.kind == "i" else decoded


def _words(data: Dataset, frame: Frame, path: Path) -> Pixels:
    """Return the pixels as they are allocated, shape (H, W), or (H, W, 3) RGB."""
    options = _decoding_options(data, frame.codestream)
    if frame.codestream is None:
        syntax = RLELossless if frame.run_lengths else data.file_meta.TransferSyntaxUID
        if syntax not in (RLELossless, ExplicitVRBigEndian):
            syntax = ExplicitVRLittleEndian
        # pylibjpeg-rle panics on damaged files, which ``except Exception`` does not catch
        plugin = "pydicom" if frame.run_lengths else ""
        decoded = get_decoder(syntax).as_array(frame.content, index=0, decoding_plugin=plugin, **asdict(options))[0]
    else:
        decoded = _decompressed(frame, options, path)
    if options.photometric_interpretation == "HSV":
        decoded = cv2.cvtColor(np.ascontiguousarray(decoded), cv2.COLOR_HSV2RGB_FULL)
    return np.asarray(decoded)


def _decoding_options(data: Dataset, found: Codestream | None) -> DecodingOptions:
    """Return pydicom's options for decoding; bits stay as they are, colours are named as the codestream has them."""
    name = next(tag for tag in PIXEL_TAGS if tag in data)
    colours = str(data.PhotometricInterpretation)
    if found is not None and found.kind == "JPEG" and found.channels == 3 and found.subsampled:
        colours = "YBR_FULL_422"  # no other colours are stored in different resolutions
    allocated = int(data.BitsAllocated)
    if found is not None and found.bits:
        allocated = 8 if found.bits <= 8 else 16 if found.bits <= 16 else 32
    return DecodingOptions(
        rows=int(data.Rows),
        columns=int(data.Columns),
        samples_per_pixel=int(data.SamplesPerPixel),
        photometric_interpretation=colours,
        planar_configuration=whole(data, "PlanarConfiguration", 0),
        pixel_representation=whole(data, "PixelRepresentation", 0),
        bits_allocated=allocated,
        bits_stored=(found.bits if found else 0) or allocated,  # GDCM cuts off what is above
        pixel_keyword=name,
        pixel_vr=data[name].VR,
    )


def _decompressed(frame: Frame, options: DecodingOptions, path: Path) -> Pixels:
    kind = frame.codestream.kind if frame.codestream else ""
    syntax, names = DECODERS[kind]
    known = ("imagecodecs",) if names == ("imagecodecs",) else get_decoder(syntax).available_plugins
    names = tuple(name for name in names if name in known)
    if not names:
        lacking = "; ".join(get_decoder(syntax).missing_dependencies)
        raise ImageError(
            f"No decoder for {kind} is installed ({lacking}).",
            path=path,
            remedy="Install one of these, or export the image uncompressed.",
        )
    content = encapsulate([frame.content])
    for name in names[:-1]:
        try:
            return _decoded_by(name, syntax, content, options)
        except Exception:  # noqa: S112, BLE001 - the next may know this variant
            continue
    return _decoded_by(names[-1], syntax, content, options)


def _decoded_by(name: str, syntax: UID, content: bytes, options: DecodingOptions) -> Pixels:
    """Decode with one of the decoders; those that a damaged file could crash do so in a process of their own."""
    if name in IN_A_PROCESS:
        return gdcm_worker.decode(name, syntax, content, options)
    return get_decoder(syntax).as_array(content, index=0, decoding_plugin=name, **asdict(options))[0]


def _coloured(data: Dataset, stored: Pixels, bits: int) -> Pixels:
    """Look palette colours up, and bring colours of more than 8 bits to 8 or 16 bits."""
    if data.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(stored, data)[..., :3]
        # some palettes declare 16 bits and hold 8-bit values
        return np.asarray(colours, dtype=np.uint16 if colours.max(initial=0) > 255 else np.uint8)
    if stored.dtype == np.uint8:
        return stored
    stored = stored >> stored.dtype.type(bits - 16) if bits > 16 else stored << stored.dtype.type(16 - bits)
    return stored.astype(np.uint16)
