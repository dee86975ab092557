"""Commands of the training module in processes of their own: short ones, and runs that outlive the window.

A crash there, or a network that fills the memory, never touches the program. A run writes its events into its folder
and not into a pipe, so that it continues when the program is closed, and can be followed by the next one, as can a run
that was started on the command line.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from core.system.atomic_files import cannot_write, make_folder
from core.system.subprocesses import own_command
from gui.training.event_lines import Lines, read_event, text_of
from training.loop.events import Ended, Event
from training.runs.folder import Row, RunFolder
from training.runs.lock import Owner, read_owner, taken

LOG_FILE = "log.txt"
LESS_URGENT = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10
LOOK_MS = 150  # between two readings of what a run has written
LOG_KEPT = 20_000  # characters

_left: list[QProcess] = []  # of runs that continue without the window; Qt would end a process with its object


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes:
        status: ``finished``; ``stopped``: can be resumed; ``failed``: with a reason; ``crashed``: without.
        reason: why, in words.
        log: what it wrote on standard error, its last part.
        output: what it printed beside events.
    """

    status: Literal["finished", "stopped", "failed", "crashed"]
    reason: str = ""
    log: str = ""
    output: str = ""


class Command(QObject):
    """A short command of the training module, which ends with the window."""

    event_read = Signal(object)  # Event
    printed = Signal(str)  # another line
    ended = Signal(object)  # Ending

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._process is not None

    def start(self, *arguments: str) -> None:
        """Start ``python -m training`` with these arguments; one that is under way is ended first."""
        self.cancel()
        self._output: list[str] = []
        self._log, self._lines = "", Lines()
        self._process = process = _Process(arguments)
        process.setParent(self)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        process.start()

    def cancel(self) -> None:
        """End it; nothing more is heard of it."""
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(1000)
            process.deleteLater()

    def _read(self) -> None:
        if self._process is None:
            return
        self._log = (self._log + text_of(self._process.readAllStandardError().data()))[-LOG_KEPT:]
        for line in self._lines.split(bytes(self._process.readAllStandardOutput().data())):
            event = read_event(line)
            if event is None:
                self._output.append(line)
                self.printed.emit(line)
            else:
                self.event_read.emit(event)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._log = self._process.errorString()
            self._end(Ending("crashed", self._log, self._log))

    def _on_finished(self, code: int, how: QProcess.ExitStatus) -> None:
        self._read()
        output = "\n".join([*self._output, self._lines.rest()])
        crashed = how is QProcess.ExitStatus.CrashExit
        if reason := _error_in(self._log):
            self._end(Ending("failed", reason, self._log, output))
        elif crashed or "Traceback" in self._log:
            self._end(Ending("crashed", _exit_words(code, crashed=crashed), self._log, output))
        else:
            self._end(Ending("finished" if code == 0 else "failed", "", self._log, output))

    def _end(self, ending: Ending) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        self.ended.emit(ending)


class LogTail:
    """What is added to a log while it is written, in whole lines; of what was there before, the last part.

    Args:
        path: the log, which may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = Lines()
        self._at: int | None = None

    def read(self) -> str:
        """Return the lines that have become complete since it was last read."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                if self._at is None or self._at > size:
                    self._at = max(0, size - LOG_KEPT)
                file.seek(self._at)
                data = file.read()
        except OSError:
            return ""
        self._at += len(data)
        return "\n".join(self._lines.split(data))


