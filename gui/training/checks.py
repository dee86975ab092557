"""What is looked up before a run: what the check of its data set finds, and how large its network is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gui.training.findings import Findings, Report, summary, task_of
from gui.training.process import Command, Ending
from gui.training.setup import TrainingSetup


class DataCheck(QObject):
    """Runs ``check-data`` on the data set that is set up, and shows what it found.

    Args:
        setup: holds the place of the data set; shows its summary and its labels.
        findings: shows what was found.

    Signals:
        event_read: an event of the check, a ``training.loop.events.Event``.
        ended: it has ended, with its summary in one line.
    """

    event_read = Signal(object)
    ended = Signal(str)

    def __init__(self, setup: TrainingSetup, findings: Findings, parent: QObject) -> None:
        super().__init__(parent)
        self._setup, self._findings = setup, findings
        self._command = Command(self)
        self._command.event_read.connect(self.event_read)
        self._command.ended.connect(self._on_ended)

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._command.running

    def start(self, folder: Path, label_map: Mapping[str, str]) -> None:
        """Check the data set in a folder, with its labels mapped to classes of the task."""
        self._setup.data_words.setText("Checking…")
        self._findings.say("The images are read and compared: duplicates, leaks between splits, shortcuts.")
        self._setup.set_data_task(None)
        maps = [word for old, new in label_map.items() for word in ("--map", f"{old}={new}")]
        self._command.start("check-data", str(folder), "--json", "--events", "json", *maps)

    def cancel(self) -> None:
        """End it; nothing more is heard of it."""
        self._command.cancel()

    def stop(self) -> None:
        """End it, and say so."""
        self.cancel()
        self._findings.say("The check was stopped.")
        self._setup.data_words.setText("")

    def _on_ended(self, ending: Ending) -> None:
        try:
            report = Report.model_validate_json(ending.output)
        except ValueError:
            words = ending.reason or "The check ended without a result."
            self._findings.say(words, warning=True)
            self._setup.data_words.setText("⚠ This data set can't be used.")
        else:
            words = summary(report)
            self._findings.show_report(report)
            self._setup.data_words.setText(words)
            self._setup.set_data_task(task_of(report))
            self._setup.show_labels(report.labels)
        self.ended.emit(words)


class NetworkSize(QObject):
    """Counts parameters and multiply-accumulates of the network that is set up, each network once.

    Args:
        setup: names the network, and shows its size.
    """

    def __init__(self, setup: TrainingSetup, parent: QObject) -> None:
        super().__init__(parent)
        self._setup = setup
        self._known: dict[str, tuple[str, int, int]] = {}
        self._command = Command(self)
        self._command.ended.connect(self._on_ended)

    def count(self) -> None:
        """Show the size, in a while where it is not known yet."""
        self.cancel()
        network = self._setup.network
        if network in self._known:
            self._setup.show_size(*self._known[network])
        elif network:
            self._setup.size_words.setText("Counting parameters…")
            self._command.start("outline", "--recipe", self._setup.plan.recipe, "--json")

    def cancel(self) -> None:
        """End it; nothing more is heard of it."""
        self._command.cancel()

    def _on_ended(self, ending: Ending) -> None:
        try:
            found = json.loads(ending.output)
            size = self._known[self._setup.network] = (found["network"], found["parameters"], found["macs"])
            self._setup.show_size(*size)
        except (ValueError, KeyError, TypeError):
            self._setup.size_words.setText(ending.reason)
