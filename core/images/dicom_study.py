"""What a DICOM file states of the study: date, part of the body, view, side, and how the patient lies in the image.

No patient identity.
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from core.images.dicom_header import numbers, texts

STUDY_TAGS = ["StudyDate", "BodyPartExamined", "ViewPosition", "ImageLaterality", "Laterality", "PatientOrientation",
              "ImageOrientationPatient"]  # fmt: skip
LONGEST = 16  # characters of a code string (CS, PS3.5 6.2); what is longer is something else
AXES = (("L", "R"), ("P", "A"), ("H", "F"))  # of the patient's coordinates: letters for growing and falling values
OBLIQUE = 0.25  # a smaller part of a direction gets no letter


def study_facts(dataset: Dataset) -> tuple[str, ...]:
    """Return the date as ``YYYY-MM-DD``, the part of the body, the view and the side, as far as they are known."""
    side = plain(dataset, "ImageLaterality") or plain(dataset, "Laterality")
    words = (study_date(dataset), plain(dataset, "BodyPartExamined"),
             plain(dataset, "ViewPosition"), side)  # fmt: skip
    return tuple(filter(None, words))


def directions_of(dataset: Dataset) -> tuple[str, str] | None:
    """Return where in the patient the last column and the last row lie, or None where the file does not state it.

    It is what Patient Orientation states (PS3.3 C.7.6.1.1.1), else what follows from the direction cosines of Image
    Orientation (C.7.6.2.1.1). View and side alone do not tell how an image is stored, so nothing is inferred from them.
    """
    stated = texts(dataset, "PatientOrientation")
    if len(stated) == 2 and all(re.fullmatch("[APRLHF]{1,3}", letters) for letters in stated):
        return stated[0], stated[1]
    cosines = [value for value in numbers(dataset, "ImageOrientationPatient") if value is not None]
    if len(cosines) != 6:
        return None
    across, down = _letters(cosines[:3]), _letters(cosines[3:])
    return (across, down) if across and down else None


def _letters(direction: list[float]) -> str:
    parts = sorted(zip(direction, AXES, strict=True), key=lambda part: -abs(part[0]))
    return "".join(names[value < 0] for value, names in parts if abs(value) >= OBLIQUE)


def study_date(dataset: Dataset) -> str:
    """Return the date as ``YYYY-MM-DD``, empty where there is none."""
    date = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", plain(dataset, "StudyDate"))
    return "-".join(date.groups()) if date else ""


def plain(dataset: Dataset, name: str) -> str:
    """Return an element's value as one line; empty where it is missing, or longer than a code string."""
    value = " ".join(str(dataset.get(name) or "").split())
    return value if len(value) <= LONGEST and value.isprintable() else ""
