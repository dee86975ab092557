"""What a DICOM file states of the study: date, part of the body, view and side. No patient identity."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

STUDY_TAGS = ["StudyDate", "BodyPartExamined", "ViewPosition", "ImageLaterality", "Laterality"]
LONGEST = 16  # characters of a code string (CS, PS3.5 6.2); what is longer is something else


def study_facts(dataset: Dataset) -> tuple[str, ...]:
    """Return the date as ``YYYY-MM-DD``, the part of the body, the view and the side, as far as they are known."""
    side = plain(dataset, "ImageLaterality") or plain(dataset, "Laterality")
    words = (study_date(dataset), plain(dataset, "BodyPartExamined"),
             plain(dataset, "ViewPosition"), side)  # fmt: skip
    return tuple(filter(None, words))


def study_date(dataset: Dataset) -> str:
    """Return the date as ``YYYY-MM-DD``, empty where there is none."""
    date = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", plain(dataset, "StudyDate"))
    return "-".join(date.groups()) if date else ""


def plain(dataset: Dataset, name: str) -> str:
    """Return an element's value as one line; empty where it is missing, or longer than a code string."""
    value = " ".join(str(dataset.get(name) or "").split())
    return value if len(value) <= LONGEST and value.isprintable() else ""
