"""Which study a file belongs to, from the header of a DICOM file alone."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from core.images.dicom_study import STUDY_TAGS, plain, study_date

PREAMBLE = 128  # bytes before "DICM" (PS3.10 7.1)
HEADER = 1 << 20  # bytes in which the study is looked for
DEFLATED = b"1.2.840.10008.1.2.1.99"  # a transfer syntax whose header may unpack to any size


@dataclass(frozen=True)
class Study:
    """The study of a file.

    Attributes:
        uid: its Study Instance UID, to tell studies apart; not to be shown.
        date: ``YYYY-MM-DD``, or empty.
        words: date, modality and part of the body, as far as they are known.
    """

    uid: str
    date: str
    words: str


def study_of(path: Path) -> Study | None:
    """Return the study that a file names; None where it is no DICOM file, names none, or can't be read."""
    try:
        with path.open("rb") as file:
            head = file.read(PREAMBLE + 4)
            if not head.endswith(b"DICM"):
                return None
            head += file.read(HEADER)
        if DEFLATED in head[:1024]:
            return None
        from pydicom import dcmread

        tags = ["StudyInstanceUID", "Modality", *STUDY_TAGS]
        dataset = dcmread(BytesIO(head), stop_before_pixels=True, specific_tags=tags)
        uid, date = str(dataset.get("StudyInstanceUID") or ""), study_date(dataset)
        words = (date, plain(dataset, "Modality"), plain(dataset, "BodyPartExamined"))
    except Exception:  # noqa: BLE001 - a damaged file; opening it states what is wrong
        return None
    return Study(uid, date, " · ".join(filter(None, words)) or "Study without date") if uid else None
