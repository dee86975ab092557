"""The files of "Analyse all", and how far it has come."""

from __future__ import annotations

from collections import deque
from collections.abc import Set
from pathlib import Path

from core.compare.session import Choice
from gui.engine.events import BatchProgress
from gui.engine.jobs import AnalyseFiles


class Batch:
    """A queue of files, of which the first are handed out; used by several threads, which take turns by a lock.

    Attributes:
        paused: whether it waits until it is resumed.
        number: how often it was begun.
        choice: what is compared.
    """

    def __init__(self) -> None:
        self.paused = False
        self.number = 0
        self.choice = Choice()
        self._handed_out: deque[Path] = deque()
        self._waiting: deque[Path] = deque()
        self._total = self._done = self._failed = 0
        self._preparing = ""  # the network that is being loaded
        self._seconds = 0.0  # that the files done have taken
        self._told = 0  # how often its progress was asked for

    @property
    def left(self) -> int:
        """How many files are not finished."""
        return len(self._handed_out) + len(self._waiting)

    def begin(self, job: AnalyseFiles) -> None:
        """Take files in place of those that are left."""
        self.number += 1
        self.choice, self.paused = job.choice, job.paused
        self._handed_out, self._waiting = deque(), deque(job.paths)
        self._total, self._done, self._failed, self._seconds = self.left, 0, 0, 0.0
        self._preparing = ""

    def hand_out(self, number: int) -> Path | None:
        """Return the next file; None if there is none, or the batch of this number is over."""
        if number != self.number or not self._waiting:
            return None
        self._handed_out.append(self._waiting.popleft())
        return self._handed_out[-1]

    def take_back(self) -> None:
        """Have the files handed out again that are not finished."""
        self._waiting.extendleft(reversed(self._handed_out))
        self._handed_out.clear()

    def prepare(self, network: str) -> None:
        """Note that a network is being loaded for the next file."""
        self._preparing = network

    def finish(self, path: Path, number: int, seconds: float, *, failed: bool = False) -> bool:
        """Note that a file is done, and return whether it was still wanted.

        Args:
            path: the first file that was handed out, of those that are wanted.
            number: that of its batch.
            seconds: how long it has taken after the one before it.
            failed: whether it failed.
        """
        self._preparing = ""
        if number != self.number or not self._handed_out or self._handed_out[0] != path:
            return False
        self._handed_out.popleft()
        self._done += 1
        self._failed += failed
        self._seconds += seconds
        return True

    def leave_out(self, paths: Set[Path]) -> None:
        """Take files out of it."""
        before = self.left
        self._handed_out, self._waiting = (
            deque(path for path in files if path not in paths) for files in (self._handed_out, self._waiting)
        )
        self._total -= before - self.left

    def cancel(self) -> None:
        """Take all files out that are left."""
        self._handed_out.clear()
        self._waiting.clear()
        self._total = self._done

    def progress(self) -> BatchProgress:
        """Return how far it has come."""
        left = self._seconds / self._done * (self._total - self._done) if self._done else None
        self._told += 1
        paused = self.paused and self._done < self._total
        return BatchProgress(self._done, self._total, paused, left, self._told, self._failed, self._preparing)
