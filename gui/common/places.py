"""Where something that is exported is saved unless the person wants it elsewhere: beside its images."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from PySide6.QtCore import QStandardPaths


def folder_of(paths: Iterable[Path]) -> Path:
    """Return the folder of the first image; the user's documents where it can't be written or is a program's own."""
    for path in paths:
        folder = path.absolute().parent
        if os.access(folder, os.W_OK) and not folder.is_relative_to(sys.prefix):
            return folder
        break
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(documents) if documents and Path(documents).is_dir() else Path.home()


def free_file(folder: Path, name: str) -> Path:
    """Return a file of that name, or with a number after it, which does not exist yet."""
    wanted = Path(name)
    names = (name if number == 1 else f"{wanted.stem} {number}{wanted.suffix}" for number in count(1))
    return next(path for path in (folder / name for name in names) if not os.path.lexists(path))
