"""Keeps the history in a thread of its own: each analysis, its review, and what is asked of the records."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.comparison import Comparison
from core.history import History, HistoryError, Query, Review
from gui.analysis import Choice
from gui.background import Worker

Job = Callable[[History], Any]


class Recorder(QObject):
    """The history of this window. All methods may be called from any thread; nothing here waits for the disk.

    An image that was analysed before, at the same place, by the same models and in the same way adds no second record;
    its review comes back.
    """

    reviewed = Signal(object, object)  # path, the Review that an earlier analysis of the image got
    noticed = Signal(str)  # what a person should know about how the history was opened
    failed = Signal(object)  # the exception
    changed = Signal()  # there are records that were not there before
    _answered = Signal(object, object)  # what is told, and its answer

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = True  # whether analyses are recorded
        self._jobs: queue.SimpleQueue[tuple[Job, Callable[[Any], object] | None] | None] = queue.SimpleQueue()
        self._numbers: dict[Path, int] = {}  # records of the files of this session
        self._reviews: dict[Path, Review] = {}  # of files whose record is not written yet
        self._broken = False
        self._answered.connect(lambda then, answer: then(answer))
        self._thread = Worker("history", self.run, self)

    def start(self) -> None:
        """Start the thread; the history is opened when it is first needed."""
        self._thread.begin()

    def close(self, milliseconds: int = 1500) -> bool:
        """Finish what was asked for and stop the thread; return whether it has ended within a time."""
        self._jobs.put(None)
        return self._thread.wait(milliseconds)

    def add(self, path: Path, digest: str, comparison: Comparison, choice: Choice) -> None:
        """Record an analysis, unless the settings say that none is."""
        if self.wanted and not self._broken:
            self._jobs.put((lambda history: self._add(history, path, digest, comparison, choice), None))

    def review(self, path: Path, review: Review) -> None:
        """Record what the reviewer thinks of the last analysis of a file."""
        if self.wanted and not self._broken:
            self._jobs.put((lambda history: self._review(history, path, review), None))

    def ask(self, job: Job, then: Callable[[Any], object]) -> None:
        """Have something done with the history, and its result handed over in the window's thread."""
        self._jobs.put((job, then))

    def forget(self) -> None:
        """Note that the history was emptied: what is analysed again is recorded again."""
        self._jobs.put((lambda _history: self._numbers.clear(), None))

    # what follows runs in the recorder's thread

    def run(self) -> None:
        """Do what is asked until closed."""
        history: History | None = None
        try:
            while (job := self._jobs.get()) is not None:
                todo, then = job
                try:
                    if history is None:
                        history = self._opened()
                    answer = todo(history)
                except Exception as error:  # noqa: BLE001 - handed over to be shown
                    self._broken = isinstance(error, HistoryError) and then is None  # said once, not at each image
                    self.failed.emit(error)
                else:
                    if then is not None:
                        self._answered.emit(then, answer)
        finally:
            if history is not None:
                history.close()

    def _opened(self) -> History:
        history = History()
        if history.notice:
            self.noticed.emit(history.notice)
        return history

    def _add(self, history: History, path: Path, digest: str, comparison: Comparison, choice: Choice) -> None:
        models = tuple(side.bundle.card.weights_sha256 for side in (comparison.teacher, comparison.student))
        settings = asdict(choice)
        number = self._known(history, path, digest, models, settings)
        if number is None:
            number = history.add(digest, comparison, settings, path)
            self.changed.emit()
        self._numbers[path] = number
        if path in self._reviews:
            self._review(history, path, self._reviews.pop(path))

    def _known(
        self, history: History, path: Path, digest: str, models: tuple[str, ...], settings: dict[str, Any]
    ) -> int | None:
        for row in history.find(Query(image_sha256=digest)):
            same = (row["teacher_sha256"], row["student_sha256"]) == models and row["settings"] == settings
            if same and row["path"] == str(path.absolute()):
                if review := Review(row["verdict"], row["note"]):
                    self.reviewed.emit(path, review)
                number: int = row["id"]
                return number
        return None

    def _review(self, history: History, path: Path, review: Review) -> None:
        number = self._numbers.get(path)
        if number is None:
            self._reviews[path] = review
        else:
            history.review(number, review.verdict, review.note)
            self.changed.emit()
