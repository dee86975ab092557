"""A CSV file with a header, as spreadsheets write it: a manifest, or a list of groups."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from training.data.dataset import DatasetError

REQUIRED = ("path", "label", "split")  # of a manifest
KNOWN = (*REQUIRED, "group_id", "patient_id", "source", "population", "file", "group")  # the last two of groups.csv
COLUMNS = {name.replace("_", ""): name for name in KNOWN}
DELIMITERS = ",;\t|"


def read_table(path: Path, required: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file with a header, each with its line number; cells without space around them.

    Raises:
        DatasetError: if it can't be read, lacks a required column, has one twice, or a row has more or fewer cells than
            the header.
    """
    try:
        text = _decoded(path)
        head = text.partition("\n")[0]
        delimiter = max(DELIMITERS, key=head.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [_column(name) for name in next(reader, [])]
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as cause:
        raise DatasetError(
            f"This is not a readable CSV file ({cause}).", path=path, remedy="Save it as CSV in UTF-8."
        ) from cause
    if missing := [name for name in required if name not in names]:
        raise DatasetError(
            f"The {path.stem} lacks the column {missing[0]!r}.", path=path, remedy=f"It needs {', '.join(required)}."
        )
    if twice := [name for name in COLUMNS.values() if names.count(name) > 1]:
        raise DatasetError(f"The {path.stem} has the column {twice[0]!r} twice.", path=path, remedy="Rename one.")
    found = []
    for line, cells in rows:
        if not any(cells):
            continue  # spreadsheets leave such lines at the end
        if len(cells) != len(names):
            raise DatasetError(f"Line {line} has more or fewer cells than the header.", path=path)
        found.append((line, dict(zip(names, cells, strict=True))))
    return found


def _decoded(path: Path) -> str:
    """Return a table's text: UTF-8, or UTF-16 where it begins with a byte-order mark, as spreadsheets write it."""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def _column(name: str) -> str:
    """Return a column's name as the program names it: ``Patient ID`` is ``patient_id``."""
    name = name.strip()
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return COLUMNS.get(plain, name)
