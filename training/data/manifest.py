"""A data set that a ``manifest.csv`` lists."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable
from pathlib import Path

from training.data.dataset import SPLITS, DatasetError, Sample, split_of

MANIFEST = "manifest.csv"
REQUIRED = ("path", "label", "split")
KNOWN = (*REQUIRED, "group_id", "patient_id", "source", "population", "file", "group")  # the last two of groups.csv
COLUMNS = {name.replace("_", ""): name for name in KNOWN}
DELIMITERS = ",;\t|"


def find_manifest(files: Iterable[Path], folder: Path) -> Path | None:
    """Return the manifest that lies right in a folder, by its name in any case, or None."""
    return next((file for file in files if file.parent == folder and file.name.lower() == MANIFEST), None)


def read_manifest(path: Path, *, split_optional: bool = False) -> list[Sample]:
    """Read a manifest: a CSV file with the columns ``path,label,split`` and any others.

    Commas, semicolons, tabs or bars lie between its cells; its header and its splits are read in any case; paths are
    relative to its folder and may be written with either slash.

    Args:
        path: the manifest, or the folder that it lies in.
        split_optional: whether the column ``split`` may be missing or empty; its samples then have an empty split.

    Raises:
        DatasetError: if the file is missing, lacks a column, has no rows, or a row lacks its path or label or has an
            unknown split.
    """
    path = path / MANIFEST if path.is_dir() else path
    if not path.is_file():
        remedy = f"It lists {', '.join(REQUIRED)}."
        raise DatasetError(f"There is no {path.name} here.", path=path.parent, remedy=remedy)
    required = [name for name in REQUIRED if not (split_optional and name == "split")]
    samples: list[Sample] = []
    for line, row in read_table(path, required):
        if not row["path"] or not row["label"]:
            raise DatasetError(f"Line {line} of the manifest lacks its path or label.", path=path)
        given = row.get("split", "")
        split = split_of(given)
        if given and not split:
            raise DatasetError(
                f"Line {line} of the manifest gives {row['path']} the split {given!r}.",
                path=path,
                remedy=f"It must be one of {', '.join(SPLITS)}, or empty for all images.",
            )
        facts = {key: value for key, value in row.items() if key not in REQUIRED}
        samples.append(Sample(_file(path.parent, row["path"]), row["label"], split, facts))
    if not samples:
        raise DatasetError("The manifest has no rows.", path=path)
    without = next((sample for sample in samples if not sample.split), None)
    if without is not None and (not split_optional or any(sample.split for sample in samples)):
        raise DatasetError(
            f"The manifest gives {without.path.name} the split ''.",
            path=path,
            remedy=f"It must be one of {', '.join(SPLITS)}, or empty for all images.",
        )
    return samples


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
    """Return a table's text: UTF-8, or UTF-16 where its first bytes say so, as spreadsheets write it."""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def _column(name: str) -> str:
    """Return a column's name as the program knows it: ``Patient ID`` is ``patient_id``."""
    name = name.strip()
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return COLUMNS.get(plain, name)


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if "\\" in name and not path.exists():
        return folder / name.replace("\\", "/")
    return path
