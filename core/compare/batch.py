"""What is written of comparisons: one record a file, also of a file that can't be read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from core import NOTICE
from core.compare.comparison import Comparison
from core.images.medical_image import MedicalImage
from core.names import readable

Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Compared:
    """One file of many, compared.

    Attributes:
        record: what the headless contract says of it.
        image: the opened image, None where it can't be opened.
        comparison: what both models say, None where it can't be opened.
    """

    record: Record
    image: MedicalImage | None = None
    comparison: Comparison | None = None


def record_of(image: MedicalImage, comparison: Comparison, notices: Iterable[str]) -> Record:
    """Return what the headless contract says of an image that was compared, as plain values."""
    shown = (None, None) if image.pixels.ndim == 3 else image.display_window()
    spacing = image.spacing or (None, None)
    facts = {"sha256": image.digest, "format": image.format, "modality": image.modality or None,
             "width": image.width, "height": image.height, "bits": image.bits,
             "row_spacing_mm": spacing[0], "column_spacing_mm": spacing[1],
             "shown_low": shown[0], "shown_high": shown[1]}  # fmt: skip
    return {"path": readable(image.path), "image": facts, "task": comparison.teacher.bundle.card.task,
            **comparison.as_dict(), "notices": list(notices), "error": None}  # fmt: skip


def failed_record(path: Path, reason: str) -> Record:
    """Return what the headless contract says of a file that could not be compared."""
    return {"path": readable(path), "image": None, "task": None, "teacher": None, "student": None, "agreement": None,
            "notices": [], "error": reason}  # fmt: skip


def write_json(records: Iterable[Record], file: TextIO) -> None:
    """Write records as one JSON object, each as it comes, so that memory does not grow with their number.

    Nothing is written before the first record has been made, so that a fault of the models leaves no half object.
    """
    head = f'{{"notice": {json.dumps(NOTICE)}, "images": ['
    for i, record in enumerate(records):
        file.write(("," if i else head) + "\n" + json.dumps(record, ensure_ascii=False))
    file.write("\n]}\n")
