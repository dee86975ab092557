"""After a run: measure its network on the test images, then make it a model that the program finds."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from core.tasks import get_task
from gui.training_process import Command, Ending
from training.run_folder import RunFolder

EVALUATION = "evaluation.json"


class Measuring(QObject):
    """Runs ``evaluate`` and then ``publish``, one after the other.

    Signals:
        began: what is under way, in words.
        said: a line of what the commands print.
        failed: the command that did not go through, as an ``Ending``.
        added: the identifier of the model that can be chosen now.
    """

    began = Signal(str)
    said = Signal(str)
    failed = Signal(object)
    added = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._command = Command(self)
        self._command.said.connect(self.said)
        self._command.ended.connect(self._on_ended)
        self._publishing = False
        self._folder = Path()

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._command.running

    def start(self, folder: Path, data: Path, threads: int | None) -> None:
        """Measure the run in a folder on a data set, then add it to the models."""
        self._folder, self._publishing = folder, False
        self._threads = () if threads is None else ("--threads", str(threads))
        self.began.emit(self.tr("Measuring on the test images"))
        self._command.start("evaluate", str(folder), "--data", str(data), *self._threads)

    def cancel(self) -> None:
        """End what is under way; the models stay as they are."""
        self._command.cancel()

    def _on_ended(self, ending: Ending) -> None:
        if ending.status != "finished":
            self.failed.emit(ending)
        elif not self._publishing:
            self._publishing = True
            self.began.emit(self.tr("Calibrating, and adding it to the models"))
            self._command.start("publish", str(self._folder), *self._threads)
        else:
            self.added.emit(model_id(self._folder))


def model_id(folder: Path) -> str:
    """Return the identifier that a run's network has as a model; empty where the run does not say."""
    about = RunFolder(folder).read_result()
    if not {"task", "role", "network"} <= about.keys():
        return ""
    return f"{about['task']}/{about['role']}-{about['network']}"


def scores(folder: Path) -> str:
    """Return what a run's evaluation says, in a line; empty where it has none."""
    try:
        found = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
        overall, ends = found["overall"], found["intervals"]["accuracy"]
        task = get_task(found["bundle"].partition("/")[0]).name
        return tr("{0}: {1} % of {2} test images right ({3} to {4} %), macro F1 {5} %").format(
            task,
            f"{100 * overall['accuracy']:.1f}",
            f"{overall['images']:,}",
            f"{100 * ends[0]:.1f}",
            f"{100 * ends[1]:.1f}",
            f"{100 * overall['macro_f1']:.1f}",
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def tr(text: str) -> str:
    """Return the translation of a text of this file."""
    return QCoreApplication.translate("training_measure", text)
