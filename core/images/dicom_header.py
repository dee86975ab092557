"""Elements of a DICOM header as found in practice: decimal commas, words in place of numbers, odd spellings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

TEXT_REPRESENTATIONS = ("CS", "DS", "IS", "LO", "SH")
# the sequences of a functional group that define how its frame is shown (PS3.3 C.7.6.16.2)
FRAME_SEQUENCES = ("PixelValueTransformationSequence", "FrameVOILUTSequence", "PixelMeasuresSequence",
                   "PlaneOrientationSequence")  # fmt: skip
FRAME_ELEMENTS = (
    "RescaleSlope", "RescaleIntercept", "RescaleType", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "VOILUTSequence", "PixelSpacing", "WindowCenterWidthExplanation", "ImageOrientationPatient",
)  # fmt: skip
PHOTOMETRIC = (
    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "HSV", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422",
    "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB",
)  # fmt: skip


def texts(data: Dataset, name: str) -> list[str]:
    """Return the values of an element as they are written, not yet read as what they should be; none if it is missing.

    pydicom rejects the whole element where one value is malformed, so text is split here.
    """
    element: Any = data.get_item(name)
    if element is None or element.value is None:
        return []
    if isinstance(element, RawDataElement) and isinstance(element.value, bytes) and _is_text(element):
        return [value.strip(" \0") for value in element.value.decode("latin-1").split("\\")]
    try:
        value = data[name].value
    except Exception:  # noqa: BLE001 - whatever pydicom makes of a malformed value
        return ["?"]
    values = value if isinstance(value, (list, MultiValue)) else [value]
    return ["" if value is None else str(value).strip(" \0") for value in values]


def _is_text(element: RawDataElement) -> bool:
    kind = element.VR
    if kind in (None, "UN"):  # implicit, or unknown to whoever wrote it
        kind = dictionary_VR(element.tag)
    return kind in TEXT_REPRESENTATIONS


def numbers(data: Dataset, name: str) -> list[float | None]:
    """Return the values of a numeric element, None for each that is no finite number; a decimal comma is a point."""
    return [_number(text) for text in texts(data, name)]


def unreadable(data: Dataset, names: Iterable[str]) -> list[str]:
    """Return those of the elements that hold something, but where a number should be first there is none."""
    return [name for name in names if any(texts(data, name)) and numbers(data, name)[0] is None]


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(data: Dataset, name: str, default: int) -> int:
    """Return an element's first value as an integer, or the default where it is missing or no number."""
    found = numbers(data, name)
    return default if not found or found[0] is None else int(found[0])


def word(data: Dataset, name: str) -> str:
    """Return an element's first value in capitals without what surrounds it, or an empty string."""
    found = texts(data, name)
    return found[0].upper() if found else ""


def photometric(data: Dataset) -> str:
    """Return the photometric interpretation as the standard spells it; as found if it is none of the standard's."""
    found = word(data, "PhotometricInterpretation")
    return next((known for known in PHOTOMETRIC if _letters(known) == _letters(found)), found)


def _letters(text: str) -> str:
    return re.sub("[^A-Z0-9]", "", text.upper())


def bring_up_functional_groups(data: Dataset, frame: int = 0) -> None:
    """Set the elements of a frame of an enhanced object where other objects have them (PS3.3 C.7.6.16).

    The frame's own functional groups take precedence over the shared ones, and both over the data set's elements.
    """
    for groups, place in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame)):
        for group in _items(data, groups)[place : place + 1]:
            for sequence in FRAME_SEQUENCES:
                for item in first_items(group, sequence):
                    for name in FRAME_ELEMENTS:
                        if (element := item.get_item(name)) is not None:
                            data[element.tag] = element


def first_items(data: Dataset, name: str) -> list[Dataset]:
    """Return the first item of a sequence in a list, which is empty where there is none."""
    return _items(data, name)[:1]


def _items(data: Dataset, name: str) -> list[Dataset]:
    found: Any = data.get(name)
    return list(found) if isinstance(found, (Sequence, list)) else []
