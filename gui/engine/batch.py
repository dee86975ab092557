"""The files of "Analyse all", and how far it has come."""

from __future__ import annotations

from collections import deque
from collections.abc import Set
from pathlib import Path

from core.compare.session import Choice
from gui.engine.events import BatchProgress
from gui.engine.jobs import AnalyseFile, AnalyseFiles


class Batch:
    """A queue of files; used by two threads, which take turns by a lock of the engine's."""

    def __init__(self) -> None:
        self.paused = False
        self._files: deque[Path] = deque()
        self._choice = Choice()
        self._number = 0  # how often it was begun
        self._total = self._done = self._failed = 0
        self._preparing = ""  # the network that is being loaded
        self._seconds = 0.0  # that the files done have taken
        self._told = 0  # how often its progress was asked for

    def begin(self, job: AnalyseFiles) -> None:
        """Take files in place of those that are left."""
        self._number += 1
        self._files = deque(job.paths)
        self._choice, self.paused = job.choice, job.paused
        self._total, self._done, self._failed, self._seconds = len(self._files), 0, 0, 0.0

    def next(self) -> AnalyseFile | None:
        """Return the file whose turn it is, None if it is nobody's."""
        if self.paused or not self._files:
            return None
        return AnalyseFile(self._files[0], self._choice, self._number)

    def is_next(self, file: AnalyseFile) -> bool:
        """Return whether it is still this file's turn; it may have been left out, or others be wanted by now."""
        return file.batch == self._number and bool(self._files) and self._files[0] == file.path

    def prepare(self, network: str) -> None:
        """Note that a network is being loaded for the file whose turn it is."""
        self._preparing = network

    def finish(self, file: AnalyseFile, seconds: float, *, failed: bool = False) -> bool:
        """Go on to the next file, and return whether it was this one's turn."""
        self._preparing = ""
        if not self.is_next(file):
            return False
        self._files.popleft()
        self._done += 1
        self._failed += failed
        self._seconds += seconds
        return True

    def leave_out(self, paths: Set[Path]) -> None:
        """Take files out of it."""
        before = len(self._files)
        self._files = deque(path for path in self._files if path not in paths)
        self._total -= before - len(self._files)

    def cancel(self) -> None:
        """Take all files out that are left."""
        self._files.clear()
        self._total = self._done

    def progress(self) -> BatchProgress:
        """Return how far it has come."""
        left = self._seconds / self._done * (self._total - self._done) if self._done else None
        self._told += 1
        paused = self.paused and self._done < self._total
        return BatchProgress(self._done, self._total, paused, left, self._told, self._failed, self._preparing)
