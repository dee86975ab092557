"""DICOM files: one frame of pixels made right, and no patient identity unless asked."""

from __future__ import annotations

import io
import logging
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder, pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MPEGTransferSyntaxes,
    RLELossless,
)

from core import gdcm_process
from core.codestream import codestream_size
from core.dicom_study import STUDY_TAGS, study_facts
from core.errors import ImageError
from core.limits import check_pixels
from core.medical_image import LookupTable, MedicalImage, PatientIdentity, Pixels, Window, WindowFunction

logging.getLogger("pydicom").addHandler(logging.NullHandler())

DAMAGED = "Get the file again from where it came from."
MAX_INFLATED = 1 << 30  # as large as a file may be
# a few bytes may claim any number of pixels, which then take gigabytes and minutes: so many are believed
BLANK_PIXELS, MAX_PIXELS_A_BYTE = 16_000_000, 20_000

# all that is read of a file; every other element, the patient's identity among them, stays unread
IMAGE_TAGS = [
    "SOPClassUID", "Modality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter",
    "WindowWidth", "VOILUTFunction", "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData",
    "PaletteColorLookupTableUID", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", *STUDY_TAGS,
]  # fmt: skip
PIXEL_TAGS = ["PixelData", "FloatPixelData", "DoubleFloatPixelData"]
IDENTITY_TAGS = ["PatientName", "PatientID", "PatientBirthDate", "AccessionNumber"]

# decoders in order of preference: those that stand up best to damaged files first
DECODERS: dict[UID, tuple[str, ...]] = {
    JPEGBaseline8Bit: ("pillow", "gdcm"),
    JPEGExtended12Bit: ("pillow", "gdcm"),
    JPEG2000Lossless: ("pylibjpeg", "pillow", "gdcm"),
    JPEG2000: ("pylibjpeg", "pillow", "gdcm"),
    RLELossless: ("pydicom",),  # pylibjpeg-rle panics on damaged files, which no except clause for errors catches
    JPEGLSLossless: ("gdcm",),
    JPEGLSNearLossless: ("gdcm",),
}


def read_dicom(data: bytes, path: Path, digest: str, *, with_identity: bool = False) -> MedicalImage:
    """Decode a DICOM file.

    Args:
        data: the file's bytes.
        path: where they came from, for messages.
        digest: their SHA-256.
        with_identity: whether the patient's identity is read as well.

    Raises:
        ImageError: if it holds no single picture that can be decoded.
    """
    dataset = _parse(data, path, with_identity=with_identity)
    _check_header(dataset, path)
    notices: list[str] = []
    pixels = _decode(dataset, path)
    colour = pixels.ndim == 3
    padding = None if colour else _padding(dataset, pixels)
    window = lookup = None
    if not colour:
        pixels = _rescaled(dataset, pixels)
        window, lookup = _window(dataset), _lookup(dataset)
    spacing = _pair(dataset, "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    aspect = spacing or _pair(dataset, "PixelAspectRatio") or (1.0, 1.0)
    bits = int(dataset.get("BitsStored") or dataset.BitsAllocated)
    return MedicalImage(
        pixels=pixels,
        path=path,
        format="DICOM",
        digest=digest,
        bits=8 * pixels.dtype.itemsize if colour else bits,
        inverted=not colour and dataset.get("PhotometricInterpretation") == "MONOCHROME1",
        window=window,
        lookup=lookup,
        padding=padding,
        spacing=spacing,
        pixel_aspect=aspect[0] / aspect[1],
        modality=str(dataset.get("Modality", "")),
        study=study_facts(dataset),
        notices=tuple(notices),
        identity=_identity(dataset) if with_identity else None,
    )


def _parse(data: bytes, path: Path, *, with_identity: bool) -> Dataset:
    """Read the elements that are needed and no others."""
    tags: list[Any] = IMAGE_TAGS + PIXEL_TAGS + (IDENTITY_TAGS if with_identity else [])
    try:
        _check_inflated(data, path)
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=tags, force=True)
        dataset.file_meta.setdefault("TransferSyntaxUID", dataset.original_encoding and _assumed_syntax(dataset))
        for element in dataset:  # values are converted when first asked for: now, so that a bad one is met here
            _ = element.value
    except InvalidDicomError as cause:
        raise ImageError("This is not a DICOM file.", path=path, remedy=DAMAGED) from cause
    return dataset


