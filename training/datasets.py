"""Labelled image sets as they lie on disk."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import TwinlensError

MANIFEST = "manifest.csv"
REQUIRED = ("path", "label", "split")


class DatasetError(TwinlensError):
    """A data set is missing, empty or does not fit the task."""


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    Attributes:
        path: the image file.
        label: its class label, as the task writes it.
        split: ``train``, ``val`` or ``test``.
        facts: the manifest's other columns, e.g. ``source``, ``population``, ``group_id``.
    """

    path: Path
    label: str
    split: str
    facts: dict[str, str]


def read_manifest(folder: Path) -> list[Sample]:
    """Read ``manifest.csv`` (columns ``path,label,split`` and any others; paths relative to the folder).

    Raises:
        DatasetError: if the file is missing, lacks a column or has no rows.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DatasetError(f"There is no {MANIFEST} here.", path=folder, remedy=f"It lists {', '.join(REQUIRED)}.")
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if missing := [name for name in REQUIRED if name not in (rows.fieldnames or ())]:
            raise DatasetError(f"The manifest lacks the column {missing[0]!r}.", path=path)
        samples = [
            Sample(
                path=folder / row["path"],
                label=row["label"],
                split=row["split"],
                facts={key: value for key, value in row.items() if key not in REQUIRED},
            )
            for row in rows
        ]
    if not samples:
        raise DatasetError("The manifest has no rows.", path=path)
    return samples


def of_split(samples: list[Sample], split: str, classes: tuple[str, ...]) -> list[Sample]:
    """Return the samples of one split.

    Raises:
        DatasetError: if there are none, or one has a label that the classes lack.
    """
    chosen = [sample for sample in samples if sample.split == split]
    if not chosen:
        raise DatasetError(f"The data set has no images in the split {split!r}.")
    for sample in chosen:
        if sample.label not in classes:
            raise DatasetError(
                f"The label {sample.label!r} is not one of the model's classes {', '.join(classes)}.", path=sample.path
            )
    return chosen


def in_batches(samples: list[Sample], size: int) -> Iterator[list[Sample]]:
    """Yield the samples in order, ``size`` at a time."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]
