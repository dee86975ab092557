"""DICOM files: a frame of pixels, ready to show; the patient's identity only on request."""

from __future__ import annotations

import io
import logging
import zlib
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    MPEGTransferSyntaxes,
    VLWholeSlideMicroscopyImageStorage,
)

from core.errors import ImageError
from core.images.colour import note_grey_profile, to_srgb
from core.images.dicom_display import lookup_of, padding_of, rescaled, windows_of
from core.images.dicom_header import (
    PHOTOMETRIC,
    bring_up_functional_groups,
    first_items,
    numbers,
    photometric,
    unreadable,
    whole,
    word,
)
from core.images.dicom_pixels import DAMAGED, PIXEL_TAGS, check_syntax, decode, find_frame
from core.images.dicom_study import STUDY_TAGS, directions_of, study_facts
from core.images.limits import check_pixels
from core.images.medical_image import MedicalImage, PatientIdentity, Window
from core.images.samples import used_bits

logging.getLogger("pydicom").addHandler(logging.NullHandler())

MAX_INFLATED = 1 << 30  # as large as a file may be
ALLOCATED = (1, 8, 16, 32)  # bits of a pixel that are read

# all that is read of a file; every other element, the patient's identity among them, stays unread
IMAGE_TAGS = [
    "SOPClassUID", "Modality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter",
    "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData",
    "PaletteColorLookupTableUID", "PresentationLUTShape", "PresentationIntentType", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "ICCProfile", "OpticalPathSequence", *STUDY_TAGS,
]  # fmt: skip
AT_DETECTOR = ("ImagerPixelSpacing", "NominalScannedPixelSpacing")
SPACINGS = ("PixelSpacing", *AT_DETECTOR)
IDENTITY_TAGS = ["PatientName", "PatientID", "PatientBirthDate", "AccessionNumber"]


def read_dicom(data: bytes, path: Path, digest: str, *, with_identity: bool = False, frame: int = 0) -> MedicalImage:
    """Decode a frame of a DICOM file.

    Args:
        data: the file's bytes.
        path: where they came from, for messages.
        digest: their SHA-256.
        with_identity: whether the patient's identity is read as well.
        frame: which frame, the first being 0.

    Raises:
        ImageError: if it holds no picture that can be decoded.
    """
    dataset = _parse(data, path, with_identity=with_identity)
    _check_header(dataset, path)
    frames = _checked_frames(dataset, path, frame)
    bring_up_functional_groups(dataset, frame)
    notices = _notices(dataset)
    if frames > 1:
        notices.append(f"Frame {frame + 1} of {frames}.")
    stored = decode(dataset, find_frame(dataset, path, frame), path)
    pixels, bits, padding, lookup = stored.pixels, stored.bits, None, None
    windows: tuple[tuple[str, Window], ...] = ()
    colour = pixels.ndim == 3
    if colour:
        pixels = to_srgb(pixels, _profile(dataset), notices)
        bits = used_bits(pixels, notices)
    else:
        note_grey_profile(_profile(dataset), notices)
        padding = padding_of(dataset, stored.words, pixels)
        pixels = rescaled(dataset, pixels, notices)
        lookup = lookup_of(dataset, pixels, notices)
        windows = windows_of(dataset, notices)
    spacing = _pair(dataset, *SPACINGS)
    aspect = spacing or _pair(dataset, "PixelAspectRatio") or (1.0, 1.0)
    return MedicalImage(
        pixels=pixels,
        path=path,
        format="DICOM",
        digest=digest,
        bits=bits,
        inverted=not colour and _is_inverted(dataset),
        window=windows[0][1] if windows else None,
        windows=windows,
        lookup=lookup,
        padding=padding,
        spacing=spacing,
        spacing_at_detector=spacing is not None and spacing == _pair(dataset, *AT_DETECTOR),
        pixel_aspect=aspect[0] / aspect[1],
        modality=str(dataset.get("Modality", "")),
        directions=directions_of(dataset),
        frame=frame,
        frames=frames,
        study=study_facts(dataset),
        notices=tuple(notices),
        identity=_identity(dataset) if with_identity else None,
    )


def _parse(data: bytes, path: Path, *, with_identity: bool) -> Dataset:
    """Read the elements that are needed and no others."""
    tags: list[Any] = [*IMAGE_TAGS, *PIXEL_TAGS, *(IDENTITY_TAGS if with_identity else [])]
    try:
        _check_inflated(data, path)
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=tags, force=True)
        dataset.file_meta.setdefault("TransferSyntaxUID", dataset.original_encoding and _assumed_syntax(dataset))
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
    """Reject a deflated data set that would fill the memory.

    The start of the compressed part comes from pydicom's own function, as when pydicom reads it: the group length in
    the header may be wrong.
    """
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    if _read_file_meta_info(stream).get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    left, size = data[stream.tell() :], 0
    if left.startswith(b"\0\0"):  # pydicom would take it for a command element, and skip it
        raise ImageError("The DICOM header is damaged.", path=path, remedy=DAMAGED)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while left and not inflater.eof:
        size += len(inflater.decompress(left, 1 << 24))
        left = inflater.unconsumed_tail
        if size > MAX_INFLATED:
            raise ImageError("The file unpacks to more than an image can need.", path=path, remedy=DAMAGED)


