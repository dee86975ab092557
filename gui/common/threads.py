"""Work outside the window's thread, which it gives way to: for as long as the window lives, or one job."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtWidgets import QWidget

GIVEN_WAY = 5  # of 19 steps by which such a thread is less urgent than the window's


class Worker(QThread):
    """A thread that yields to the window's where both want a processor, and so do the threads that it starts.

    Args:
        name: for those who look at it from outside.
        work: returns when it has been told to.
        parent: lives at least as long as the thread.
    """

    def __init__(self, name: str, work: Callable[[], Any], parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._work = work

    def begin(self) -> None:
        """Start."""
        self.start(QThread.Priority.LowPriority)

    def run(self) -> None:
        """Give way, then do the work."""
        if sys.platform == "linux":  # where Qt's priorities have no effect, and this one is the thread's own
            os.nice(GIVEN_WAY)
        self.do(self._work)

    def do(self, work: Callable[[], Any]) -> None:
        """Do the work."""
        work()


class Background(Worker):
    """One job, whose result, or error, comes back by signal; keep it until ``finished``, then it deletes itself.

    Args:
        job: what is to be done, without touching a widget.
        parent: lives at least as long as the job.
    """

    done = Signal(object)
    failed = Signal(object)  # the exception

    def __init__(self, job: Callable[[], Any], parent: QObject) -> None:
        super().__init__("background job", job, parent)
        self.finished.connect(self.deleteLater)

    def do(self, work: Callable[[], Any]) -> None:
        """Do the job."""
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed over to be shown
            self.failed.emit(error)
        else:
            self.done.emit(result)


def load(module: str, then: Callable[[], object], window: QWidget) -> None:
    """Import a module, which may take a second, without holding up the window; then call in the window's thread.

    Args:
        module: the module's full name.
        then: what is done with it, in a turn of the event loop of its own, unless the window has been closed since.
        window: who asks.
    """
    job = Background(lambda: importlib.import_module(module), window)
    job.done.connect(lambda _module: then() if window.isVisible() else None)
    job.failed.connect(_raise)
    job.begin()


def _raise(error: Exception) -> None:
    raise error
