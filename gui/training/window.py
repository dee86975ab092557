"""The training window: set up a run, check its data, follow it, evaluate it, and add its network to the models."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from core.errors import TwinlensError, UsageError
from core.models.bundle import Bundle
from core.models.catalogue import read_catalogue
from core.tasks import TASKS
from gui.common import theme
from gui.common.notifications import Banner
from gui.common.placement import place
from gui.training.charts import TrainingCharts
from gui.training.checks import DataCheck, NetworkSize
from gui.training.examples import ExamplesView
from gui.training.findings import Findings
from gui.training.layout import fill, log_view, side, tabs
from gui.training.measure import Measuring, model_id, scores
from gui.training.process import Ending, TrainingRun, read_epochs, read_log, running_in
from gui.training.progress import TrainingProgress
from gui.training.questions import Leaving, RunChoice, ask_about_run, ask_for_card, ask_to_replace
from gui.training.setup import TrainingSetup
from training.loop.events import EpochDone, Event, ExamplesWritten, Started, StepDone
from training.runs.folder import RunFolder

FIRST_SIZE, SMALLEST = QSize(1180, 760), QSize(900, 560)


class TrainingWindow(QWidget):
    """One run at a time, in a process of its own; closing the window leaves it alone unless it is told to stop.

    Args:
        settings: where geometry and the last folders are remembered.

    Signals:
        models_changed: a model has been added, by its identifier.
        news: what a person who does not look at this window should see: words, and whether it is a warning.
    """

    models_changed = Signal(str)
    news = Signal(str, bool)

    def __init__(self, settings: QSettings) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self.setWindowTitle("Train a model")
        self._settings = settings
        self._run: TrainingRun | None = None
        self._stopping = False
        self._shows_check = False  # whether the progress shown is that of a check of a data set, not a run
        self.measuring = Measuring(self)
        self.banner = Banner()
        self.setup = TrainingSetup(read_catalogue(), settings)
        self.charts = TrainingCharts()
        self.findings = Findings()
        self.examples = ExamplesView()
        self._check = DataCheck(self.setup, self.findings, self)
        self._size = NetworkSize(self.setup, self)
        self.log = log_view()
        self.start_button = self._button("Sta&rt training", self.start)
        self.open_button = self._button("&Open a run…", self._choose_run)
        self.new_button = self._button("Set up &another", self.set_up_another)
        self.resume_button = self._button("&Resume", self.start)
        self.measure_button = self._button("&Evaluate on the test images", self.measure)
        self.add_button = self._button("&Add to the models", self.add_to_models)
        self.stop_button = self._button("Sto&p", self.stop)
        self.progress = TrainingProgress((self.resume_button, self.measure_button, self.add_button, self.stop_button))
        self.tabs = tabs(self.findings, self.charts, self.examples, self.log)
        setup_side = side(self.setup, (self.start_button, self.new_button, self.open_button))
        fill(self, self.banner, setup_side, self.progress, self.tabs)
        self._connect()
        self._show_state()
        self.progress.say("Nothing is being trained", "Choose a data set to begin.")
        self._size.count()
        place(self, FIRST_SIZE, SMALLEST, settings.value("training/geometry"))
        last = settings.value("training/run", "", type=str)
        if last and running_in(Path(str(last))) is not None:
            self.open_run(Path(str(last)))

    # what a person does

    def start(self) -> None:
        """Begin the run that is set up, or resume the one that is shown."""
        try:
            plan = self.setup.plan
            command = plan.command()
            run = TrainingRun(plan.out, self)
            run.start(*command)
        except TwinlensError as error:
            self.banner.say(str(error), warning=True)
            return
        self._settings.setValue("training/run", str(plan.out))
        self._follow(run)

    def stop(self) -> None:
        """Ask the run to stop at a checkpoint, the second time at once; or end a check or a measurement."""
        if self._run is not None and self._run.running:
            if self._stopping:
                self._run.kill()
            else:
                self._stopping = True
                self._run.stop()
                self.progress.say_stopping()
            self._show_state()
        elif self.measuring.running:
            self.measuring.cancel()
            self._show_run("Stopped; the models are as they were")
        else:
            self._check.stop()
            self._show_state()

    def measure(self) -> None:
        """Evaluate the finished run on the test images."""
        plan = self.setup.plan
        if plan.data is None:
            self.banner.say("No data set has been chosen.", warning=True)
            return
        self.banner.hide()
        self._shows_check = False
        self.measuring.measure(plan.out, plan.data, plan.threads)
        self.progress.say_busy(f"Evaluating {plan.out.name}", "All test images are classified")
        self._show_state()

    def add_to_models(self) -> None:
        """Make the measured run a model that can be chosen in the program."""
        plan = self.setup.plan
        installed = read_catalogue().bundles.get(model_id(plan.out))
        if installed is not None and not self.confirm(installed):
            return
        texts = self.describe()
        if texts is None:
            return
        self.banner.hide()
        self._shows_check = False
        self.measuring.publish(plan.out, plan.threads, texts)
        self.progress.say_busy(
            f"Adding {plan.out.name} to the models",
            "It is calibrated on the validation images and stored as small as it can be without loss",
        )
        self._show_state()

    def confirm(self, installed: Bundle) -> bool:
        """Ask whether the run may take the place of a model of the same name."""
        return ask_to_replace(self, installed)

    def describe(self) -> dict[str, str] | None:
        """Ask for what only a person can state on the model's card; None where the person cancels."""
        return ask_for_card(self, RunFolder(self._folder()).read_data().name or "")

    def open_run(self, folder: Path) -> None:
        """Show a run: follow it where it is under way, else offer what can be done with it."""
        try:
            self.setup.set_run(folder)
        except UsageError as error:
            self.banner.say(str(error), warning=True)
            return
        self.banner.hide()
        self._shows_check = False
        run = TrainingRun(folder, self)
        self._draw(folder)
        if run.follow():
            self._follow(run)
        else:
            self._run = run
            self._show_run("")

    def set_up_another(self) -> None:
        """Leave the run that is shown."""
        self._run = None
        self.banner.hide()
        self.examples.clear()
        self.setup.set_new()
        self.progress.say("Nothing is being trained", "")
        self._show_state()

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None and self._run.running

    def let_go(self) -> Leaving:
        """Get ready for the program's end, unless the person wants to stay.

        A run that was asked to stop still writes its checkpoint, without the program.
        """
        left = False
        if self._run is not None and self._run.running:
            answer = self.ask()
            if answer == "cancel":
                return Leaving.STAYS
            if answer == "stop":
                self._run.stop()
            left = self._run.leave()
        for command in (self._check, self._size, self.measuring):
            command.cancel()
        return Leaving.RUN_LEFT if left else Leaving.ENDED

    def ask(self) -> RunChoice:
        """Ask what is to become of the run that is under way."""
        return ask_about_run(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about a run; remember the geometry."""
        if self.running and not self._stopping:
            answer = self.ask()
            if answer == "cancel":
                event.ignore()
                return
            if answer == "stop":
                self.stop()
        self._settings.setValue("training/geometry", self.saveGeometry())
        super().closeEvent(event)

    # the run

    def _follow(self, run: TrainingRun) -> None:
        self._run, self._stopping, self._shows_check = run, False, False
        self.banner.hide()
        self.log.clear()
        self.setup.set_open(False)
        self._show_examples()
        self.charts.begin(self.setup.role, self.setup.epochs.value(), read_epochs(run.folder))
        self.progress.begin(self.setup.role, self.setup.recipe.currentText())
        self.tabs.setCurrentWidget(self.charts)
        run.event_read.connect(self._on_event)
        run.logged.connect(self._note)
        run.ended.connect(self._on_ended)
        self._show_state()

    def _on_event(self, event: Event) -> None:
        self.progress.tell(event)
        match event:
            case Started():
                rows = [row for row in read_epochs(self._folder()) if row["epoch"] < event.epoch]
                self.charts.begin(self.setup.role, event.epochs, rows)
            case StepDone(loss=float(loss)):
                self.charts.add_step(event.epoch + event.step / event.steps, loss)
            case EpochDone():
                self.charts.add_epoch(event.row)
            case ExamplesWritten():
                self._show_examples()

    def _on_ended(self, ending: Ending) -> None:
        folder = self._folder()
        if not RunFolder(folder).recipe.is_file():  # it did not come as far as becoming a run
            self._run = None
            self.setup.set_open(True)
            self.progress.say("The training did not begin", "")
            self._complain(ending)
            self._show_state()
            return
        self.setup.set_run(folder)
        self._draw(folder)
        self._show_run(ending.reason if ending.status in ("finished", "stopped") else "")
        if ending.status in ("failed", "crashed"):
            self._complain(ending)
        elif ending.status == "finished":
            self.news.emit(f"The training has finished: {folder.name}", False)

    def _complain(self, ending: Ending) -> None:
        what = ending.reason or "It is not known why."
        if ending.status == "crashed":
            words = "The training process has gone, and this window is not affected. {0} The log may say why."
            what = words.format(what)
        self.banner.say(what, warning=True, button="Copy the log", action=lambda: _copy(f"{what}\n\n{ending.log}"))
        self.news.emit(what, True)

    def _draw(self, folder: Path) -> None:
        self.charts.begin(self.setup.role, self.setup.epochs.value(), read_epochs(folder))
        self._show_examples()
        self.tabs.setCurrentWidget(self.charts)

    def _show_examples(self) -> None:
        self.examples.show_run(self._folder(), TASKS.get(self.setup.task.currentData()))

    def _show_run(self, reason: str) -> None:
        """Show the state of a run that is not under way."""
        folder = self._folder()
        finished = RunFolder(folder).read_result().finished
        theme.styled(self.progress.bar, self.setup.role)
        done = len(read_epochs(folder))
        counted = f"{done} of {self.setup.epochs.value()} epochs"
        title = f"Finished: {folder.name}" if finished else f"Can be resumed: {folder.name}"
        details = [counted, reason, scores(folder)]
        self.progress.say(title, " · ".join(part for part in details if part))
        self.progress.show_share(1.0 if finished else done / max(1, self.setup.epochs.value()))
        if not self.log.toPlainText():
            self._note(read_log(folder))
        self._show_state()

    # checks

    def _check_data(self, folder: Path) -> None:
        self._shows_check = not self.running and not self.measuring.running
        if self._shows_check:
            self.tabs.setCurrentWidget(self.findings)
            self.progress.say_busy(f"Checking {folder.name}")
        self._check.start(folder, self.setup.labels.label_map)
        self._show_state()

    def _on_check_told(self, event: Event) -> None:
        if self._shows_check:
            self.progress.tell(event)

    def _on_checked(self, summary: str) -> None:
        if self._shows_check:
            self.progress.say("Nothing is being trained", summary)
        self._show_state()

    # measuring

    def _on_measured(self) -> None:
        self._show_run("")
        self.news.emit(f"Evaluated. {scores(self._folder())}", False)

    def _on_measure_failed(self, ending: Ending) -> None:
        self._note(ending.log)
        self._show_run("")
        self._complain(ending)

    def _on_added(self, model: str) -> None:
        self._show_run(f"Added to the models as {model}")
        self.setup.set_catalogue(read_catalogue())
        self.models_changed.emit(model)

    # parts

    def _show_state(self) -> None:
        """Offer what can be done now."""
        busy = self.running or self.measuring.running
        shown = self._run is not None and not busy
        finished = shown and RunFolder(self._folder()).read_result().finished
        self.start_button.setVisible(self._run is None)
        self.start_button.setEnabled(not self.measuring.running)
        self.open_button.setEnabled(not busy)
        self.new_button.setVisible(self._run is not None)
        self.new_button.setEnabled(not busy)
        self.resume_button.setVisible(shown and not finished)
        self.measure_button.setVisible(finished)
        self.add_button.setVisible(finished and bool(scores(self._folder())))
        self.stop_button.setVisible(busy or self._check.running)
        self.stop_button.setText("Sto&p at once" if self.running and self._stopping else "Sto&p")

    def _folder(self) -> Path:
        """Return the folder of the run that is shown."""
        return self.setup.plan.out if self._run is None else self._run.folder

    def _note(self, text: str) -> None:
        if text.strip():
            self.log.appendPlainText(text.strip())

    def _choose_run(self) -> None:
        before = self.setup.out.text()
        folder = str(Path(before).parent) if before else ""
        if chosen := QFileDialog.getExistingDirectory(self, "Choose a run's folder", folder):
            self.open_run(Path(chosen))

    def _connect(self) -> None:
        self.setup.data_chosen.connect(self._check_data)
        self.setup.recipe_changed.connect(self._size.count)
        self._check.event_read.connect(self._on_check_told)
        self._check.ended.connect(self._on_checked)
        self.measuring.measured.connect(self._on_measured)
        self.measuring.printed.connect(self._note)
        self.measuring.failed.connect(self._on_measure_failed)
        self.measuring.added.connect(self._on_added)

    def _button(self, words: str, act: object) -> QPushButton:
        button = QPushButton(words)
        button.clicked.connect(act)
        return button


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
