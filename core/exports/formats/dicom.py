"""DICOM results in a folder: what of them there is, is in ``core.exports.dicom_objects``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.exports.dicom_objects import write_dicom_results
from core.exports.format import ExportFormat, Result, Wanted, Write
from core.system.atomic_files import make_folder


@contextmanager
def _open(place: Path, wanted: Wanted) -> Iterator[Write]:
    folder = make_folder(place)

    def write(result: Result) -> None:
        if result.image is not None and result.shown is not None:
            write_dicom_results(
                folder, result.image, result.shown, keep_identity=wanted.with_identity, window=result.window
            )

    yield write


FORMAT = ExportFormat(
    "dicom",
    "DICOM results",
    "Structured Report, Secondary Capture and Parametric Map that refer to the image",
    "dicom",
    _open,
    for_dicom=True,
)
