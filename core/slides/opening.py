"""Opens a whole slide with what can read it, or says why it can't be opened."""

from __future__ import annotations

from pathlib import Path

from core.errors import ImageError
from core.images.reader import HEAD_BYTES, recognise
from core.slides.kinds import SCANNERS
from core.slides.slide import Slide
from core.system.extras import require
from core.system.suppress_warnings import without_warnings

EXTRA = "slides"
OPENED = "SVS, NDPI, MRXS, SCN, BIF, OME-TIFF, BigTIFF and DICOM whole slides"


def open_slide(path: str | Path) -> Slide:
    """Open a whole slide; nothing is decoded yet.

    Pyramids in plain, Big- and OME-TIFF files are read by tifffile, all other formats by OpenSlide.

    Raises:
        ImageError: if it can't be opened, naming the file, the reason and what to do.
        MissingExtraError: if its format needs the extra ``slides``, which is not installed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            kind = recognise(file.read(HEAD_BYTES))
    except OSError as cause:
        raise ImageError(
            f"The file can't be read ({cause.strerror or cause}).", path=path, remedy="Check the disk or the name."
        ) from cause
    name = SCANNERS.get(path.suffix.lower(), "DICOM" if kind == "DICOM" else "")
    with without_warnings():
        if not name and kind == "TIFF":
            from core.slides.tiff_source import TiffSource

            return Slide(path, TiffSource(path))
        if not name:
            raise ImageError(f"This is not a whole slide. Twinlens opens {OPENED}.", path=path)
        require(EXTRA, f"Reading {name} slides")
        from core.slides.openslide_source import OpenSlideSource

        return Slide(path, OpenSlideSource(path, name))
