"""Exports a model in a process of its own: conversion is heavy, and what it prints is progress."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal

from core.deploy.export import remove_unfinished
from core.system.subprocesses import own_command

PATIENCE_MS = 3000  # for a process that is ended


class ModelWriter(QObject):
    """One export at a time."""

    said = Signal(str)  # what is under way
    written = Signal(dict)  # what ``core export --json`` prints
    failed = Signal(str)  # the reason, for a person; empty after ``stop``

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._errors = ""
        self._stopped = False
        self._folder = Path()

    @property
    def busy(self) -> bool:
        """Whether an export is under way."""
        return self._process is not None

    def write(self, arguments: list[str], folder: Path) -> None:
        """Begin.

        Args:
            arguments: those of ``core export``, without the folder.
            folder: the folder that is made.
        """
        program, *rest = own_command("core", "export", *arguments, "--out", str(folder), "--json")
        self._folder = folder
        process = QProcess(self)
        process.setStandardInputFile(QProcess.nullDevice())
        process.readyReadStandardError.connect(self._on_said)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process, self._errors, self._stopped = process, "", False
        process.start(program, rest)

    def stop(self) -> None:
        """End the process; its unfinished folder is removed."""
        if self._process is not None:
            self._stopped = True
            self._process.kill()
            self._process.waitForFinished(PATIENCE_MS)
            remove_unfinished(self._folder)

    def _on_said(self) -> None:
        if self._process is None:
            return
        self._errors += bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        steps = [line for line in self._errors.splitlines() if line.endswith(" …")]
        if steps:
            self.said.emit(steps[-1])

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._end("The process that exports models can't be started.")

    def _on_finished(self, code: int, _how: QProcess.ExitStatus) -> None:
        if self._process is None:
            return
        self._on_said()
        output = bytes(self._process.readAllStandardOutput().data()).decode("utf-8", "replace")
        found = _parsed(output) if code == 0 else None
        if found is None:
            reason = f"\n{self._errors.strip()}".rpartition("\nError: ")[2].strip()
            known = "\nError: " in f"\n{self._errors}"
            self._end("" if self._stopped else reason if known else "The process that exports models has ended.")
        else:
            self._forget()
            self.written.emit(found)

    def _end(self, reason: str) -> None:
        self._forget()
        self.failed.emit(reason)

    def _forget(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None


def _parsed(output: str) -> dict[str, Any] | None:
    try:
        found = json.loads(output)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
