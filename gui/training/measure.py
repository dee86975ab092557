"""What a run has achieved: its epochs and scores; and its network evaluated, then published as a model."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.models import ofa_subnets
from core.tasks import get_task
from gui.training.process import Command, Ending
from training.runs.folder import RunFolder

EVALUATION = "evaluation.json"


class Measuring(QObject):
    """Runs ``evaluate``, and ``publish`` once a person has seen the scores and wants it.

    Signals:
        said: a line of what the commands print.
        failed: the command that did not go through, as an ``Ending``.
        measured: the scores are in the run's folder.
        added: the identifier of the model that can be chosen now.
    """

    said = Signal(str)
    failed = Signal(object)
    measured = Signal()
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

    def measure(self, folder: Path, data: Path, threads: int | None) -> None:
        """Measure the run in a folder on the test split of a data set."""
        self._folder, self._publishing = folder, False
        self._command.start("evaluate", str(folder), "--data", str(data), *_threads(threads))

    def publish(self, folder: Path, threads: int | None, texts: dict[str, str]) -> None:
        """Calibrate the measured run in a folder and add its network to the models.

        Args:
            folder: the run's folder.
            threads: CPU threads, or None.
            texts: what a person states on the model's card, by the option that takes it.
        """
        self._folder, self._publishing = folder, True
        stated = [word for option, text in texts.items() for word in (option, text)]
        self._command.start("publish", str(folder), *_threads(threads), *stated)

    def cancel(self) -> None:
        """End what is under way; the models stay as they are."""
        self._command.cancel()

    def _on_ended(self, ending: Ending) -> None:
        if ending.status != "finished":
            self.failed.emit(ending)
        elif self._publishing:
            self.added.emit(model_id(self._folder))
        else:
            self.measured.emit()


def _threads(threads: int | None) -> tuple[str, ...]:
    return () if threads is None else ("--threads", str(threads))


def model_id(folder: Path) -> str:
    """Return the identifier that a run's network has as a model; empty where the run does not say."""
    about = RunFolder(folder).read_result()
    if not {"task", "role", "network"} <= about.keys():
        return ""
    subnet = None if about.get("subnet") is None else ofa_subnets.Subnet.model_validate(about["subnet"])
    return f"{about['task']}/{about['role']}-{ofa_subnets.model_id(about['network'], subnet)}"


def scores(folder: Path) -> str:
    """Return a run's scores in words, with the notes of its evaluation; empty where it has none."""
    try:
        found = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
        overall, ends = found["overall"], found["intervals"]["accuracy"]
        task = get_task(found["bundle"].partition("/")[0]).name
        words = (
            f"{task}, {overall['images']:,} test images: accuracy {100 * overall['accuracy']:.1f} % "
            f"({100 * ends[0]:.1f} to {100 * ends[1]:.1f} %), macro F1 {100 * overall['macro_f1']:.1f} %"
        )
        return " · ".join([words, *(f"⚠ {note}" for note in found.get("notes", ()))])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
