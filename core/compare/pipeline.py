"""Many files compared: reading, both networks, heat maps, and what the caller does with the results overlap.

    reading threads ─► one thread, both networks ─► two threads, heat maps and records ─► the caller, in order

Networks take turns (``core.runtimes.turns``), so that each has all cores and its time is its own. Without heat maps a
network takes as many images at once as it is fastest with. With them it takes one image at a time, so that the maps
have the bits of those of a single image; their masks fill the batches then.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from core.compare.read_ahead import MOST_BYTES, ReadAhead
from core.compare.session import Choice, Compared, ComparisonSession, Interrupted, Models
from core.compare.stages import OpenedFile, PredictedFile, finish, open_file, predict, predict_at_once

EXPLAINERS = 2  # one computes what to ask next while the other's masks go through the network
AHEAD = 4  # files read ahead, and as many predicted ahead of the caller
AHEAD_IN_BATCHES = 64
MANY = 100  # files from which on networks are compiled for batches, which saves no time on fewer
GROUP_BYTES = MOST_BYTES // 4  # of images that wait for others to fill a batch
POLL_SECONDS = 0.5  # how soon Ctrl-C is seen where a wait can't be interrupted (Windows)


@dataclass(frozen=True, eq=False)
class Examined:
    """What came of one of many files.

    Attributes:
        path: the file.
        compared: the comparison, None where there is an error.
        error: why it could not be compared: an ImageError or ExplanationError concerns this file alone, another
            TwinlensError its models; all others are defects.
    """

    path: Path
    compared: Compared | None = None
    error: Exception | None = None


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A result that is there or comes, and the file that is held for it."""

    future: Future[Examined]
    opened: OpenedFile | None


