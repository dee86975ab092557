"""Labels of images, from the folders that they lie in or from a ``manifest.csv``, and what else that says of them."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from core.tasks import Task

MANIFEST = "manifest.csv"
FOLDERS_UP = 6  # how far above an image its manifest may lie
MOST_BYTES = 64 << 20  # of a manifest
MASK_FOLDERS = ("lung masks", "infection masks")  # beside the folder "images" of a class of COVID-QU-Ex


def label_of(path: Path, task: Task) -> str | None:
    """Return the class that the folder of an image is named after, in any case; folders above it are not used.

    In COVID-QU-Ex (``Test/COVID-19/images/x.png``, beside folders of masks) ``images`` is a part of the class's folder.
    """
    folder = path.parent
    if folder.name == "images" and any(os.path.isdir(folder.parent / masks) for masks in MASK_FOLDERS):  # noqa: PTH112
        folder = folder.parent
    known = {label.lower(): label for label in task.class_ids}
    return known.get(folder.name.lower())


@dataclass
class Labels:
    """Looks up true classes; each manifest is read once.

    A ``manifest.csv`` beside an image or in a folder above it, with the columns ``path`` (relative to the manifest) and
    ``label``, takes precedence over the folder's name. One that can't be read is not used.
    """

    _manifests: dict[Path, dict[str, dict[str, str]] | None] = field(default_factory=dict)

    def of(self, path: Path, task: Task) -> str | None:
        """Return the true class of an image, None where there is none.

        Args:
            path: the image, absolute.
            task: whose classes are meant; another label is none.
        """
        row = self._row(path)
        if row is None:
            return label_of(path, task)
        known = {label.lower(): label for label in task.class_ids}
        return known.get(row["label"].lower())

    def columns_of(self, path: Path) -> dict[str, str]:
        """Return what else a manifest says of an image, by the name of the column; empty without one.

        Args:
            path: the image, absolute.
        """
        row = self._row(path) or {}
        return {name: value for name, value in row.items() if name not in ("path", "label")}

    def _row(self, path: Path) -> dict[str, str] | None:
        for folder in islice(path.parents, FOLDERS_UP):
            if folder not in self._manifests:
                self._manifests[folder] = _read(folder)
            listed = self._manifests[folder]
            found = None if listed is None else listed.get(os.path.normpath(path.relative_to(folder)))
            if found is not None:
                return found
        return None


def _read(folder: Path) -> dict[str, dict[str, str]] | None:
    """Return the rows of a folder's manifest, by path within the folder; None without a usable one."""
    path = folder / MANIFEST
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                return None
            rows = [{name: value.strip() for name, value in row.items() if isinstance(value, str)} for row in reader]
            return {os.path.normpath(row["path"]): row for row in rows if row.get("path") and row.get("label")}
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
