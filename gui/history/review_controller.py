"""Writes your reading of the image on screen to worklist and history."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from core.errors import UsageError
from core.records.review import Opinion, Review
from gui.engine.results import Basis
from gui.history.recorder import Recorder
from gui.history.review_bar import ReviewBar
from gui.worklist.model import Worklist


class Reviews(QObject):
    """Connects the review bar with the file whose predictions are on screen.

    Args:
        bar: where it is entered.
        worklist: shows it beside each file.
        recorder: keeps it.
    """

    def __init__(self, bar: ReviewBar, worklist: Worklist, recorder: Recorder, parent: QObject) -> None:
        super().__init__(parent)
        self._bar, self._worklist, self._recorder = bar, worklist, recorder
        self._path: Path | None = None
        self._basis: Basis | None = None
        bar.changed.connect(self._on_changed)
        worklist.dataChanged.connect(self._refresh)
        worklist.modelReset.connect(self._refresh)

    def show(self, path: Path | None, basis: Basis | None) -> None:
        """Review the file whose predictions are on screen, None while there are none; the last note is kept."""
        if path != self._path:
            self._bar.finish_note()
            self._path, self._basis = path, basis
            self._refresh()

    def say(self, opinion: Opinion) -> None:
        """Set the reading of the file on screen, or clear it.

        Raises:
            UsageError: if there is no prediction to review.
        """
        self._demand_prediction()
        self._bar.toggle(opinion)

    def write_note(self) -> None:
        """Put the cursor into the note.

        Raises:
            UsageError: if there is no prediction to review.
        """
        self._demand_prediction()
        self._bar.note.setFocus()

    def _demand_prediction(self) -> None:
        if not self._bar.isEnabled():
            raise UsageError(
                "There is no prediction to review yet.", remedy="Open an image and wait for the predictions."
            )

    def _refresh(self) -> None:
        entry = self._worklist.entry_of(self._path)
        self._bar.show_review(None if entry is None or entry.file_result is None else entry.review)

    def _on_changed(self, review: Review) -> None:
        path, basis = self._path, self._basis
        if path is not None and basis is not None:
            self._recorder.review(path, basis, review)
            self._worklist.set_review(path, review)  # a filter may now hide the file, and another one come on screen
