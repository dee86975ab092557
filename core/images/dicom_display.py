"""How a DICOM file states that its grey values are shown: modality transformation, window, look-up table, padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from core.images.dicom_header import first_items, numbers, texts, unreadable, word
from core.images.medical_image import LookupTable, Pixels, Window, WindowFunction

LONGEST_NAME = 64  # characters of a long string (LO, PS3.5 6.2)
NO_VALUES = np.zeros(0, dtype=np.uint16)


def rescaled(data: Dataset, stored: Pixels, notices: list[str]) -> Pixels:
    """Apply the modality look-up table, or rescale slope and intercept (PS3.3 C.11.1); float32 where they do anything.

    A slope of 0 would make every pixel alike and is taken as 1, as other viewers do. Where slope or intercept can't be
    read, the file's window is dropped as well, since it is meant for values that are not known.
    """
    for item in first_items(data, "ModalityLUTSequence"):
        first, entries = _table(item, stored, data)
        if len(entries):
            index = np.clip(stored.astype(np.int64) - first, 0, len(entries) - 1)
            return entries[index].astype(np.float32)
        notices.append("The file's modality look-up table can't be read and is ignored.")
    if broken := unreadable(data, ("RescaleSlope", "RescaleIntercept")):
        notices.append(f"{' and '.join(broken)} can't be read; stored values are shown, with automatic contrast.")
        for name in ("WindowCenter", "WindowWidth", "VOILUTSequence"):
            data.pop(name, None)
        return stored
    slope, intercept = (numbers(data, name)[:1] for name in ("RescaleSlope", "RescaleIntercept"))
    factor, offset = (slope[0] if slope else None), (intercept[0] if intercept else None) or 0.0
    if factor == 0:
        notices.append("RescaleSlope is 0, which would make all pixels alike; it is taken as 1.")
    factor = factor or 1.0
    if factor == 1 and offset == 0:
        return stored
    return (stored * np.float64(factor) + offset).astype(np.float32)


def padding_of(data: Dataset, words: Pixels, stored: Pixels) -> npt.NDArray[np.bool_] | None:
    """Return where the stored value states that there is no image (PS3.3 C.7.5.1.1.2).

    The value may be written signed for unsigned pixels and the other way round; the same bits are meant.

    Args:
        data: the data set.
        words: the pixels as they are allocated, unsigned, with the bits above those stored.
        stored: the pixels of the bits stored, shape as words.
    """
    values = numbers(data, "PixelPaddingValue")
    if not values or values[0] is None:
        return None
    limits = numbers(data, "PixelPaddingRangeLimit")[:1] or [None]
    low, high = sorted(int(v) for v in (values[0], values[0] if limits[0] is None else limits[0]))
    info = np.iinfo(stored.dtype) if stored.dtype.kind in "iu" else None
    if info is not None and not info.min <= low <= high <= info.max:
        low, high = sorted(_as_number(value, stored.dtype) for value in (low, high))
    found = (stored >= low) & (stored <= high)
    if low == high:  # with bits above those stored, as the words themselves may have them
        found |= words == low % (1 << 8 * words.dtype.itemsize)
    return np.asarray(found) if found.any() else None


def _as_number(value: int, kind: npt.DTypeLike) -> int:
    """Return the number that the same bits stand for in another kind of integer."""
    info = np.iinfo(kind)
    return (value - info.min) % (1 << info.bits) + info.min


def windows_of(data: Dataset, notices: list[str]) -> tuple[tuple[str, Window], ...]:
    """Return the file's windows that are usable, each with its name or an empty string; a notice where none is."""
    centres, widths = numbers(data, "WindowCenter"), numbers(data, "WindowWidth")
    named = word(data, "VOILUTFunction").replace(" ", "_")
    function: WindowFunction = named if named in ("LINEAR_EXACT", "SIGMOID") else "LINEAR"  # type: ignore[assignment]
    names = texts(data, "WindowCenterWidthExplanation")
    found = tuple(
        (_name(names, place), Window(centre, width, function))
        for place, (centre, width) in enumerate(zip(centres, widths, strict=False))
        if centre is not None and width is not None and width > 0 and not (function == "LINEAR" and width < 1)
    )
    if not found and (any(texts(data, "WindowCenter")) or any(texts(data, "WindowWidth"))):
        notices.append("The file's window can't be used and is ignored; contrast is automatic.")
    return found


def _name(names: list[str], place: int) -> str:
    """Return a window's name by its place, if it is words fit to be shown."""
    name = " ".join(names[place].split()) if place < len(names) else ""
    return name if len(name) <= LONGEST_NAME and name.isprintable() else ""


def lookup_of(data: Dataset, shown: Pixels, notices: list[str]) -> LookupTable | None:
    """Return the file's first look-up table for display, if it is a usable one.

    Its entries count as brightness by the bits that they use: many files state 16 and use 12 or 14, and others fewer
    than they use. A notice reports where the file states another depth.

    Args:
        data: the data set.
        shown: pixel values after the modality transformation.
        notices: the list to which notices for the user are added.
    """
    for item in first_items(data, "VOILUTSequence"):
        first, entries = _table(item, shown, data)
        if not len(entries) or not entries.any():
            notices.append("The file's look-up table for display can't be read and is ignored.")
            return None
        used = int(entries.max()).bit_length()
        if (stated := (numbers(item, "LUTDescriptor") + [None] * 3)[2]) != used:
            depth = "no depth" if stated is None else f"{stated:.0f} bits"
            notices.append(f"The file's look-up table for display states {depth}, its entries use {used}; those count.")
        return LookupTable(first, (entries / np.float32(2**used - 1)).astype(np.float32))
    return None


def _table(item: Dataset, values: Pixels, data: Dataset) -> tuple[int, npt.NDArray[np.uint16]]:
    """Return a look-up table's first value and its entries, uint16; no entries if it is not whole.

    The first value may be written unsigned where it is below zero: it is what fits the pixel values better.
    """
    descriptor = numbers(item, "LUTDescriptor")
    element = item.get("LUTData")
    if len(descriptor) < 2 or descriptor[0] is None or descriptor[1] is None or element is None or not values.size:
        return 0, NO_VALUES
    count = int(descriptor[0]) % (1 << 16) or 1 << 16
    big = data.original_encoding == (False, False)
    entries = _entries(element, count, ">u2" if big else "<u2")
    if len(entries) < count:
        return 0, NO_VALUES
    first, low, high = int(descriptor[1]) % (1 << 16), float(values.min()), float(values.max())

    def covered(start: int) -> float:
        return min(high, start + count - 1) - max(low, start)

    return max(first - (1 << 16), first, key=covered) if first >= 1 << 15 else first, entries[:count]


def _entries(data: Any, count: int, word: str) -> npt.NDArray[np.uint16]:  # noqa: ANN401 - pydicom gives bytes or numbers
    """Return the entries of a table of that many; two may be packed into a word, the first one in its lower byte."""
    if isinstance(data, bytes):
        words = np.frombuffer(data[: len(data) & ~1], word).astype(np.uint16)
    else:
        words = np.asarray(data, dtype=np.int64).ravel().astype(np.uint16)
    return words if len(words) >= count else np.stack([words & 255, words >> 8], axis=-1).ravel()
