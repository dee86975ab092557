"""Writes the history in a thread of its own: each analysis, its review, and what is asked of the records."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.compare.comparison import Comparison
from core.compare.session import Choice
from core.errors import TwinlensError
from core.names import readable
from core.records.analysis import Analysis, AnalysisKey, analysis
from core.records.history import History, Query
from core.records.history_errors import HistoryError
from core.records.history_writer import HistoryWriter
from core.records.review import NO_REVIEW, Review
from gui.common.threads import Worker
from gui.engine.result import FileResult
from gui.engine.results import Basis, basis_of
from gui.history.remembered import facts_of, latest_on, recorded

BUSY_SECONDS = 1.0  # how long to wait for another window's writing; closing this one must not take longer
RETRY_SECONDS = 2.0  # after which it is tried again to write what waits

Job = Callable[[HistoryWriter], Any]


class Recorder(QObject):
    """The history of this window. All methods may be called from any thread; nothing here waits for the disk.

    An image that was analysed before, at the same place, by the same models and in the same way adds no second record;
    your reading of it comes back. What can't be written, e.g. because another program has locked the history, waits
    and is written as soon as it can be.
    """

    reviewed = Signal(object, object, object)  # path, Basis, the Review that the image got earlier
    noticed = Signal(str)  # notices on how the history was opened, and on what waits
    failed = Signal(object)  # the exception
    changed = Signal()  # there are records that were not there before
    _finished = Signal(object, object)  # who gets a result, and the result

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = True  # whether analyses are recorded
        self._jobs: queue.SimpleQueue[tuple[Job, Callable[[Any], object] | None] | None] = queue.SimpleQueue()
        self._keys: dict[tuple[Path, Basis], AnalysisKey] = {}  # identify the records of this session's files
        self._reviews: dict[tuple[Path, Basis], Review] = {}  # of files that have no record yet
        self._told: set[str] = set()  # notices on how the history was opened
        self._new = False  # whether there are records that were not reported yet
        self._late = False  # whether it was reported that something waits
        self._finished.connect(lambda then, result: then(result))
        self._thread = Worker("history", self.run, self)

    def start(self) -> None:
        """Start the thread; the history is opened when it is first needed."""
        self._thread.begin()

    def close(self, milliseconds: int = 1500) -> bool:
        """Finish what was asked for and stop the thread; return whether it has ended within a time."""
        self._jobs.put(None)
        return self._thread.wait(milliseconds)

    def add(self, path: Path, result: FileResult, comparison: Comparison, choice: Choice) -> None:
        """Record an analysis, unless that is switched off."""
        if self.wanted:
            self._jobs.put((lambda writer: self._add(writer, path, result, comparison, choice), None))

    def review(self, path: Path, basis: Basis, review: Review) -> None:
        """Record your reading of a file, which some models have analysed in some way."""
        if self.wanted:
            self._jobs.put((lambda writer: self._review(writer, (path, basis), review), None))

    def ask(self, job: Callable[[History], Any], then: Callable[[Any], object]) -> None:
        """Have something done with the history, and its result handed over in the window's thread."""
        self._jobs.put((lambda writer: job(writer.history()), then))

    def forget(self) -> None:
        """Note that the history was emptied: what is analysed again is recorded again."""
        self._jobs.put((self._forget, None))

    # what follows runs in the recorder's thread

    def run(self) -> None:
        """Do what is asked until closed."""
        with HistoryWriter(wait=BUSY_SECONDS) as writer:
            while True:
                try:
                    job = self._jobs.get(timeout=RETRY_SECONDS if writer.waiting else None)
                except queue.Empty:
                    writer.retry()
                else:
                    if job is None:
                        break
                    self._do(writer, *job)
                self._tell(writer)
            if writer.waiting and not writer.retry() and not writer.is_safe:
                print(f"Not in the history: {writer.waiting} changes. {writer.error}", file=sys.stderr)

    def _do(self, writer: HistoryWriter, todo: Job, then: Callable[[Any], object] | None) -> None:
        try:
            result = todo(writer)
        except Exception as error:  # noqa: BLE001 - handed over to be shown
            self.failed.emit(error)
        else:
            if then is not None:
                self._finished.emit(then, result)

    def _tell(self, writer: HistoryWriter) -> None:
        """Report once how the history was opened, that changes wait, and that they have been written."""
        if writer.notice and writer.notice not in self._told:
            self._told.add(writer.notice)
            self.noticed.emit(writer.notice)
        if self._late != bool(writer.waiting):
            self._late = not self._late
            self._tell_waiting(writer)
        if self._new and not writer.waiting:
            self._new = False
            self.changed.emit()

    def _tell_waiting(self, writer: HistoryWriter) -> None:
        if not writer.waiting:
            self.noticed.emit("What had to wait has been written to the history.")
            return
        error = writer.error
        assert error is not None  # noqa: S101 - nothing waits without a reason
        if writer.is_safe:
            words = "{0} What is new waits in {1} and is written as soon as it can be."
            self.noticed.emit(words.format(error.problem, readable(writer.waiting_file)))
        else:
            problem = f"No history is kept. {error.problem}"
            self.failed.emit(HistoryError(problem, path=error.path, remedy=error.remedy))

    def _add(
        self, writer: HistoryWriter, path: Path, result: FileResult, comparison: Comparison, choice: Choice
    ) -> None:
        row = analysis(result.record.image.sha256, comparison, asdict(choice), path, facts_of(result))
        whose = path, basis_of(result, choice)
        if self._keys.get(whose) != row.key:
            self._record(writer, whose, row)
        self._keys[whose] = row.key
        if whose in self._reviews:
            self._review(writer, whose, self._reviews.pop(whose))

    def _record(self, writer: HistoryWriter, whose: tuple[Path, Basis], row: Analysis) -> None:
        """Record an analysis unless there is one, and hand the reading of its image over."""
        same, review = None, NO_REVIEW
        with suppress(TwinlensError):  # it can't be read: the write that follows reports why
            history, digest = writer.history(), row.image_sha256
            same = recorded(history, digest, *whose, row.settings)
            earlier = same or latest_on(history, digest, *whose) or history.latest(row.key)
            if earlier is None:  # whichever models, and wherever a copy of the image lies
                of_image = next(history.find(Query(image_sha256=digest, task=row.task, limit=1)), None)
                review = NO_REVIEW if of_image is None else replace(of_image.review, older=None)
            else:
                review = earlier.review
        if same is None:
            writer.record(replace(row, verdict=review.older, note=review.note))
            self._new = True
        if review and whose not in self._reviews:
            self.reviewed.emit(*whose, review)

    def _review(self, writer: HistoryWriter, whose: tuple[Path, Basis], review: Review) -> None:
        if whose not in self._keys:
            self._reviews[whose] = review
            return
        writer.review(self._keys[whose], review)
        self._new = True

    def _forget(self, writer: HistoryWriter) -> None:
        self._keys.clear()
        writer.drop()
