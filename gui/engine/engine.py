"""The analysis engine: one thread that owns the models and serves the image on screen before all others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.compare.session import Interrupted
from core.explain import cam_worker
from gui.common.threads import Worker
from gui.engine.batch import Batch
from gui.engine.events import WARMING_UP, BatchStopped, Event, Fault, FileFailed, FileUnreadable, ImageFailed
from gui.engine.jobs import AnalyseFile, AnalyseFiles, ClearScreen, CompareImage, ForgetModels, Job, WarmUp, Work
from gui.engine.runner import JobRunner, ModelsUnusableError


class AnalysisEngine(QObject):
    """Does jobs in a thread of its own; all that happens comes by one signal.

    A new image on screen interrupts the one before it after the batch of forwards that is under way, and "Analyse all"
    at the same points; its file is taken up again afterwards.
    """

    happened = Signal(object)  # Event

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wake = threading.Condition()
        self._compare_image: CompareImage | None = None  # None unless one is waiting
        self._warm_up: WarmUp | None = None
        self._batch = Batch()
        self._ticket = WARMING_UP  # of what is wanted on screen
        self._closing = False
        self._forget = False
        self._runner = JobRunner(self.happened.emit, lambda: self._closing)
        self._thread = Worker("analysis", self.run, self)

    def start(self) -> None:
        """Start the thread."""
        self._thread.begin()

    def close(self, milliseconds: int = 1500) -> bool:
        """Stop all work and the thread; return whether it has ended within a time."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        return self._thread.wait(milliseconds)

    def do(self, job: Job) -> None:
        """Have a job done; one of its kind that still waits is not done any more."""
        with self._wake:
            match job:
                case WarmUp():
                    self._warm_up = job
                case CompareImage():
                    self._compare_image, self._ticket = job, job.ticket
                case ClearScreen():
                    self._compare_image, self._ticket = None, job.ticket
                case AnalyseFiles():
                    self._batch.begin(job)
                case ForgetModels():
                    self._forget = True
            self._wake.notify()
        if isinstance(job, AnalyseFiles):
            self._report_progress()

    def leave_out(self, paths: Iterable[Path]) -> None:
        """Take files out of "Analyse all", which goes on with the others."""
        with self._wake:
            self._batch.leave_out(set(paths))
        self._report_progress()

    def pause(self, paused: bool) -> None:
        """Pause "Analyse all", or resume it."""
        with self._wake:
            self._batch.paused = paused
            self._wake.notify()
        self._report_progress()

    def cancel(self) -> None:
        """Stop "Analyse all"; what has been analysed stays."""
        with self._wake:
            self._batch.cancel()
        self._report_progress()

    # what follows runs in the engine's thread

    def run(self) -> None:
        """Work until closed."""
        while (work := self._next()) is not None:
            try:
                with suppress(Interrupted):
                    self._do(work)
            except Exception as error:  # noqa: BLE001 - a defect may cost this file, and nothing else
                self._give_up(work, error)
        cam_worker.worker.stop()

    def _next(self) -> Work | None:
        """Return what is to be done next, None to end."""
        with self._wake:
            while not self._closing:
                if self._forget:
                    self._forget = False
                    self._runner.forget_models()
                if self._compare_image is not None:
                    image, self._compare_image = self._compare_image, None
                    return image
                if self._warm_up is not None:
                    warm_up, self._warm_up = self._warm_up, None
                    return warm_up
                if (file := self._batch.next()) is not None:
                    return file
                self._wake.wait()
        return None

    def _do(self, work: Work) -> None:
        match work:
            case WarmUp():
                self._runner.warm_up(work, self._is_image_waiting)
            case CompareImage():
                self._runner.compare_image(work, lambda: self._closing or self._ticket != work.ticket)
            case AnalyseFile():
                self._analyse(work)

    def _analyse(self, file: AnalyseFile) -> None:
        started = time.perf_counter()
        try:
            events = self._runner.analyse_file(file, lambda: self._has_to_wait(file), self._tell_preparing)
        except ModelsUnusableError as error:
            self.cancel()
            self.happened.emit(BatchStopped(str(error)))
            return
        self._finish(file, events, time.perf_counter() - started)

    def _finish(self, file: AnalyseFile, events: Sequence[Event], seconds: float) -> None:
        """Report on a file, unless it is no longer wanted."""
        failed = any(isinstance(event, FileUnreadable | FileFailed) for event in events)
        with self._wake:
            wanted = self._batch.finish(file, seconds, failed=failed)
        if wanted:
            for event in events:
                self.happened.emit(event)
            self._report_progress()

    def _give_up(self, work: Work, error: Exception) -> None:
        """Have an unexpected error shown with its details, and go on with what is wanted next."""
        self.happened.emit(Fault(error))
        if isinstance(work, WarmUp):
            return
        reason = f"{work.path}: Something went wrong ({type(error).__name__})."
        failed = FileFailed(work.path, reason, work.choice)
        if isinstance(work, CompareImage):
            if work.frame == 0:  # the results of a file are those of its first frame
                self.happened.emit(failed)
            self.happened.emit(ImageFailed(work.ticket, work.path, reason))
        else:
            self._finish(work, [failed], 0.0)

    def _is_image_waiting(self) -> bool:
        return self._closing or self._compare_image is not None

    def _has_to_wait(self, file: AnalyseFile) -> bool:
        """Whether a file of "Analyse all" has to wait, or is no longer wanted."""
        if self._is_image_waiting() or self._batch.paused:
            return True
        with self._wake:
            return not self._batch.is_next(file)

    def _tell_preparing(self, network: str) -> None:
        with self._wake:
            self._batch.prepare(network)
        self._report_progress()

    def _report_progress(self) -> None:
        with self._wake:
            progress = self._batch.progress()
        self.happened.emit(progress)
