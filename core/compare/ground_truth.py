"""Labels of images, from the folders that they lie in or from a ``manifest.csv``."""

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

    _manifests: dict[Path, dict[str, str] | None] = field(default_factory=dict)

    def of(self, path: Path, task: Task) -> str | None:
        """Return the true class of an image, None where there is none.

        Args:
            path: the image, absolute.
            task: whose classes are meant; another label is none.
        """
        for folder in islice(path.parents, FOLDERS_UP):
            if folder not in self._manifests:
                self._manifests[folder] = _read(folder)
            listed = self._manifests[folder]
            if listed is not None:
                known = {label.lower(): label for label in task.class_ids}
                found = listed.get(os.path.normpath(path.relative_to(folder)))
                if found is not None:
                    return known.get(found.lower())
        return label_of(path, task)


def _read(folder: Path) -> dict[str, str] | None:
    """Return the labels that a folder's manifest gives, by path within the folder; None without a usable one."""
    path = folder / MANIFEST
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                return None
            rows = [(row["path"], row["label"]) for row in reader]
            return {os.path.normpath(path): label.strip() for path, label in rows if path and label}
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
