"""Writes to the history without losing anything: what can't be written now waits, on disk too, and is written later."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Self

from core.errors import TwinlensError
from core.records.analysis import Analysis, AnalysisKey
from core.records.history import BUSY_SECONDS, History, history_path
from core.records.history_waiting import Waiting, keep, new_waiting_file
from core.records.review import Review


class HistoryWriter:
    """The history of a process that continues while it can't be written, e.g. because another one has locked it.

    The history is opened when it is first needed. One thread uses it; close it, or use it in a ``with`` block.

    Attributes:
        error: why the history could not be written when that was last tried, else None.
        waiting_file: where changes wait; whoever opens the history when this process has ended takes them in.

    Args:
        path: the file; by default the user's history.
        wait: how many seconds to wait for another window's writing; not again while something waits.
    """

    def __init__(self, path: Path | None = None, wait: float = BUSY_SECONDS) -> None:
        self.path = path or history_path()
        self.error: TwinlensError | None = None
        self.waiting_file = new_waiting_file(self.path)
        self._wait = wait
        self._history: History | None = None
        self._waiting: deque[Waiting] = deque()
        self._saved = 0  # how many of them are on disk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """How many changes wait to be written."""
        return len(self._waiting)

    @property
    def is_safe(self) -> bool:
        """Whether all that waits is on disk, so that it is not lost with this process."""
        return self._saved == len(self._waiting)

    @property
    def notice(self) -> str:
        """What a person should know about how the history was opened, or an empty string."""
        return "" if self._history is None else self._history.notice

    def history(self) -> History:
        """Return the history, opened.

        Raises:
            HistoryError: if it can't be opened.
            WriteError: if its folder can't be made.
        """
        if self._history is None:
            self._history = History(self.path, self._wait if self.error is None else 0)
        return self._history

    def record(self, found: Analysis) -> None:
        """Write an analysis, or let it wait."""
        self._put(Waiting(found.key, found))

    def review(self, key: AnalysisKey, review: Review) -> None:
        """Write your reading of an analysis that was recorded, or let it wait."""
        self._put(Waiting(key, review=review))

    def retry(self, *, patiently: bool = False) -> bool:
        """Write what waits, and return whether nothing does any more.

        Args:
            patiently: whether to wait for another window's writing although that was in vain before.
        """
        try:
            history = self.history()
            history.be_patient(self._wait if patiently or self.error is None else 0)
            while self._waiting:
                history.write(self._waiting[0])
                self._waiting.popleft()
                self._saved = max(0, self._saved - 1)
        except TwinlensError as error:
            self.error = error
            return False
        if self.error is not None:
            self.drop()
        return True

    def drop(self) -> None:
        """Drop what waits: it has been written, or the history was emptied."""
        self._waiting.clear()
        self._saved = 0
        self.error = None
        with suppress(OSError):
            self.waiting_file.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the history."""
        if self._history is not None:
            self._history.close()
            self._history = None

    def _put(self, change: Waiting) -> None:
        self._waiting.append(change)
        if not self.retry():
            with suppress(OSError, TwinlensError):  # it waits in memory
                for unsaved in islice(self._waiting, self._saved, None):
                    keep(self.waiting_file, unsaved)
                    self._saved += 1