class TrainingRun(QObject):
    """A run and its process: this window's own, or one that an earlier window or a command line left to itself.

    Args:
        folder: the run's folder.
        parent: lives at least as long.
    """

    event_read = Signal(object)  # Event
    logged = Signal(str)  # what the process has written since, lines
    ended = Signal(object)  # Ending

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.folder = folder
        self._log = LogTail(folder / LOG_FILE)
        self._process: QProcess | None = None
        self._other: psutil.Process | None = None
        self._before: Owner | None = None  # who worked in the folder before this window's own process
        self._file: IO[bytes] | None = None
        self._lines = Lines()
        self._last: Event | None = None
        self._timer = QTimer(self)
        self._timer.setObjectName("training run")
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def start(self, *arguments: str) -> None:
        """Start a process in the folder, which is made where it is missing.

        Raises:
            UsageError: if a process is at work there.
            WriteError: if the folder can't be made or written to.
        """
        if running_in(self.folder) is not None:
            raise taken(RunFolder(self.folder))
        self._before = read_owner(RunFolder(self.folder))
        log = self.folder / LOG_FILE
        make_folder(self.folder)
        try:
            log.write_bytes(b"")
        except OSError as cause:
            raise cannot_write(log, cause) from cause
        self._process = process = _Process(arguments)
        process.setStandardInputFile(QProcess.nullDevice())
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.setStandardOutputFile(str(log))
        process.start()
        process.waitForStarted(2000)
        self._timer.start()

    def follow(self) -> bool:
        """Follow the process that is at work in the folder; return whether there is one."""
        self._other = running_in(self.folder)
        if self._other is not None:
            self._timer.start()
        return self._other is not None

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._timer.isActive()

    def stop(self) -> None:
        """Ask the run to write a checkpoint at its next step and to end."""
        with suppress(OSError):  # the folder has gone, and the process ends by itself
            RunFolder(self.folder).stop.touch()

    def kill(self) -> None:
        """End the process at once; what was trained since the last checkpoint is lost."""
        if self._process is not None:
            self._process.kill()
        elif self._other is not None:
            with suppress(psutil.Error):
                self._other.kill()

    def leave(self) -> bool:
        """Stop following; return whether the process continues without this window."""
        self._timer.stop()
        if self._file is not None:
            self._file.close()
        if self._process is None or self._process.state() is QProcess.ProcessState.NotRunning:
            return False
        _left.append(self._process)
        return True

    def wait(self, milliseconds: int) -> None:
        """Wait for the process to end, for so long."""
        if self._process is not None:
            self._process.waitForFinished(milliseconds)

    def _look(self) -> None:
        alive = self._alive()  # before reading, so that nothing written at the end is missed
        if self._file is None:
            self._open_events()
        while self._file is not None and (data := self._file.read(1 << 16)):
            for line in self._lines.split(data):
                if (event := read_event(line)) is not None:
                    self._last = event
                    self.event_read.emit(event)
        if text := self._log.read():
            self.logged.emit(text)
        if not alive and self.running:
            self._end()

    def _open_events(self) -> None:
        """Open the events of the process, once it owns the folder: until then those of an earlier one are there."""
        folder = RunFolder(self.folder)
        if self._process is None or read_owner(folder) != self._before:
            with suppress(OSError):
                self._file = folder.events.open("rb")

    def _alive(self) -> bool:
        if self._process is not None:
            return self._process.state() is not QProcess.ProcessState.NotRunning
        return self._other is not None and _is_alive(self._other)

    def _end(self) -> None:
        self._timer.stop()
        if self._file is not None:
            self._file.close()
        log = read_log(self.folder)
        last = self._last
        if isinstance(last, Ended) and last.status != "running":
            ending = Ending(last.status, last.reason, log)
        elif reason := _error_in(log):
            ending = Ending("failed", reason, log)
        else:
            ending = Ending("crashed", self._death(), log)
        self.ended.emit(ending)

    def _death(self) -> str:
        process = self._process
        if process is None:
            return "The process has gone."
        if process.error() is QProcess.ProcessError.FailedToStart:
            return process.errorString()
        return _exit_words(process.exitCode(), crashed=process.exitStatus() is QProcess.ExitStatus.CrashExit)


def running_in(folder: Path) -> psutil.Process | None:
    """Return the process that is at work in a run's folder, or None."""
    owner = read_owner(RunFolder(folder))
    return None if owner is None else owner.process()


def read_log(folder: Path) -> str:
    """Return the last part of what a run's process wrote on standard output and error."""
    try:
        return (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace")[-LOG_KEPT:]
    except OSError:
        return ""


def read_epochs(folder: Path) -> list[Row]:
    """Return the epochs that a run has behind it; none where its file is missing or damaged."""
    with suppress(OSError, ValueError):
        lines = RunFolder(folder).metrics.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
    return []


class _Process(QProcess):
    """``python -m training``; it gives way to the window, which goes on being used, and to other programs."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        super().__init__()
        program, *rest = own_command("training", *arguments)
        self.setProgram(program)
        self.setArguments(rest)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("PYTHONUTF8", "1")
        self.setProcessEnvironment(environment)
        self.started.connect(self._give_way)

    def _give_way(self) -> None:
        with suppress(psutil.Error):  # it has ended already, or the system does not allow it
            psutil.Process(self.processId()).nice(LESS_URGENT)


def _error_in(log: str) -> str:
    """Return the error of the command line, or an empty string."""
    return next((line[7:] for line in reversed(log.splitlines()) if line.startswith("Error: ")), "")


def _exit_words(code: int, *, crashed: bool) -> str:
    if crashed:
        return f"The process was ended from outside or crashed (signal {code})."
    return f"The process ended with an unexpected error (code {code})."


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