def _assumed_syntax(dataset: Dataset) -> UID:
    """Return the transfer syntax of a data set that came without file meta information."""
    implicit, little = dataset.original_encoding
    if implicit:
        return pydicom.uid.ImplicitVRLittleEndian
    return pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian


def _check_inflated(data: bytes, path: Path) -> None:
    """Refuse a deflated data set that would fill the memory.

    The compressed part is looked for where pydicom will, by pydicom's own function: the group length of the header,
    which should say it, may lie.
    """
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    if _read_file_meta_info(stream).get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    left, size = data[stream.tell() :], 0
    if left.startswith(b"\0\0"):  # would be taken for a command, and what follows it for the compressed part
        raise ImageError("The DICOM header is damaged.", path=path, remedy=DAMAGED)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while left and not inflater.eof:
        size += len(inflater.decompress(left, 1 << 24))
        left = inflater.unconsumed_tail
        if size > MAX_INFLATED:
            raise ImageError("The file unpacks to more than an image can need.", path=path, remedy=DAMAGED)


def _check_header(dataset: Dataset, path: Path) -> None:
    """Refuse, before decoding, what holds no single picture of bearable size."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in MPEGTransferSyntaxes or "HEVC" in syntax.name or "MPEG" in syntax.name:
        raise ImageError("This is a DICOM video.", path=path, remedy="Export one frame as an image.")
    if not any(name in dataset for name in PIXEL_TAGS):
        kind = dataset.get("SOPClassUID", UID("")).name or "unknown kind"
        raise ImageError(f"This DICOM file holds no image ({kind}).", path=path, remedy="Choose an image of the study.")
    if "Rows" not in dataset or "Columns" not in dataset:
        raise ImageError("The DICOM header does not say how large the image is.", path=path, remedy=DAMAGED)
    check_pixels(int(dataset.Rows), int(dataset.Columns), path)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise ImageError(
            f"The DICOM file has {frames} frames; one image is needed.", path=path, remedy="Export one frame."
        )
    if not syntax.is_compressed or syntax == RLELossless:
        return
    stream = get_frame(dataset.PixelData, 0, number_of_frames=1)
    claimed = codestream_size(stream)
    if claimed is None:
        raise ImageError(f"The image is not the {syntax.name} that the header says.", path=path, remedy=DAMAGED)
    if (claimed.rows, claimed.columns) != (dataset.Rows, dataset.Columns):
        raise ImageError(
            f"The header says {dataset.Columns}×{dataset.Rows} pixels, the compressed image {claimed.columns}×"
            f"{claimed.rows}.",
            path=path,
            remedy=DAMAGED,
        )
    if claimed.rows * claimed.columns > BLANK_PIXELS + MAX_PIXELS_A_BYTE * len(stream):
        raise ImageError(
            f"{len(stream)} bytes can't hold the {claimed.columns}×{claimed.rows} pixels that the header says.",
            path=path,
            remedy=DAMAGED,
        )
    if claimed.channels != dataset.get("SamplesPerPixel"):
        raise ImageError(
            f"The header says {dataset.get('SamplesPerPixel')} channels, the compressed image {claimed.channels}.",
            path=path,
            remedy=DAMAGED,
        )


def _decode(dataset: Dataset, path: Path) -> Pixels:
    """Return the stored pixels, (H, W), or (H, W, 3) RGB."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        stored = pixel_array(dataset)
        return _coloured(dataset, stored.astype(stored.dtype.newbyteorder("="), copy=False))
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as cause:
        raise ImageError(
            f"There is no decoder for this kind of DICOM ({syntax.name or syntax}).",
            path=path,
            remedy="Export it uncompressed.",
        ) from cause
    names = [n for n in DECODERS.get(syntax, decoder.available_plugins) if n in decoder.available_plugins]
    if not names:
        lacking = "; ".join(decoder.missing_dependencies)
        raise ImageError(
            f"No decoder for {syntax.name} is installed ({lacking}).",
            path=path,
            remedy="Install one of these, or export the image uncompressed.",
        )
    for name in names[:-1]:
        try:
            return _coloured(dataset, _decoded_by(name, dataset))
        except Exception:  # noqa: S112, BLE001 - the next decoder may know this variant; the last one's error is reported
            continue
    return _coloured(dataset, _decoded_by(names[-1], dataset))


