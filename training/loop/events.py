"""The events of a run, and how it is asked to stop."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Literal, Self

from training.runs.folder import Row

Status = Literal["running", "finished", "stopped", "failed"]
STOPPED = 3  # exit code of a run that was stopped and can be resumed


@dataclass(frozen=True)
class Preparing:
    """Images are decoded, or a teacher's logits are computed.

    Attributes:
        what: what is under way, in words.
        done: how many are done.
        total: of how many.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Working:
    """Something is under way that is not counted.

    Attributes:
        what: in words.
    """

    what: str


@dataclass(frozen=True)
class Started:
    """The run is about to take its first step.

    Attributes:
        network: the network's name.
        starts_from: its starting weights, in words.
        parameters: number of parameters.
        macs: multiply-accumulate operations of a forward.
        device: the device.
        precision: ``no`` for float32, ``bf16`` or ``fp16``.
        train_images: number of training images.
        val_images: number of validation images.
        unreadable: images left out because they can't be read.
        teachers: the teachers' identifiers.
        epochs: epochs in all.
        steps: steps of an epoch.
        epoch: the epoch that it begins or resumes with, from 0.
        step: steps of that epoch already done.
        notes: notes about the run, a sentence each.
    """

    network: str
    starts_from: str
    parameters: int
    macs: int
    device: str
    precision: str
    train_images: int
    val_images: int
    unreadable: int
    teachers: tuple[str, ...]
    epochs: int
    steps: int
    epoch: int
    step: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepDone:
    """A step has been taken.

    Attributes:
        epoch: its epoch, from 0.
        step: steps done in it.
        steps: of how many.
        loss: the mean loss of this epoch so far, or None where it has not been read from the device.
        images_per_second: speed in this epoch.
        seconds_left: until the run's end at this speed.
    """

    epoch: int
    step: int
    steps: int
    loss: float | None
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch has been finished and validated.

    Attributes:
        row: its row of the metrics.
        best: whether it is the best so far.
    """

    row: Row
    best: bool


@dataclass(frozen=True)
class ExamplesWritten:
    """The network's answers to a few validation images are in the run's folder (``training.runs.examples``).

    Attributes:
        epoch: the epoch that they are of, from 0.
    """

    epoch: int


@dataclass(frozen=True)
class CheckpointWritten:
    """The run can be resumed from here."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Ended:
    """The run has ended.

    Attributes:
        status: how.
        reason: why, where it did not finish; with ``finished``, why it finished early, if it did.
        folder: the run's folder.
    """

    status: Status
    reason: str
    folder: str


Event = Preparing | Working | Started | StepDone | EpochDone | ExamplesWritten | CheckpointWritten | Ended
Listener = Callable[[Event], None]


def both(first: Listener, second: Listener) -> Listener:
    """Return a listener that calls two."""

    def listen(event: Event) -> None:
        first(event)
        second(event)

    return listen


def as_json_line(event: Event) -> str:
    """Return an event as a line of JSON, its kind under ``event``."""
    line = json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False)
    return line.encode("utf-8", "backslashreplace").decode()  # names that are no UTF-8


class EventFile:
    """Writes a run's events as lines of JSON, for another process that follows the run.

    Args:
        path: the file; what an earlier process wrote there goes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._file = self._path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def __call__(self, event: Event) -> None:
        """Write an event; where the disk is full it is lost, and no run ends for that."""
        if self._file is not None:
            with suppress(OSError):
                self._file.write(as_json_line(event) + "\n")
                self._file.flush()


class StopRequest:
    """Asks a run to stop at its next step: by a call, by a file, or because its time is up.

    Args:
        file: a file whose presence asks it.
        minutes: how long the run may take from now, or None.
    """

    def __init__(self, file: Path | None = None, minutes: float | None = None) -> None:
        self._file = file
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._minutes = minutes
        self._reason = ""

    def ask(self, reason: str) -> None:
        """Ask the run to stop."""
        self._reason = self._reason or reason

    def reason(self) -> str:
        """Return why the run should stop, or an empty string."""
        if not self._reason and self._file is not None and self._file.exists():
            self._reason = "asked to stop by the file 'stop' in its folder"
        if not self._reason and self._end is not None and time.monotonic() > self._end:
            self._reason = f"its {self._minutes:g} minutes are up"
        return self._reason


@contextmanager
def stopped_by_signals(request: StopRequest) -> Iterator[None]:
    """Let Ctrl+C and SIGTERM ask a run to stop; a second one ends it at once."""

    def ask(number: int, _frame: FrameType | None) -> None:
        request.ask(f"interrupted by {signal.Signals(number).name}")
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
