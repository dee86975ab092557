"""Reads which studies files belong to, in the background, once they are to be grouped so."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.images.study import study_of
from gui.common.threads import Background
from gui.worklist.entry import Grouping
from gui.worklist.model import Worklist

AT_ONCE = 500  # files


class Studies(QObject):
    """Gives the worklist the studies of its files.

    Args:
        worklist: receives them.
    """

    _read = Signal(object)  # studies by file

    def __init__(self, worklist: Worklist, parent: QObject) -> None:
        super().__init__(parent)
        self._worklist, self._parent = worklist, parent
        self._asked: set[Path] = set()
        self._read.connect(worklist.set_studies)

    def read(self) -> None:
        """Read those of files that have not been read, where files are grouped by study."""
        if self._worklist.grouping is not Grouping.STUDY:
            return
        paths = [entry.path for entry in self._worklist.entries() if entry.path not in self._asked]
        if paths:
            self._asked.update(paths)
            job = Background(lambda: self._read_all(paths, job), self._parent)
            job.begin()

    def _read_all(self, paths: list[Path], job: Background) -> None:
        for first in range(0, len(paths), AT_ONCE):
            if job.isInterruptionRequested():
                return
            self._read.emit({path: study_of(path) for path in paths[first : first + AT_ONCE]})
