"""What a run has achieved: its epochs and scores; and its network evaluated, then published as a model."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.errors import TwinlensError
from core.models import ofa_subnets
from core.tasks import get_task
from gui.training.process import Command, Ending
from training.evaluation.run_evaluation import read_evaluation
from training.runs.folder import RunFolder


class Measuring(QObject):
    """Runs ``evaluate``, and ``publish`` once a person has seen the scores and wants it.

    Signals:
        printed: a line of what the commands print.
        failed: the command that did not go through, as an ``Ending``.
        measured: the scores are in the run's folder.
        added: the identifier of the model that can be chosen now.
    """

    printed = Signal(str)
    failed = Signal(object)
    measured = Signal()
    added = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._command = Command(self)
        self._command.printed.connect(self.printed)
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
    run = RunFolder(folder).read_result()
    return f"{run.task}/{run.role}-{ofa_subnets.model_id(run.network, run.subnet)}" if run.network else ""


def scores(folder: Path) -> str:
    """Return a run's scores in words, with the notes of its evaluation; empty where it has none."""
    try:
        found = read_evaluation(folder).scores
        task = get_task(found.bundle.partition("/")[0]).name
    except TwinlensError:
        return ""
    overall, (low, high) = found.overall, found.intervals.accuracy
    words = (
        f"{task}, {overall.images:,} test images: accuracy {100 * overall.accuracy:.1f} % "
        f"({100 * low:.1f} to {100 * high:.1f} %), macro F1 {100 * overall.macro_f1:.1f} %"
    )
    return " · ".join([words, *(f"⚠ {note}" for note in found.notes)])
