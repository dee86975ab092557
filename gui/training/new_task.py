"""Make a task of the data set's own labels, as ``python -m training new-task`` does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QInputDialog, QWidget

from core.models.own_form import identifier
from gui.training.process import Command, Ending


class NewTask(QObject):
    """Runs the command, which looks at the images for their colours, without holding up the window.

    Signals:
        made: the task is among the user's own, by its identifier.
        failed: there is no such task; why, in words.
    """

    made = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._command = Command(self)
        self._command.ended.connect(self._on_ended)
        self._task = ""

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._command.running

    def start(self, folder: Path, name: str, label_map: Mapping[str, str]) -> None:
        """Make a task of the labels in a folder, some of them mapped to others.

        Args:
            folder: the data set.
            name: what the task is called.
            label_map: labels that are called otherwise, or left out by an empty string.
        """
        self._task = identifier(name).lower()
        maps = [f"--map={old}={new}" for old, new in label_map.items()]
        self._command.start("new-task", str(folder), f"--id={self._task}", f"--name={name}", *maps)

    def _on_ended(self, ending: Ending) -> None:
        if ending.status == "finished":
            self.made.emit(self._task)
        else:
            self.failed.emit(ending.reason or "The task could not be made.")


def ask_for_name(parent: QWidget, folder: Path) -> str:
    """Ask what the task of a data set is called; empty where the person cancels."""
    words = "Its classes are the labels of the data set, in alphabetical order.\n\nName of the task:"
    name, agreed = QInputDialog.getText(parent, "New task", words, text=folder.name)
    return name.strip() if agreed else ""
