"""Which files are whole slides, told without decoding a pixel and without the libraries that read them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from core.images.limits import MAX_PIXELS
from core.images.reader import HEAD_BYTES, recognise
from core.system.suppress_warnings import without_warnings

# formats of scanners, recognised by name: some begin like a plain TIFF or JPEG file
SCANNERS = {
    ".svs": "Aperio SVS", ".ndpi": "Hamamatsu NDPI", ".mrxs": "MIRAX (MRXS)", ".scn": "Leica SCN",
    ".bif": "Ventana BIF", ".vms": "Hamamatsu VMS", ".vmu": "Hamamatsu VMU",
}  # fmt: skip
WHOLE_SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"  # VL Whole Slide Microscopy Image Storage
MOST_PAGES = 64  # of a TIFF file that are looked at


def is_slide(path: Path) -> bool:
    """Return whether a file is a whole slide, to be read in parts, and not an image that networks take as it is.

    These are files of scanners' formats, tiled TIFF files with a pyramid, TIFF files of more pixels than are opened at
    once, and DICOM whole slides of more than one frame. A file that can't be read is none: opening it says why.
    """
    try:
        if not path.is_file():
            return False
        if path.suffix.lower() in SCANNERS:
            return True
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        kind = recognise(head)
        with without_warnings():
            if kind == "TIFF":
                return _is_slide_tiff(path)
            return kind == "DICOM" and WHOLE_SLIDE_CLASS.encode() in head and series_of(path) is not None
    except Exception:  # noqa: BLE001 - parsers raise many kinds on a damaged file
        return False


def series_of(path: Path) -> str | None:
    """Return the series of a DICOM whole slide, whose files are one slide together, or None for any other file.

    Raises:
        Exception: whatever pydicom raises on a file that is no DICOM.
    """
    import pydicom

    tags: list[str] = [
        "SOPClassUID", "NumberOfFrames", "Rows", "Columns", "TotalPixelMatrixRows", "TotalPixelMatrixColumns",
        "SeriesInstanceUID",
    ]  # fmt: skip
    found = pydicom.dcmread(path, specific_tags=tags, stop_before_pixels=True)
    if found.get("SOPClassUID") != WHOLE_SLIDE_CLASS:
        return None
    rows, columns = int(found.get("Rows", 0)), int(found.get("Columns", 0))
    whole = int(found.get("TotalPixelMatrixRows", rows)), int(found.get("TotalPixelMatrixColumns", columns))
    in_parts = int(found.get("NumberOfFrames", 1) or 1) > 1 or whole != (rows, columns)
    return str(found.get("SeriesInstanceUID", "")) if in_parts else None


def identity(path: Path) -> tuple[str, str]:
    """Return what is the same for all files of one slide: the folder and the series for DICOM, else the file."""
    if path.suffix.lower() not in SCANNERS:
        try:
            with without_warnings():
                series = series_of(path)
        except Exception:  # noqa: BLE001 - it is no DICOM
            series = None
        if series:
            return str(path.parent), series
    return str(path), ""


def _is_slide_tiff(path: Path) -> bool:
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if int(page.imagelength) * int(page.imagewidth) > MAX_PIXELS:
            return True
        if not page.is_tiled:
            return False
        if page.subifds:
            return True
        others = (other for other in islice(file.pages, 1, MOST_PAGES) if isinstance(other, tifffile.TiffPage))
        return any(other.is_tiled and other.imagewidth < page.imagewidth for other in others)
