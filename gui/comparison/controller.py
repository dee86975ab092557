"""The controller of comparisons: gives the engine its jobs, and the widgets what comes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.compare.comparison import Comparison
from core.compare.session import Choice, Compared
from core.errors import UsageError
from core.explain.reference_cams import METHODS
from core.models.bundle import Bundle
from core.names import readable
from core.records.review import Review
from core.tasks import Task
from gui.common.notifications import Banner
from gui.comparison.view import ComparisonView
from gui.engine.engine import AnalysisEngine
from gui.engine.events import (
    WARMING_UP,
    BatchProgress,
    BatchStopped,
    ComparisonGrown,
    Event,
    FileFailed,
    FilePredicted,
    FileUnreadable,
    ImageFailed,
    ImageOpened,
    LoadingModel,
    ModelsReady,
    Warned,
)
from gui.engine.image_pyramid import ScreenPicture
from gui.engine.jobs import AnalyseFiles, ClearScreen, CompareImage, ForgetModels, WarmUp
from gui.engine.results import Basis, Results, bases_of, basis_of
from gui.history.remembered import Remembered
from gui.models.chooser import ModelChooser
from gui.settings.preferences import Preferences
from gui.worklist.entry import State
from gui.worklist.model import Worklist


class ComparisonController(QObject):
    """Holds the file on screen; late results of an earlier one, or of other models, are dropped.

    Args:
        engine: computes.
        worklist: receives the results.
        view: shows the file on screen.
        chooser: what is compared.
        banner: shows warnings.
    """

    selected = Signal(object)  # the file that is to be on screen from now on, or None
    screen_changed = Signal(object, object)  # the file whose predictions are on screen and their Basis, or None twice
    settled = Signal(bool)  # nothing more comes for the file on screen; whether it could be compared
    batch_changed = Signal(object)  # BatchProgress
    models_ready = Signal()  # those of the file on screen, or at the start those that it will most likely need

    def __init__(
        self,
        engine: AnalysisEngine,
        worklist: Worklist,
        view: ComparisonView,
        chooser: ModelChooser,
        banner: Banner,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._engine, self._worklist, self._view = engine, worklist, view
        self._chooser, self._banner = chooser, banner
        self._preferences = Preferences()
        self._results = Results()
        self._bases = bases_of(self.choice, chooser.catalogue)  # of the present choice, by task
        self._basis: Basis | None = None  # of the predictions on screen
        self._ticket = WARMING_UP  # of the image that was asked for last
        self._batch = BatchProgress(0, 0, False, None)
        self._batch_files: list[Path] = []  # what "Analyse all" was asked for
        self.path: Path | None = None  # the file that is selected
        self._frame = 0  # of it
        self.on_screen: Path | None = None  # the file whose predictions are shown
        self.bundles: dict[str, Bundle] = {}
        self.comparison: Comparison | None = None
        self.task: Task | None = None
        self._shown: ScreenPicture | None = None  # what the view shows, None while it shows no image
        self._refining = False
        engine.happened.connect(self._on_event)
        view.class_chosen.connect(self._on_class_clicked)
        chooser.class_chosen.connect(self._explain)
        chooser.changed.connect(self._on_choice)

    @property
    def choice(self) -> Choice:
        """What is compared, as chosen above the image, and how, as the settings say."""
        return replace(
            self._chooser.choice, runtime=self._preferences.runtime, threads=self._preferences.threads or None
        )

    @property
    def ready(self) -> Compared | None:
        """The comparison on screen, None while something of it is still missing."""
        entry = self._worklist.entry_of(self.path)
        picture, comparison = self._shown, self.comparison
        if entry is None or entry.file_result is None or picture is None or comparison is None or self._refining:
            return None
        image = picture.image
        if image.frame:  # the record is that of the first frame
            return None
        return Compared(entry.file_result.record, image, comparison) if image.path == self.path else None

    @property
    def batch_running(self) -> bool:
        """Whether "Analyse all" has files left."""
        return self._batch.running

    def set_preferences(self, preferences: Preferences) -> None:
        """Compute as the settings say from now on."""
        before, self._preferences = self.choice, preferences
        if self.choice != before:
            self._on_choice()

    def start(self) -> None:
        """Start the engine, which loads the models of the present choice."""
        self._engine.do(WarmUp(self.choice))
        self._engine.start()

    def show(self, path: Path) -> None:
        """Put a file on screen and have it analysed."""
        if path != self.path:
            self._leave(path)
            self._view.show_opening(readable(path.name))
        self._ask()

    def show_frame(self, frame: int) -> None:
        """Put another frame of the file on screen, the first being 0; results of it are for the screen alone."""
        if frame != self._frame:
            self._frame = frame
            self._ask()

    def show_nothing(self) -> None:
        """Take the file off the screen."""
        self._leave(None)
        self._engine.do(ClearScreen(self._new_ticket()))  # what is still on its way is of no image
        self._view.show_empty()

    def analyse_all(self) -> None:
        """Have all files analysed that have no result yet; those that failed are tried again.

        Raises:
            UsageError: if there is nothing to do.
        """
        entries = self._worklist.entries()
        self._batch_files = [entry.path for entry in entries if entry.state is not State.DONE]
        if not self._batch_files:
            why = "All files have been analysed." if entries else "The worklist is empty."
            raise UsageError(why, remedy="Open more images, or choose other models.")
        self._engine.do(AnalyseFiles(tuple(self._batch_files), self._batch_choice()))

    def leave_out(self, paths: Iterable[Path]) -> None:
        """Continue without files that were removed from the worklist."""
        gone = set(paths)
        self._batch_files = [path for path in self._batch_files if path not in gone]
        self._engine.leave_out(gone)
        if self.path in gone:
            self.show_nothing()

    def toggle_pause(self) -> None:
        """Pause "Analyse all", or resume it."""
        if self._batch.running:
            self._engine.pause(not self._batch.paused)

    def next_class(self) -> None:
        """Explain the next class of the task."""
        if self.comparison is not None and self.comparison.teacher.prediction.class_ids:
            classes = len(self.comparison.teacher.prediction.class_ids)
            now = self._chooser.chosen_class()
            now = now if isinstance(now, int) else self.comparison.teacher.prediction.top
            self._on_class_clicked((now + 1) % classes)

    def each_its_own(self) -> None:
        """Explain in each network its own finding, or in both the teacher's again."""
        self._chooser.set_class(None if self._chooser.chosen_class() == "each" else "each")
        self._ask()

    def take_review(self, path: Path, basis: Basis, review: Review) -> None:
        """Restore a reading of an earlier session."""
        result, entry = self._results.get(path, basis), self._worklist.entry_of(path)
        if result is not None:
            result.noted.bring_back(review)
        if entry is not None and entry.result is result and result is not None:
            self._worklist.set_review(path, result.review)

    def take_remembered(self, found: Iterable[Remembered]) -> None:
        """Restore results of earlier sessions; those that are here already are newer."""
        for remembered in found:
            result = self._results.remember(remembered.path, remembered.basis, remembered.result, remembered.review)
            entry = self._worklist.entry_of(remembered.path)
            if result is None or entry is None or entry.state is not State.WAITING:
                continue
            if remembered.basis == self._basis_now(remembered.path):
                self._worklist.set_result(remembered.path, result)

    def models_changed(self) -> None:
        """Have files compared anew for which there are other models now."""
        self._engine.do(ForgetModels())
        self._on_choice()

    def _leave(self, path: Path | None) -> None:
        """Drop all that belongs to the last file, before anything of another one is shown."""
        self.path, self._shown, self._frame = path, None, 0
        self._show_predictions(None)
        self.selected.emit(path)

    def _show_predictions(self, comparison: Comparison | None) -> None:
        """Note what is on screen; with None it can't be reviewed."""
        self.comparison = comparison
        on_screen = None if comparison is None or self._frame else self.path
        if on_screen != self.on_screen:
            self.on_screen = on_screen
            self.screen_changed.emit(on_screen, None if on_screen is None else self._basis)

    def _ask(self) -> None:
        if self.path is not None:
            ticket = self._new_ticket()
            self._engine.do(CompareImage(ticket, self.path, self.choice, self._chooser.chosen_class(), self._frame))

    def _new_ticket(self) -> int:
        """Return a ticket for what is wanted on screen; events with an earlier one are dropped from now on."""
        self._ticket += 1
        return self._ticket

    def _explain(self, _class: object) -> None:
        self._ask()

    def _on_class_clicked(self, index: int) -> None:
        self._chooser.set_class(index)
        self._ask()

    def _on_choice(self) -> None:
        before, self._bases = self._bases, bases_of(self.choice, self._chooser.catalogue)
        if self._bases != before:
            paths = [entry.path for entry in self._worklist.entries()]
            self._worklist.set_results(self._results.of(paths, self._bases, self.choice.task))
            self._go_on()
            if self.path is not None and self._basis != self._basis_now(self.path):
                self._show_predictions(None)
                self._view.clear_predictions()
        self._ask()

    def _go_on(self) -> None:
        """Continue "Analyse all" with the files that have no result by the present choice."""
        if not self._batch.running:
            return
        entries = map(self._worklist.entry_of, self._batch_files)
        left = tuple(entry.path for entry in entries if entry is not None and entry.state is State.WAITING)
        self._engine.do(AnalyseFiles(left, self._batch_choice(), self._batch.paused))

    def _basis_now(self, path: Path) -> Basis | None:
        return self._results.basis(path, self._bases, self.choice.task)

    def _batch_choice(self) -> Choice:
        return replace(self.choice, cam="fast" if self._preferences.maps_in_batch else "none")

    def _on_event(self, event: Event) -> None:
        match event:
            case LoadingModel() | ModelsReady() | ImageOpened() | ComparisonGrown() | ImageFailed():
                if event.ticket == self._ticket:
                    self._on_screen_event(event)
            case FilePredicted():
                self._on_predicted(event)
            case FileUnreadable():
                self._worklist.set_error(event.path, event.reason, unreadable=True)
            case FileFailed():
                if replace(event.choice, cam="") == replace(self.choice, cam=""):
                    self._worklist.set_error(event.path, event.reason, unreadable=False)
            case BatchProgress():
                self._on_batch(event)
            case Warned() | BatchStopped():
                self._banner.say(event.reason, warning=True)

    def _on_screen_event(self, event: LoadingModel | ModelsReady | ImageOpened | ComparisonGrown | ImageFailed) -> None:
        match event:
            case LoadingModel():
                self._view.show_busy(f"Loading {event.network}.")
            case ModelsReady():
                self._on_models(event)
            case ImageOpened():
                self._on_image(event.picture)
            case ComparisonGrown():
                self._on_grown(event.comparison, event.refining)
            case ImageFailed():
                self._shown = None
                self._show_predictions(None)
                self._view.show_failure(event.reason)
                self.settled.emit(False)

    def _on_models(self, ready: ModelsReady) -> None:
        if self.path is None:
            self._view.show_empty()  # in place of the text on loading
        self._chooser.set_task(ready.task)
        self.task = ready.task
        bundles = {"teacher": ready.teacher, "student": ready.student}
        if bundles != self.bundles:
            self.bundles = bundles
            self._view.set_models(ready.task, ready.teacher, ready.student)
        self.models_ready.emit()

    def _on_image(self, picture: ScreenPicture) -> None:
        shown, self._refining = self._shown, True
        self._shown = picture
        if shown is None or shown.image.key != picture.image.key:  # the file may have changed
            self._show_predictions(None)
            self._view.show_picture(picture)

    def _on_grown(self, comparison: Comparison, refining: bool) -> None:
        if refining and comparison.teacher.heat_map is None and self.comparison is not None:
            self._view.show_waiting(self._making())  # the predictions are on screen; the maps stay until others come
            return
        self._refining = refining
        self._basis = basis = self._basis_now(self.path) if self.path is not None else None
        speed = [] if basis is None else self._results.speed_ratios(basis)
        self._view.show_comparison(comparison, refining=refining, speed_ratios=speed)
        if refining and comparison.teacher.heat_map is None:
            self._view.show_waiting(self._making())
        self._show_predictions(comparison)
        if not refining:
            self.settled.emit(True)

    def _making(self) -> str:
        """Return what is said until there is a heat map: other methods than Score-CAM take a while to load."""
        cam = self.choice.cam
        return f"Loading {cam}: torch takes some seconds…" if cam in METHODS else "Making the heat map…"

    def _on_predicted(self, found: FilePredicted) -> None:
        basis = basis_of(found.file_result, found.choice)
        result = self._results.keep(found.path, basis, found.file_result)
        if basis == self._basis_now(found.path):
            self._worklist.set_result(found.path, result)
        if basis == self._basis and self.on_screen is not None:
            self._view.show_speed(self._results.speed_ratios(basis))

    def _on_batch(self, progress: BatchProgress) -> None:
        if progress.order < self._batch.order:
            return  # reported by the engine's thread before this thread changed it
        self._batch = progress
        self.batch_changed.emit(progress)