def _decoded_by(plugin: str, dataset: Dataset) -> npt.NDArray[Any]:
    """Decode with one of pydicom's plugins; GDCM does so in a process of its own."""
    if plugin != "gdcm":
        return pixel_array(dataset, decoding_plugin=plugin)
    header = {
        "rows": int(dataset.Rows),
        "columns": int(dataset.Columns),
        "samples_per_pixel": int(dataset.SamplesPerPixel),
        "photometric_interpretation": str(dataset.PhotometricInterpretation),
        "planar_configuration": int(dataset.get("PlanarConfiguration") or 0),
        "pixel_representation": int(dataset.PixelRepresentation),
        "bits_allocated": int(dataset.BitsAllocated),
        "bits_stored": int(dataset.BitsStored),
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }
    return gdcm_process.decode(dataset.file_meta.TransferSyntaxUID, dataset.PixelData, header)


def _coloured(dataset: Dataset, stored: npt.NDArray[Any]) -> Pixels:
    """Look palette colours up, and bring colours of more than 8 bits to 8 or 16 bits."""
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)[..., :3]
        return stored if stored.dtype == np.uint8 else _from_palette(stored)
    if stored.ndim == 3 and stored.dtype == np.uint32:
        return np.asarray(stored >> 16, dtype=np.uint16)
    if stored.ndim == 3 and stored.dtype == np.uint16:
        return np.asarray(stored << (16 - int(dataset.BitsStored)), dtype=np.uint16)
    return stored


def _from_palette(colours: npt.NDArray[Any]) -> Pixels:
    """Palettes declare 16 bits and some hold 8-bit values: those are taken as such."""
    if colours.max(initial=0) > 255:
        return np.asarray(colours, dtype=np.uint16)
    return np.asarray(colours, dtype=np.uint8)


def _rescaled(dataset: Dataset, stored: Pixels) -> Pixels:
    """Apply rescale slope and intercept, or the modality look-up table (PS3.3 C.11.1)."""
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if "ModalityLUTSequence" not in dataset and (slope in (None, 1) and intercept in (None, 0)):
        return stored
    return np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)


def _padding(dataset: Dataset, stored: Pixels) -> npt.NDArray[np.bool_] | None:
    """Return where the stored value says that there is no image (PS3.3 C.7.5.1.1.2)."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    found = (stored >= low) & (stored <= high)
    return np.asarray(found) if found.any() else None


def _window(dataset: Dataset) -> Window | None:
    """Return the file's first window, if it is a usable one."""
    centre, width = _first(dataset.get("WindowCenter")), _first(dataset.get("WindowWidth"))
    if centre is None or width is None or not np.isfinite([centre, width]).all() or width <= 0:
        return None
    named = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
    function: WindowFunction = named if named in ("LINEAR_EXACT", "SIGMOID") else "LINEAR"  # type: ignore[assignment]
    return None if function == "LINEAR" and width < 1 else Window(centre, width, function)


def _lookup(dataset: Dataset) -> LookupTable | None:
    """Return the file's first look-up table for display, if it is a usable one."""
    sequence = dataset.get("VOILUTSequence")
    if not sequence:
        return None
    entries, first, bits = (int(v) for v in sequence[0].LUTDescriptor)
    table = sequence[0].LUTData
    if isinstance(table, bytes):
        table = np.frombuffer(table, np.uint8 if len(table) == (entries or 1 << 16) else np.uint16)
    if len(table) < (entries or 1 << 16) or not 8 <= bits <= 16:
        return None
    if first >= 1 << 15 and dataset.get("PixelRepresentation") == 1:
        first -= 1 << 16
    return LookupTable(first, np.clip(table / np.float32(2**bits - 1), 0, 1).astype(np.float32))


def _first(value: Any) -> float | None:  # noqa: ANN401 - an element's value may be of any kind
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, (list, pydicom.multival.MultiValue)) else value)


def _pair(dataset: Dataset, *names: str) -> tuple[float, float] | None:
    """Return the first of these elements that holds two positive numbers of bearable ratio."""
    for name in names:
        value = dataset.get(name)
        if isinstance(value, pydicom.multival.MultiValue) and len(value) == 2:
            row, column = float(value[0]), float(value[1])
            if row > 0 and column > 0 and 0.2 <= row / column <= 5:
                return row, column
    return None


def _identity(dataset: Dataset) -> PatientIdentity:
    return PatientIdentity(*(str(dataset.get(name, "")) for name in IDENTITY_TAGS))
