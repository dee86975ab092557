"""The analysis engine: one thread that owns the models and serves the image on screen before all others."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QObject, Signal

from core.compare.classifier import Classifier
from core.compare.comparison import CamMode, watch
from core.errors import (
    BundleError,
    ExplanationError,
    RuntimeUnavailableError,
    TwinlensError,
    UsageError,
    WriteError,
)
from core.explain import cam_worker
from core.explain.scorecam import Depth
from gui.common.threads import Worker
from gui.engine.analyst import Analyst, Choice, Interrupted
from gui.engine.result import Verdict, verdict


@dataclass(frozen=True)
class Request:
    """An image to be shown.

    Attributes:
        ticket: its number; what comes back carries it, so that answers to an earlier one can be told apart.
        path: the file.
        choice: what compares.
        class_index: the class to explain, or None for the teacher's.
    """

    ticket: int
    path: Path
    choice: Choice
    class_index: int | None = None


@dataclass(frozen=True)
class BatchProgress:
    """How far "Analyse all" has come.

    Attributes:
        done: files finished, failed ones among them.
        total: files asked for.
        paused: whether it waits for the person.
        seconds_left: estimate from the files so far, or None while there is none.
        order: grows with each of them, so that one that comes late can be told.
    """

    done: int
    total: int
    paused: bool
    seconds_left: float | None
    order: int = 0

    @property
    def running(self) -> bool:
        """Whether files are left."""
        return self.done < self.total


class AnalysisEngine(QObject):
    """Runs comparisons in a thread of its own; all results come by signal, in the thread that made the engine.

    A new image on screen interrupts the one before it after the batch of forwards that is under way, and "Analyse all"
    at the same points; its file is taken up again afterwards.
    """

    busy = Signal(int, str)  # ticket, the network that is being loaded
    models_ready = Signal(int, object, object, object)  # ticket, Task, teacher's Bundle, student's Bundle
    image_opened = Signal(int, object)  # ticket, ScreenPicture
    grown = Signal(int, object, bool)  # ticket, Comparison, whether its maps are still being refined
    failed = Signal(int, object, str)  # ticket, path, the reason in words
    judged = Signal(object, object, object)  # path, Verdict, Choice: of images on screen and of "Analyse all"
    compared = Signal(object, object, object, object)  # path, Verdict, Comparison as far as it came, Choice
    unjudged = Signal(object, str, object)  # path, the reason, Choice, or None where the file itself can't be read
    batch_changed = Signal(object)  # BatchProgress
    broke = Signal(object)  # an exception that nobody expected; the work goes on
    stopped_batch = Signal(str)  # the models can't be used, so that no file could be judged

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wake = threading.Condition()
        self._urgent: Request | None = None
        self._warm_up: Choice | None = None
        self._batch: deque[Path] = deque()
        self._batch_number = 0  # how often it was begun
        self._batch_choice = Choice()
        self._batch_cam: CamMode = "none"
        self._batch_total = 0
        self._batch_seconds = 0.0
        self._batch_done = 0
        self._told = 0  # how often it was said how far it has come
        self._paused = False
        self._closing = False
        self._forget = False
        self._tickets = 0
        self._analyst = Analyst(unwanted=lambda: self._closing)
        self._thread = Worker("analysis", self.run, self)

    def start(self, choice: Choice) -> None:
        """Start the thread and load the models that will most likely be needed."""
        self._warm_up = choice
        self._thread.begin()

    def close(self, milliseconds: int = 1500) -> bool:
        """Stop all work and the thread; return whether it has ended within a time."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        return self._thread.wait(milliseconds)

    def show(self, path: Path, choice: Choice, class_index: int | None = None) -> int:
        """Ask for an image to be opened, compared and explained; return the ticket that its answers carry."""
        with self._wake:
            self._tickets += 1
            self._urgent = Request(self._tickets, path, choice, class_index)
            self._wake.notify()
        return self._tickets

    def stop_showing(self) -> int:
        """Stop refining what is on screen; return a new ticket, which makes the running one outdated."""
        with self._wake:
            self._tickets += 1
            self._urgent = None
        return self._tickets

    def analyse_all(self, paths: Iterable[Path], choice: Choice, cam: CamMode, *, paused: bool = False) -> None:
        """Compare files one after another whenever the image on screen leaves time."""
        with self._wake:
            self._batch_number += 1
            self._batch = deque(paths)
            self._batch_choice, self._batch_cam = choice, cam
            self._batch_total, self._batch_done, self._batch_seconds = len(self._batch), 0, 0.0
            self._paused = paused
            self._wake.notify()
        self._tell()

    def leave_out(self, paths: Iterable[Path]) -> None:
        """Take files out of "Analyse all", which goes on with the others."""
        with self._wake:
            doomed = set(paths)
            before = len(self._batch)
            self._batch = deque(path for path in self._batch if path not in doomed)
            self._batch_total -= before - len(self._batch)
        self._tell()

    def pause(self, paused: bool) -> None:
        """Pause "Analyse all", or go on with it."""
        with self._wake:
            self._paused = paused
            self._wake.notify()
        self._tell()

    def cancel(self) -> None:
        """Stop "Analyse all"; what has been judged stays."""
        with self._wake:
            self._batch.clear()
            self._batch_total = self._batch_done
        self._tell()

    def forget_models(self) -> None:
        """Let go of all models and read anew what is installed, before the next request."""
        with self._wake:
            self._forget = True

    # what follows runs in the engine's thread

    def run(self) -> None:
        """Serve requests until closed."""
        while (work := self._next()) is not None:
            try:
                with suppress(Interrupted):
                    if isinstance(work, Request):
                        self._show(work)
                    elif isinstance(work, Choice):
                        self._load(work)
                    else:
                        self._judge(work)
            except Exception as error:  # noqa: BLE001 - a defect may cost this file, and nothing else
                self._give_up(work, error)
        cam_worker.helper.stop()

    def _next(self) -> Request | Choice | Path | None:
        with self._wake:
            while True:
                if self._closing:
                    return None
                if self._forget:
                    self._forget = False
                    self._analyst.forget_models()
                if self._urgent is not None:
                    work, self._urgent = self._urgent, None
                    return work
                if self._warm_up is not None:
                    choice, self._warm_up = self._warm_up, None
                    return choice
                if self._batch and not self._paused:
                    return self._batch[0]
                self._wake.wait()

    def _load(self, choice: Choice) -> None:
        self._analyst.say = lambda name: self.busy.emit(0, name)
        try:
            task, teacher, student = self._analyst.models(choice, None)
        except TwinlensError as error:
            self.failed.emit(0, None, str(error))
        else:
            self.models_ready.emit(0, task, teacher.bundle, student.bundle)
            self._prepare(choice, student, teacher)

    def _prepare(self, choice: Choice, *classifiers: Classifier) -> None:
        """Do before the first image comes what its heat maps would wait for, unless it is here already."""
        if choice.cam not in get_args(Depth):
            return
        for classifier in classifiers:
            if self._closing or self._urgent is not None:
                return
            with suppress(TwinlensError):  # said when it is asked for a map
                classifier.runtime.prepare_masks()

    def _show(self, request: Request) -> None:
        ticket = request.ticket
        self._analyst.say = lambda name: self.busy.emit(ticket, name)
        image = None
        try:
            image = self._analyst.open(request.path)
            self.image_opened.emit(ticket, self._analyst.picture(image))
            if self._outdated(ticket):
                return
            task, teacher, student = self._analyst.models(request.choice, image)
            self.models_ready.emit(ticket, task, teacher.bundle, student.bundle)
            growing = self._analyst.watch(image, request.choice, request.class_index, lambda: self._outdated(ticket))
            found = next(growing)
            self.judged.emit(request.path, verdict(image, found), request.choice)
            try:
                self.grown.emit(ticket, found, True)
                for found in growing:
                    if self._outdated(ticket):
                        return
                    self.grown.emit(ticket, found, True)
            except ExplanationError as error:  # the answers stand without the map
                self.failed.emit(ticket, None, str(error))
            finally:
                kept = verdict(image, found)
                self.compared.emit(request.path, kept, found, request.choice)
            self.judged.emit(request.path, kept, request.choice)
            self.grown.emit(ticket, found, False)
        except TwinlensError as error:
            self.unjudged.emit(request.path, str(error), None if image is None else request.choice)
            self.failed.emit(ticket, request.path, str(error))

    def _judge(self, path: Path) -> None:
        started = time.perf_counter()
        with self._wake:
            number, choice, cam = self._batch_number, self._batch_choice, self._batch_cam
        self._analyst.say = lambda _name: None  # what is loaded for it is not for the file on screen
        result: Verdict | str
        image = found = None
        try:
            image = self._analyst.open(path)
            if self._interrupted(path, number):
                return
            _task, teacher, student = self._analyst.models(choice, image)
            for growing in watch(image, teacher, student, cam):
                if self._interrupted(path, number):
                    return
                found = growing
            assert found is not None  # noqa: S101 - the first frame comes in any case
            result = verdict(image, found)
        except TwinlensError as error:
            if _befalls_all(error, choice):
                self.cancel()
                self.stopped_batch.emit(str(error))
                return
            result = str(error)
        with self._wake:
            if not self._is_next(path, number):
                return
            self._batch.popleft()
            self._batch_done += 1
            self._batch_seconds += time.perf_counter() - started
        if isinstance(result, str):
            self.unjudged.emit(path, result, None if image is None else choice)
        elif image is not None and found is not None:
            self.judged.emit(path, result, choice)  # first: its review may come back
            self.compared.emit(path, result, found, replace(choice, cam=cam))
        self._tell()

    def _give_up(self, work: Request | Choice | Path, error: Exception) -> None:
        """Have an unexpected error shown with its details, and go on with what is wanted next."""
        self.broke.emit(error)
        reason = f"Something went wrong ({type(error).__name__})."
        if isinstance(work, Request):
            self.unjudged.emit(work.path, f"{work.path}: {reason}", work.choice)
            self.failed.emit(work.ticket, work.path, f"{work.path}: {reason}")
        elif isinstance(work, Path):
            with self._wake:
                if self._batch and self._batch[0] == work:
                    self._batch.popleft()
                    self._batch_done += 1
            self.unjudged.emit(work, f"{work}: {reason}", self._batch_choice)
            self._tell()

    def _outdated(self, ticket: int) -> bool:
        return self._closing or self._tickets != ticket

    def _interrupted(self, path: Path, number: int) -> bool:
        """Whether a file of "Analyse all" has to wait, or is no longer wanted."""
        if self._closing or self._urgent is not None or self._paused:
            return True
        with self._wake:
            return not self._is_next(path, number)

    def _is_next(self, path: Path, number: int) -> bool:
        """Whether it is still this file's turn; it may have been left out, or others be wanted by now."""
        return number == self._batch_number and bool(self._batch) and self._batch[0] == path

    def _tell(self) -> None:
        with self._wake:
            done, total = self._batch_done, self._batch_total
            left = self._batch_seconds / done * (total - done) if done else None
            self._told += 1
            progress = BatchProgress(done, total, self._paused and done < total, left, self._told)
        self.batch_changed.emit(progress)


def _befalls_all(error: TwinlensError, choice: Choice) -> bool:
    """Whether an error is of the models, not of one image; where each image tells its task, others may have models."""
    if isinstance(error, UsageError):
        return choice.task is not None
    return isinstance(error, BundleError | RuntimeUnavailableError | WriteError)
