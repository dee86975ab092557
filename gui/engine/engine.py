"""The analysis engine: one thread that owns the models and serves the image on screen before all others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.compare.batch import went_wrong
from core.compare.pipeline import Pipeline
from core.compare.session import Choice, Interrupted
from core.explain import cam_worker
from core.names import readable
from gui.common.threads import Worker
from gui.engine.batch import Batch
from gui.engine.events import WARMING_UP, BatchStopped, Fault, FileFailed, FileUnreadable, ImageFailed
from gui.engine.jobs import AnalyseFiles, ClearScreen, CompareImage, ForgetModels, Job, WarmUp
from gui.engine.runner import JobRunner, ModelsUnusableError


class _Step(Enum):
    """What is to be done for "Analyse all" or the models, when nothing is wanted on screen."""

    FORGET = auto()
    BEGIN = auto()
    TAKE = auto()
    END = auto()


@dataclass(frozen=True, eq=False)
class _Running:
    """The pipeline of a batch, with the batch's number."""

    pipeline: Pipeline
    number: int
    choice: Choice


Work = WarmUp | CompareImage | _Step


class AnalysisEngine(QObject):
    """Does jobs in a thread of its own; all that happens comes by one signal.

    A new image on screen interrupts the one before it after the batch of forwards that is under way. "Analyse all"
    computes in threads of a pipeline, which wait from their next batch of forwards on while there is something to do
    for the screen.
    """

    happened = Signal(object)  # Event

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wake = threading.Condition()
        self._compare_image: CompareImage | None = None  # None unless one is waiting
        self._warm_up: WarmUp | None = None
        self._batch = Batch()
        self._running: _Running | None = None
        self._since = 0.0  # when the last file of a batch was finished, or the batch resumed
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
            self._steer()
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
            self._steer()
        if isinstance(job, AnalyseFiles):
            self._report_progress()

    def leave_out(self, paths: Iterable[Path]) -> None:
        """Take files out of "Analyse all", which goes on with the others."""
        with self._wake:
            self._batch.leave_out(set(paths))
            self._steer()
        self._report_progress()

    def pause(self, paused: bool) -> None:
        """Pause "Analyse all", or resume it."""
        with self._wake:
            self._batch.paused = paused
            self._steer()
        self._report_progress()

    def cancel(self) -> None:
        """Stop "Analyse all"; what has been analysed stays."""
        with self._wake:
            self._batch.cancel()
            self._steer()
        self._report_progress()

    def _steer(self) -> None:
        """Stop the pipeline if it is outdated, have it wait if the screen needs the cores, and wake the engine."""
        if self._running is not None:
            if self._closing or self._forget or self._is_outdated(self._running):
                self._running.pipeline.stop()
            elif self._batch.paused or self._compare_image is not None:
                self._running.pipeline.pause()
        self._wake.notify()

    def _is_outdated(self, running: _Running) -> bool:
        return running.number != self._batch.number or not self._batch.left

    # what follows runs in the engine's thread

    def run(self) -> None:
        """Work until closed."""
        while (work := self._next()) is not None:
            try:
                with suppress(Interrupted):
                    self._do(work)
            except Exception as error:  # noqa: BLE001 - a defect may cost this image, and nothing else
                self._give_up(work, error)
        self._end_files()
        self._runner.forget_models()  # else they stay for as long as anything refers to this engine
        cam_worker.worker.stop()

    def _next(self) -> Work | None:
        """Return what is to be done next, None to end."""
        with self._wake:
            while not self._closing:
                if self._forget:
                    return _Step.FORGET
                if self._compare_image is not None:
                    image, self._compare_image = self._compare_image, None
                    return image
                if self._warm_up is not None:
                    warm_up, self._warm_up = self._warm_up, None
                    return warm_up
                if (step := self._next_step()) is not None:
                    return step
                self._wake.wait()
        return None

    def _next_step(self) -> _Step | None:
        """Return what is to be done for "Analyse all", having resumed it."""
        if self._running is None:
            return _Step.BEGIN if self._batch.left and not self._batch.paused else None
        if self._is_outdated(self._running):
            return _Step.END
        if self._batch.paused:
            return None
        if self._running.pipeline.resume():
            self._since = time.perf_counter()
        return _Step.TAKE if self._running.pipeline.is_ready else None

    def _do(self, work: Work) -> None:
        match work:
            case WarmUp():
                self._runner.warm_up(work, self._is_image_waiting)
            case CompareImage():
                self._runner.compare_image(work, lambda: self._closing or self._ticket != work.ticket)
            case _Step.FORGET:
                self._end_files()
                self._forget = False
                self._runner.forget_models()
            case _Step.BEGIN:
                self._begin_files()
            case _Step.TAKE:
                self._take_file()
            case _Step.END:
                self._end_files()

    def _begin_files(self) -> None:
        with self._wake:
            number, choice, total = self._batch.number, self._batch.choice, self._batch.left
        pipeline = self._runner.begin_files(
            self._files(number), total, choice, self._tell_preparing, self._tell_ready
        )  # fmt: skip
        pipeline.start()
        self._since = time.perf_counter()
        with self._wake:
            self._running = _Running(pipeline, number, choice)
            self._steer()

    def _files(self, number: int) -> Iterator[Path]:
        """Yield the files of a batch as they are asked for, in a thread of the pipeline."""
        while True:
            with self._wake:
                path = self._batch.hand_out(number)
            if path is None:
                return
            yield path

    def _take_file(self) -> None:
        """Report on the next file."""
        running = self._running
        if running is None or (found := running.pipeline.take()) is None:
            self._end_files()
            return
        try:
            events = self._runner.events_of(found, running.choice)
        except ModelsUnusableError as error:
            self.cancel()
            self.happened.emit(BatchStopped(str(error)))
            return
        except Exception as error:  # noqa: BLE001 - a defect may cost this file, and nothing else
            self.happened.emit(Fault(error))
            events = [FileFailed(found.path, _reason(found.path, error), running.choice)]
        failed = any(isinstance(event, FileUnreadable | FileFailed) for event in events)
        now = time.perf_counter()
        with self._wake:
            wanted = self._batch.finish(found.path, running.number, now - self._since, failed=failed)
        self._since = now
        if wanted:
            for event in events:
                self.happened.emit(event)
            self._report_progress()

    def _end_files(self) -> None:
        """End the pipeline, if there is one; what it had begun is handed out again to the next."""
        with self._wake:
            running, self._running = self._running, None
        if running is not None:
            running.pipeline.close()
        with self._wake:
            self._batch.take_back()

    def _give_up(self, work: Work, error: Exception) -> None:
        """Have an unexpected error shown with its details, and go on with what is wanted next."""
        self.happened.emit(Fault(error))
        if isinstance(work, CompareImage):
            reason = _reason(work.path, error)
            if work.frame == 0:  # the results of a file are those of its first frame
                self.happened.emit(FileFailed(work.path, reason, work.choice))
            self.happened.emit(ImageFailed(work.ticket, work.path, reason))
        elif isinstance(work, _Step):
            self.cancel()

    def _is_image_waiting(self) -> bool:
        return self._closing or self._compare_image is not None

    def _tell_preparing(self, network: str) -> None:
        with self._wake:
            self._batch.prepare(network)
        self._report_progress()

    def _tell_ready(self) -> None:
        with self._wake:
            self._wake.notify()

    def _report_progress(self) -> None:
        with self._wake:
            progress = self._batch.progress()
        self.happened.emit(progress)


def _reason(path: Path, error: Exception) -> str:
    return f"{readable(path)}: {went_wrong(error)}"
