"""Finds the images and whole slides in dropped files and folders, at any depth, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from core.images.reader import find_images
from core.names import readable
from core.slides.kinds import identity, is_slide

CHUNK = 250  # files handed over at a time


class FileSearch(QThread):
    """One search; hands over the first file at once, the others in chunks."""

    found = Signal(list)  # of paths
    slides_found = Signal(list)  # of paths, one a slide
    nothing = Signal(str)  # where it looked in vain

    def __init__(self, paths: Iterable[Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("file search")
        self._paths = list(paths)
        self._slides: set[tuple[str, str]] = set()

    def run(self) -> None:
        """Search until all is found or the search is interrupted."""
        images = find_images(self._paths)
        chunk = list(islice(images, 1))
        if not chunk:
            self.nothing.emit(", ".join(readable(path) for path in self._paths[:3]))
        while chunk and not self.isInterruptionRequested():
            slides = [path for path in chunk if is_slide(path)]
            if pictures := [path for path in chunk if path not in slides]:
                self.found.emit(pictures)
            if new := [path for path in slides if self._is_new(path)]:
                self.slides_found.emit(new)
            chunk = list(islice(images, CHUNK))

    def _is_new(self, slide: Path) -> bool:
        """Return whether this is the first file of a slide; a DICOM slide has one for each of its levels."""
        known = identity(slide)
        is_new = known not in self._slides
        self._slides.add(known)
        return is_new