class Pipeline:
    """Compares on many files, in their order; what comes out is taken by one thread.

    Args:
        session: opens no image here, but loads the models.
        paths: the files; asked for one more whenever there is room, by a thread of the pipeline.
        total: about how many there are.
        choice: what is compared.
        with_identity: whether the patient's identity is read as well.
        announce: called with the name of a network before it is loaded; the session's own by default.
        on_ready: called by a thread of the pipeline when there may be something to take.
    """

    def __init__(
        self,
        session: ComparisonSession,
        paths: Iterable[Path],
        total: int,
        choice: Choice,
        *,
        with_identity: bool = False,
        announce: Callable[[str], object] | None = None,
        on_ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._session, self._choice, self._with_identity = session, choice, with_identity
        self._announce, self._on_ready = announce, on_ready
        self._in_batches = choice.cam == "none" and total >= MANY
        self._most = AHEAD_IN_BATCHES if self._in_batches else AHEAD
        self._reading = ReadAhead(self._open, paths, lambda opened: opened.nbytes, most=self._most)
        self._explainers = ThreadPoolExecutor(EXPLAINERS, "explaining")
        self._driver = threading.Thread(target=self._drive, name="predicting")
        self._may_run = threading.Event()
        self._may_run.set()
        self._closed = False
        self._changed = threading.Condition()
        self._results: deque[_Waiting] = deque()
        self._ended = False
        self._defect: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin; not needed in a ``with`` block."""
        self._driver.start()

    def pause(self) -> None:
        """Have all threads wait after the batch of forwards, or the file, that they are at."""
        self._may_run.clear()

    def resume(self) -> bool:
        """Have them go on, and return whether they were paused."""
        paused = not self._may_run.is_set()
        self._may_run.set()
        return paused

    def stop(self) -> None:
        """Have them end there; returns at once."""
        self._closed = True
        self._may_run.set()
        self._reading.stop()
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, and wait until all threads have ended."""
        self.stop()
        self._driver.join()
        self._explainers.shutdown(cancel_futures=True)

    @property
    def is_ready(self) -> bool:
        """Whether :meth:`take` returns at once."""
        with self._changed:
            return self._results[0].future.done() if self._results else self._ended

    def take(self) -> Examined | None:
        """Wait for the next file and return what came of it; None when there are no more."""
        with self._changed:
            while not (self._results or self._ended):
                self._changed.wait(POLL_SECONDS)
            if not self._results:
                if self._defect is not None:
                    raise self._defect
                return None
            first = self._results[0]
        found = _result(first.future)
        with self._changed:
            self._results.popleft()
            self._changed.notify_all()
        if first.opened is not None:
            self._reading.release(first.opened)
        return found

    # what follows runs in the pipeline's threads

    def _checkpoint(self) -> None:
        """Wait while it is paused; raise Interrupted if it is stopped."""
        self._may_run.wait()
        if self._is_stopping():
            raise Interrupted

    def _is_stopping(self) -> bool:
        return self._closed or self._session.is_stopping()

    def _open(self, path: Path) -> OpenedFile:
        self._checkpoint()
        return open_file(self._session, path, self._choice, with_identity=self._with_identity)

    def _drive(self) -> None:
        """Predict file after file, and have each explained."""
        try:
            self._predict_all()
        except Interrupted:
            pass
        except Exception as defect:  # noqa: BLE001 - raised where the results are taken
            self._defect = defect
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            self._on_ready()

    def _predict_all(self) -> None:
        models: Models | None = None
        group: list[OpenedFile] = []
        for path, read in self._reading:
            if isinstance(read, Interrupted | InterruptedError):
                raise Interrupted
            if group and (isinstance(read, Exception) or not read.has_models_of(group[0])):
                self._predict(models, group)
                group = []
            if isinstance(read, Exception):
                self._put(partial(Examined, path, error=read))
                continue
            try:
                models = self._session.loaded(read.pair, self._choice, self._announce)
            except Interrupted:
                raise
            except Exception as error:  # noqa: BLE001 - handed over
                self._put(partial(Examined, path, error=error), read)
                continue
            group.append(read)
            size = max(models.teacher.runtime.batch_size, models.student.runtime.batch_size)
            held = sum(opened.nbytes for opened in group)
            if not self._in_batches or len(group) >= size or held >= GROUP_BYTES:
                self._predict(models, group)
                group = []
        if group:
            self._predict(models, group)

    def _predict(self, models: Models | None, group: Sequence[OpenedFile]) -> None:
        """Put images through both networks, and begin what is made of that."""
        assert models is not None  # noqa: S101 - for the type checker: they were loaded for the first of the group
        self._checkpoint()
        try:
            predicted = predict_at_once(models, group) if self._in_batches else [predict(models, one) for one in group]
        except Exception as error:  # noqa: BLE001 - handed over
            for opened in group:
                self._put(partial(Examined, opened.path, error=error), opened)
            return
        for opened, found in zip(group, predicted, strict=True):
            self._put(partial(self._finish, opened, models, found), opened)

    def _put(self, work: Callable[[], Examined], opened: OpenedFile | None = None) -> None:
        """Have a result made, behind those before it, as soon as there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping() or len(self._results) < self._most)
            if self._is_stopping():
                raise Interrupted
            future = self._explainers.submit(work)
            self._results.append(_Waiting(future, opened))
            self._changed.notify_all()
        future.add_done_callback(lambda _future: self._on_ready())

    def _finish(self, opened: OpenedFile, models: Models, predicted: PredictedFile) -> Examined:
        """Make the heat maps and the record of an image."""
        while True:
            try:
                return Examined(opened.path, self._explained(opened, models, predicted))
            except Interrupted:
                if self._is_stopping():
                    raise  # else a map that takes minutes was given up for an image on screen
            except Exception as error:  # noqa: BLE001 - handed over
                return Examined(opened.path, error=error)

    def _explained(self, opened: OpenedFile, models: Models, predicted: PredictedFile) -> Compared:
        return finish(
            self._session, models, opened, predicted, self._choice,
            checkpoint=self._checkpoint, is_outdated=lambda: not self._may_run.is_set(),
        )  # fmt: skip


def _result(future: Future[Examined]) -> Examined | None:
    """Wait for a result and return it; None where the pipeline was stopped before."""
    while True:
        try:
            return future.result(POLL_SECONDS)
        except TimeoutError:
            continue
        except (CancelledError, Interrupted):
            return None
