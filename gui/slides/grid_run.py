"""A grid of fields compared in the background, by a thread with a slide and models of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.compare.session import Choice, Interrupted
from core.images.region import Region
from core.slides.comparing import FieldResult, compare_fields
from core.slides.opening import open_slide
from gui.common.threads import Background
from gui.engine.session import window_session

HANDED_OVER = 0.1  # seconds after which results are handed over together


class GridRun(QObject):
    """One run at a time.

    Args:
        parent: lives at least as long as the runs.
    """

    loading = Signal(str)  # name of a network
    found = Signal(list)  # of FieldResult
    ended = Signal()  # all done, or stopped
    failed = Signal(object)  # the exception: the models or the slide can't be used

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._stopping = False
        self._job: Background | None = None

    @property
    def is_running(self) -> bool:
        """Whether fields are being compared."""
        return self._job is not None

    def begin(self, path: Path, fields: Sequence[Region], choice: Choice) -> None:
        """Compare fields of a slide, one after another."""
        self._stopping = False
        self._job = Background(lambda: self._compare(path, fields, choice), self)
        self._job.done.connect(self._on_done)
        self._job.failed.connect(self._on_failed)
        self._job.begin()

    def stop(self) -> None:
        """Stop after the field that is under way; what was found stays."""
        self._stopping = True

    def close(self, milliseconds: int = 1500) -> bool:
        """Stop; return whether the thread has ended within a time."""
        self.stop()
        return self._job is None or self._job.wait(milliseconds)

    def _on_done(self, _nothing: object) -> None:
        self._job = None
        self.ended.emit()

    def _on_failed(self, error: Exception) -> None:
        self._job = None
        self.ended.emit()
        self.failed.emit(error)

    def _compare(self, path: Path, fields: Sequence[Region], choice: Choice) -> None:
        """Runs in the background."""
        session = window_session(lambda: self._stopping)
        session.announce = self.loading.emit
        found: list[FieldResult] = []
        handed_over = time.monotonic()
        try:
            with open_slide(path) as slide:
                for result in compare_fields(slide, fields, session, choice):
                    found.append(result)
                    if time.monotonic() - handed_over >= HANDED_OVER:
                        self.found.emit(found)
                        found, handed_over = [], time.monotonic()
        except Interrupted:
            pass
        finally:
            if found:
                self.found.emit(found)
