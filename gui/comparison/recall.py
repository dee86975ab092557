"""Brings results of earlier sessions back when files come into the worklist, without blocking the window."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QModelIndex, QObject, Signal

from core.compare.ground_truth import Labels
from core.errors import TwinlensError
from core.names import readable
from core.records.history import History, history_path
from gui.common.threads import Background
from gui.comparison.controller import ComparisonController
from gui.history.recorder import Recorder
from gui.history.remembered import Remembered, digests, recall
from gui.worklist.model import Worklist

AT_ONCE = 32  # files; other jobs of the history come between

Digests = tuple[tuple[Path, str], ...]


class Recall(QObject):
    """Looks files up in the history; a result counts only where the file is still the same.

    Args:
        worklist: receives the files.
        recorder: owns the history.
        controller: receives the results.
        window: the parent, which ends what is under way when it is closed.
    """

    _read = Signal(object)  # Digests

    def __init__(
        self, worklist: Worklist, recorder: Recorder, controller: ComparisonController, window: QObject
    ) -> None:
        super().__init__(window)
        self._worklist, self._recorder, self._controller, self._window = worklist, recorder, controller, window
        self._known: set[str] | None = None  # where images lie that were recorded before this session
        self._asked = False
        self._new: list[Path] = []  # files that are still to be looked up
        self._read.connect(self._ask)
        worklist.rowsInserted.connect(self._on_added)

    def _on_added(self, _parent: QModelIndex, first: int, last: int) -> None:
        if not self._recorder.wanted or not history_path().exists():
            return
        self._new += [entry.path for entry in self._worklist.entries()[first : last + 1]]
        if self._known is not None:
            self._read_files()
        elif not self._asked:
            self._asked = True
            self._recorder.ask(_places, self._on_known)

    def _on_known(self, places: set[str]) -> None:
        self._known = places
        self._read_files()

    def _read_files(self) -> None:
        paths, self._new = self._new, []
        paths = [path for path in paths if readable(path.absolute()) in (self._known or ())]
        if paths:
            job = Background(lambda: self._digest(paths, job), self._window)
            job.begin()

    def _digest(self, paths: list[Path], job: Background) -> None:
        found = digests(paths, job.isInterruptionRequested)
        while some := tuple(islice(found, AT_ONCE)):
            self._read.emit(some)

    def _ask(self, files: Digests) -> None:
        self._recorder.ask(lambda history: _recalled(history, files), self._controller.take_remembered)


def _places(history: History) -> set[str]:
    with suppress(TwinlensError):  # a history that can't be read is reported where it is written
        return history.paths()
    return set()


def _recalled(history: History, files: Digests) -> list[Remembered]:
    labels = Labels()
    with suppress(TwinlensError):
        return [result for path, digest in files for result in recall(history, path, digest, labels)]
    return []
