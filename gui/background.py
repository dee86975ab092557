"""Runs one function in a thread and hands its result, or its error, back by signal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal


class Background(QThread):
    """One job; keep it until ``finished``, then it deletes itself.

    Args:
        job: what is to be done, without touching a widget.
        parent: lives at least as long as the job.
    """

    done = Signal(object)
    failed = Signal(object)  # the exception

    def __init__(self, job: Callable[[], Any], parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName("background job")
        self._job = job
        self.finished.connect(self.deleteLater)

    def run(self) -> None:
        """Do the job."""
        try:
            result = self._job()
        except Exception as error:  # noqa: BLE001 - handed over to be shown
            self.failed.emit(error)
        else:
            self.done.emit(result)
