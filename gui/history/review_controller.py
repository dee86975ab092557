"""Writes your reading of the image on screen to worklist and history; each change of it can be undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from core.errors import TwinlensError, UsageError
from core.names import readable
from core.records.review import Review
from core.tasks import TASKS
from gui.common.changes import Change
from gui.engine.results import Basis, Noted
from gui.history.recorder import Recorder
from gui.history.review_bar import ReviewBar
from gui.worklist.model import Worklist


class Reviews(QObject):
    """Connects the review bar with the file whose predictions are on screen.

    Args:
        bar: where it is entered.
        worklist: shows it beside each file.
        recorder: keeps it.
        changes: what can be undone.
        show_error: called where there is nothing to read.
    """

    undone = Signal(object)  # the file whose reading was put back

    def __init__(
        self,
        bar: ReviewBar,
        worklist: Worklist,
        recorder: Recorder,
        changes: QUndoStack,
        show_error: Callable[[BaseException], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._bar, self._worklist, self._recorder, self._changes = bar, worklist, recorder, changes
        self._show_error = show_error
        self._path: Path | None = None
        self._basis: Basis | None = None
        bar.chosen.connect(self._on_chosen)
        bar.changed.connect(self._set)
        worklist.dataChanged.connect(self._refresh)
        worklist.modelReset.connect(self._refresh)

    def show(self, path: Path | None, basis: Basis | None) -> None:
        """Read the file whose predictions are on screen, None while there are none; the last note is kept."""
        if path != self._path:
            self._bar.finish_note()
            self._path, self._basis = path, basis
            if basis is not None and basis.task in TASKS:
                self._bar.set_task(TASKS[basis.task])
            self._refresh()

    def agree(self) -> None:
        """Read the image on screen as the class that both models find.

        Raises:
            UsageError: if there is no prediction to read, or they find different ones, or one of them is hidden.
        """
        self._demand_prediction()
        entry = self._worklist.entry_of(self._path)
        found = None if entry is None else entry.file_result
        if found is None or found.novel or not found.agree:
            raise UsageError("The two do not show one class to agree with.", remedy="Choose a class as your reading.")
        self._choose(found.record.teacher.predicted)

    def write_note(self) -> None:
        """Put the cursor into the note.

        Raises:
            UsageError: if there is no prediction to read.
        """
        self._demand_prediction()
        self._bar.note.setFocus()

    def _on_chosen(self, reading: str) -> None:
        try:
            self._demand_prediction()
        except TwinlensError as error:
            self._show_error(error)
        else:
            self._choose(reading)

    def _choose(self, reading: str) -> None:
        """Set the reading, or take it back where it is set."""
        entry = self._worklist.entry_of(self._path)
        before = None if entry is None else entry.review.reading
        self._set(self._bar.typed(None if before == reading else reading))

    def _demand_prediction(self) -> None:
        if not self._bar.isEnabled():
            raise UsageError(
                "There is no prediction to read yet.", remedy="Open an image and wait for the predictions."
            )

    def _refresh(self) -> None:
        entry = self._worklist.entry_of(self._path)
        self._bar.show_review(None if entry is None or entry.file_result is None else entry.review)

    def _set(self, review: Review) -> None:
        path, basis, entry = self._path, self._basis, self._worklist.entry_of(self._path)
        if path is None or basis is None or entry is None or entry.result is None:
            return
        noted, before = entry.result.noted, entry.review

        def undo() -> None:
            self._write(path, basis, noted, before)
            self.undone.emit(path)

        words = "note on" if review.reading == before.reading else "reading of"
        self._changes.push(
            Change(f"{words} {readable(path.name)}", lambda: self._write(path, basis, noted, review), undo)
        )

    def _write(self, path: Path, basis: Basis, noted: Noted, review: Review) -> None:
        entry = self._worklist.entry_of(path)
        if entry is not None and entry.result is not None and entry.result.noted is not noted:
            return  # the file is another image by now
        noted.review = review
        self._recorder.review(path, basis, review)
        self._worklist.tell_changed(path)
