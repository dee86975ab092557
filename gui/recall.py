"""Brings answers of earlier sessions back when files come into the worklist, without keeping the window waiting."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QModelIndex, QObject, Signal

from core.errors import TwinlensError
from core.history import History, history_path
from gui.background import Background
from gui.conductor import Conductor
from gui.recorder import Recorder
from gui.remembered import Remembered, digests, known, recall
from gui.worklist import Worklist

AT_ONCE = 32  # files; other questions to the history come between

Digests = tuple[tuple[Path, str], ...]


class Recall(QObject):
    """Asks the history for files that it knows; an answer counts only where the file is still the same.

    Args:
        worklist: gets the files.
        recorder: knows the history.
        conductor: takes the answers.
        window: the parent, which ends what is under way when it is closed.
    """

    _read = Signal(object)  # Digests

    def __init__(self, worklist: Worklist, recorder: Recorder, conductor: Conductor, window: QObject) -> None:
        super().__init__(window)
        self._worklist, self._recorder, self._conductor, self._window = worklist, recorder, conductor, window
        self._read.connect(self._ask)
        worklist.rowsInserted.connect(self._on_added)

    def _on_added(self, _parent: QModelIndex, first: int, last: int) -> None:
        if self._recorder.wanted and history_path().exists():
            paths = [entry.path for entry in self._worklist.entries()[first : last + 1]]
            self._recorder.ask(lambda history: _known(history, paths), self._read_files)

    def _read_files(self, paths: list[Path]) -> None:
        if not paths:
            return
        job = Background(lambda: self._digest(paths, job), self._window)
        job.begin()

    def _digest(self, paths: list[Path], job: Background) -> None:
        found = digests(paths, job.isInterruptionRequested)
        while some := tuple(islice(found, AT_ONCE)):
            self._read.emit(some)

    def _ask(self, files: Digests) -> None:
        self._recorder.ask(lambda history: _recalled(history, files), self._conductor.take_remembered)


def _known(history: History, paths: list[Path]) -> list[Path]:
    with suppress(TwinlensError):  # a history that can't be read is said where it is written
        return known(history, paths)
    return []


def _recalled(history: History, files: Digests) -> list[Remembered]:
    with suppress(TwinlensError):
        return [answer for path, digest in files for answer in recall(history, path, digest)]
    return []