def _check_header(dataset: Dataset, path: Path) -> None:
    """Reject, before decoding, what holds no single picture of an acceptable size."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in MPEGTransferSyntaxes or "HEVC" in syntax.name or "MPEG" in syntax.name:
        raise ImageError("This is a DICOM video.", path=path, remedy="Export one frame as an image.")
    if not any(name in dataset for name in PIXEL_TAGS):
        kind = dataset.get("SOPClassUID", UID("")).name or "unknown kind"
        raise ImageError(f"This DICOM file holds no image ({kind}).", path=path, remedy="Choose an image of the study.")
    check_syntax(dataset, path)
    if "Rows" not in dataset or "Columns" not in dataset:
        raise ImageError("The DICOM header does not say how large the image is.", path=path, remedy=DAMAGED)
    check_pixels(int(dataset.Rows), int(dataset.Columns), path)
    _check_pixels_described(dataset, path)


def _checked_frames(dataset: Dataset, path: Path, frame: int) -> int:
    """Return how many frames there are.

    Raises:
        ImageError: if they are the tiles of a whole slide, or the one wanted is not among them.
    """
    frames = max(1, whole(dataset, "NumberOfFrames", 1))
    if frames > 1 and dataset.get("SOPClassUID") == VLWholeSlideMicroscopyImageStorage:
        raise ImageError(
            f"The DICOM file has {frames} frames, the tiles of a whole slide; one image is needed.",
            path=path,
            remedy="Export one field of it.",
        )
    if not 0 <= frame < frames:
        raise ImageError(
            f"The DICOM file has no frame {frame + 1}; it has {frames}.", path=path, remedy="Choose another frame."
        )
    return frames


def _check_pixels_described(dataset: Dataset, path: Path) -> None:
    """Complete what the header leaves out where only one thing can be meant, and reject what can't be decoded.

    Raises:
        ImageError: naming the value that can't be.
    """
    colours = photometric(dataset)
    samples = whole(dataset, "SamplesPerPixel", 1 if colours.startswith(("MONOCHROME", "PALETTE")) else 3)
    if not colours:
        raise ImageError(
            "The DICOM header does not say how pixel values are meant (PhotometricInterpretation).",
            path=path,
            remedy=DAMAGED,
        )
    single = colours in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    if samples not in (1, 3) or single != (samples == 1) or colours not in PHOTOMETRIC:
        raise ImageError(
            f"Pixels of {samples} channels, called {colours}, can't be shown.",
            path=path,
            remedy="Export the image in grey or RGB.",
        )
    allocated = whole(dataset, "BitsAllocated", 0)
    if "PixelData" in dataset and allocated not in ALLOCATED:
        raise ImageError(
            f"Pixels of {allocated} allocated bits can't be read.", path=path, remedy="Export it with 8 or 16 bits."
        )
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = colours, samples


def _notices(dataset: Dataset) -> list[str]:
    """Return the notices for the user from the header alone."""
    found = [f"{name} can't be read and is ignored." for name in unreadable(dataset, _AUXILIARY)]
    if "FOR PROCESSING" in word(dataset, "PresentationIntentType") or "For Processing" in _kind(dataset):
        found.append("The image is FOR PROCESSING: raw detector values, not what a radiologist reads.")
    return found


_AUXILIARY = (*SPACINGS, "PixelAspectRatio", "PixelPaddingValue", "PixelPaddingRangeLimit")


def _kind(dataset: Dataset) -> str:
    return UID(str(dataset.get("SOPClassUID", ""))).name


def _is_inverted(dataset: Dataset) -> bool:
    """Return whether low values are bright: MONOCHROME1, or a presentation shape that states it (PS3.3 C.11.6.1.2)."""
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        return True
    return word(dataset, "PresentationLUTShape") == "INVERSE"


def _profile(dataset: Dataset) -> bytes | None:
    """Return the colour profile of the image or of its optical path, if it has one."""
    for place in (dataset, *first_items(dataset, "OpticalPathSequence")):
        if isinstance(found := place.get("ICCProfile"), bytes):
            return found
    return None


def _pair(dataset: Dataset, *names: str) -> tuple[float, float] | None:
    """Return the first of these elements that holds two positive numbers of a plausible ratio."""
    for name in names:
        found = numbers(dataset, name)
        if len(found) == 2 and found[0] and found[1] and min(found[0], found[1]) > 0:
            row, column = found[0], found[1]
            if 0.2 <= row / column <= 5:
                return row, column
    return None


def _identity(dataset: Dataset) -> PatientIdentity:
    return PatientIdentity(*(str(dataset.get(name, "")) for name in IDENTITY_TAGS))
