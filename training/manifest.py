"""A data set that a ``manifest.csv`` lists."""

from __future__ import annotations

import csv
from pathlib import Path

from training.samples import DatasetError, Sample

MANIFEST = "manifest.csv"
REQUIRED = ("path", "label", "split")


def read_manifest(folder: Path, *, split_optional: bool = False) -> list[Sample]:
    """Read ``manifest.csv`` (columns ``path,label,split`` and any others; paths relative to the folder).

    Args:
        folder: where it lies.
        split_optional: whether the column ``split`` may be missing; its samples then have an empty split.

    Raises:
        DatasetError: if the file is missing, lacks a column, has no rows, or a row lacks its path or label.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DatasetError(f"There is no {MANIFEST} here.", path=folder, remedy=f"It lists {', '.join(REQUIRED)}.")
    required = [name for name in REQUIRED if not (split_optional and name == "split")]
    samples: list[Sample] = []
    for line, row in read_table(path, required):
        if not row["path"] or not row["label"]:
            raise DatasetError(f"Line {line} of the manifest lacks its path or label.", path=path)
        samples.append(
            Sample(
                path=folder / row["path"],
                label=row["label"],
                split=row.get("split", ""),
                facts={key: value for key, value in row.items() if key not in REQUIRED},
            )
        )
    if not samples:
        raise DatasetError("The manifest has no rows.", path=path)
    return samples


def read_table(path: Path, required: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file with a header, each with its line number.

    Raises:
        DatasetError: if it can't be read, lacks a required column, or a row has more or fewer cells than the header.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            if missing := [name for name in required if name not in (reader.fieldnames or ())]:
                raise DatasetError(
                    f"The {path.stem} lacks the column {missing[0]!r}.",
                    path=path,
                    remedy=f"It needs {', '.join(required)}.",
                )
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as cause:
        raise DatasetError(f"This is not a readable CSV file ({cause}).", path=path) from cause
    for line, row in rows:
        if None in row or None in row.values():
            raise DatasetError(f"Line {line} has more or fewer cells than the header.", path=path)
    return rows
