"""Finds the images in dropped files and folders, at any depth, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from core.images.reader import find_images
from core.names import readable

CHUNK = 250  # files handed over at a time


class FileSearch(QThread):
    """One search; hands over the first file at once, the others in chunks."""

    found = Signal(list)  # of paths
    nothing = Signal(str)  # where it looked in vain

    def __init__(self, paths: Iterable[Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("file search")
        self._paths = list(paths)

    def run(self) -> None:
        """Search until all is found or the search is interrupted."""
        images = find_images(self._paths)
        chunk = list(islice(images, 1))
        if not chunk:
            self.nothing.emit(", ".join(readable(path) for path in self._paths[:3]))
        while chunk and not self.isInterruptionRequested():
            self.found.emit(chunk)
            chunk = list(islice(images, CHUNK))
