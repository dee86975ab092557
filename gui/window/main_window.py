"""The window: makes all parts, connects them and remembers the session; the one place that has them all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QDeadlineTimer, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent, QUndoStack
from PySide6.QtWidgets import QApplication, QMainWindow, QVBoxLayout, QWidget

from core.errors import WriteError
from core.models.catalogue import read_catalogue
from core.names import readable
from gui.commands.actions import Commands
from gui.commands.context_menus import ContextMenus
from gui.commands.files import FileCommands
from gui.commands.palette import CommandSearch
from gui.commands.pictures import PictureCommands
from gui.commands.sheet import ShortcutSheet
from gui.commands.table import Windows, command_table
from gui.common import theme
from gui.common.about import AboutDialog
from gui.common.notifications import Banner, Notifications
from gui.common.placement import place
from gui.common.tab_order import in_order
from gui.common.threads import Background, load
from gui.comparison.controller import ComparisonController
from gui.comparison.recall import Recall
from gui.comparison.view import ComparisonView
from gui.engine.engine import AnalysisEngine
from gui.engine.events import BatchProgress, Event, Fault, FileCompared
from gui.export.controller import Reporter
from gui.export.quick import Exports
from gui.history.recorder import Recorder
from gui.history.review_controller import Reviews
from gui.history.view import HistoryView
from gui.models.card_dialog import ModelCardDialog
from gui.models.chooser import ModelChooser
from gui.models.importer import ModelImport
from gui.models.manager import ModelManager, show_models
from gui.monitor.view import MonitorView
from gui.performance.controller import Performance
from gui.settings import session
from gui.settings.dialog import SettingsDialog
from gui.settings.letterhead import read_letterhead
from gui.settings.preferences import Preferences, read_preferences, resolved_theme, store, write_preferences
from gui.training.questions import Leaving
from gui.window.bars import RecentMenu, ToolBar, fill_menus, fill_status_line
from gui.window.opening import Opening
from gui.window.sides import Sides
from gui.window.slides import Slides
from gui.worklist.batch_bar import BatchBar
from gui.worklist.drag_out import DragOut
from gui.worklist.model import Worklist
from gui.worklist.thumbnails import Thumbnails
from gui.worklist.view import WorklistView

if TYPE_CHECKING:
    from gui.training.window import TrainingWindow

FIRST_SIZE, SMALLEST = QSize(1280, 800), QSize(960, 480)
STATE = 2  # of the arrangement that is remembered; one of another number is of a window that had other parts


class MainWindow(QMainWindow):
    """Twinlens's window."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Twinlens")
        self.setAcceptDrops(True)
        self.settings = store()
        self.preferences = read_preferences(self.settings)
        self.training: TrainingWindow | None = None
        catalogue = read_catalogue()  # it knows the tasks of imported models
        self.last = session.read_session() if self.preferences.history else session.Session()

        self.worklist = Worklist(self)
        self.thumbnails = Thumbnails(self)
        self.engine = AnalysisEngine(self)
        self.banner = Banner()
        self.notifications = Notifications(self.banner, self)
        self.exports = Exports(self, self.banner, self.notifications)
        self.recorder = Recorder(self)
        self.comparison = ComparisonView()
        self.chooser = ModelChooser(replace(self.last.choice, cam=self.preferences.cam), catalogue)
        self.list = WorklistView(self.worklist, self.thumbnails)
        self.controller = ComparisonController(
            self.engine, self.worklist, self.comparison, self.chooser, self.banner, self
        )
        self.controller.set_preferences(self.preferences)
        self.comparison.set_wheel_zooms(self.preferences.wheel == "zoom")
        self.recorder.wanted = self.preferences.history
        self.recall = Recall(self.worklist, self.recorder, self.controller, self)
        self.changes = QUndoStack(self)
        self.reviews = Reviews(
            self.comparison.review, self.worklist, self.recorder, self.changes, self.notifications.show_error, self
        )
        self.reporter = Reporter(self, self.worklist, self.list, self.controller, self.comparison, self.notifications)
        self.performance = Performance(self, self.worklist, self.banner, self.notifications)
        self.importer = ModelImport(self, self.banner, self.notifications)
        self.slides = Slides(lambda: self.controller.choice, lambda: self.chooser.catalogue, self, self.open_paths)
        self.opening = Opening(self.worklist, self.list, self.slides.show, self.banner, self)
        self.comparison.panel.add_chooser(self.chooser)
        self.sides = Sides(self, self.list, self.comparison)
        self.files = FileCommands(
            self, self.open_paths, self.list, self.sides.show_filter, self.controller, self.banner, self.changes
        )
        self.pictures = PictureCommands(self, self.open_paths, self.controller, self.banner)
        self.commands = self._make_commands()
        self.menus = ContextMenus(self.commands, self.comparison, self.list, self)
        DragOut(self.list)
        self.batch_bar = BatchBar(self.commands.actions["pause"], self.commands.actions["cancel"])
        recent = RecentMenu(lambda: session.recent(self.settings), self.open_paths, self)
        fill_menus(self.menuBar(), self.commands, recent, self.comparison.review.menu)
        self.tools = ToolBar(self.commands, recent, self)
        self.addToolBar(self.tools)
        fill_status_line(self.statusBar(), self.batch_bar)
        self._fill_centre()
        in_order(self.list, self.tools, self.banner, self.comparison, self.comparison.panel, self.batch_bar)
        self._connect()
        self.comparison.restore(self.last.view)
        self.comparison.show_empty()
        self._on_batch(BatchProgress(0, 0, False, None))
        self._restore_geometry()

    def begin(self, paths: list[Path]) -> None:
        """Start the threads, then open files, or the last session where none are named."""
        self.notifications.install()
        self.thumbnails.start()
        self.recorder.start()
        self.controller.start()
        if not self.settings.value("noticed", False, type=bool):
            self.banner.say(
                (
                    "Twinlens shows the predictions of two networks for an image, with heat maps. It is made for "
                    "research and can be wrong: never base a diagnosis or a treatment on it."
                ),
                button="I understand",
                action=lambda: self.settings.setValue("noticed", True),
            )
        if paths:
            self.open_paths(paths)
        elif self.last.files:
            self.worklist.add(self.last.files)
            self.list.choose(self.last.current or self.last.files[0], keep_filter=True)
            self.list.select(self.last.selected)
            self.list.view().setFocus()

    def open_paths(self, paths: list[Path]) -> None:
        """Add files, and the images in folders, to the worklist; the first of them is shown at once."""
        if self.preferences.history:
            session.add_recent(self.settings, paths)
        self.opening.open(paths)

    def set_preferences(self, preferences: Preferences) -> None:
        """Apply the settings."""
        self.preferences = preferences
        self.apply_theme()
        self.controller.set_preferences(preferences)
        self.comparison.set_wheel_zooms(preferences.wheel == "zoom")
        self.recorder.wanted = preferences.history

    def apply_theme(self) -> None:
        """Give the program the theme that the settings name."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, resolved_theme(self.preferences.theme))

    def show_training(self) -> None:
        """Open the training window, or bring it to the front."""
        from gui.training.window import TrainingWindow  # not needed to start

        if self.training is None:
            self.training = TrainingWindow(self.settings)
            self.training.models_changed.connect(self._on_trained)
            self.training.news.connect(self._on_training_news)
        self.training.setup.threads = self.preferences.threads
        self.training.show()
        self.training.raise_()
        self.training.activateWindow()

    def take_models(self) -> None:
        """Offer the models that are installed now, and compare anew."""
        self.chooser.set_catalogue(read_catalogue())
        self.controller.models_changed()
        for manager in self.findChildren(ModelManager):
            manager.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the session and stop all threads; a training run may ask to stay."""
        left = False
        if self.training is not None:
            leaving = self.training.let_go()
            if leaving is Leaving.STAYS:
                event.ignore()
                return
            left = leaving is Leaving.RUN_LEFT
            self.training.close()
            self.training.deleteLater()
            self.training = None
        self._remember()
        self.reporter.stop()
        threads = [*self.opening.searches, *self.findChildren(Background)]
        for thread in threads:
            thread.requestInterruption()
        until = QDeadlineTimer(1000)
        stopped = [thread.wait(until) for thread in threads]
        self.comparison.review.finish_note()
        ended = all(
            [*stopped, self.slides.close(), self.thumbnails.close(), self.engine.close(), self.recorder.close()]
        )
        self.all_stopped = ended and not left
        self.notifications.uninstall()
        self.changes.blockSignals(True)  # it empties itself when the window is deleted
        super().closeEvent(event)
        self.closed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the findings more room where the window has it."""
        super().resizeEvent(event)
        self.sides.fit(event.size().width())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.setDropAction(Qt.DropAction.CopyAction)  # a file manager may propose to move, which deletes files
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.open_paths([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    # what the parts say

    def _connect(self) -> None:
        self.list.chosen.connect(self.controller.show)
        self.comparison.frame_chosen.connect(self.controller.show_frame)
        self.comparison.stepped.connect(self.list.step)
        self.reporter.letterhead = lambda: read_letterhead(self.preferences)
        self.comparison.demonstration_wanted.connect(self.commands.actions["demonstration"].trigger)
        self.controller.batch_changed.connect(self._on_batch)
        self.importer.installed.connect(self.take_models)
        self.performance.images_wanted.connect(self._show_images)
        self.performance.export_wanted.connect(self.commands.actions["export_csv"].trigger)
        for changed in (
            self.worklist.rowsInserted, self.worklist.rowsRemoved, self.worklist.modelReset, self.chooser.changed,
            self.controller.screen_changed, self.controller.batch_changed, self.comparison.models_changed,
            self.changes.indexChanged, self.comparison.image_changed,
        ):  # fmt: skip
            changed.connect(lambda *_: self.commands.refresh())
        self.comparison.card_requested.connect(self._show_card)
        self.controller.screen_changed.connect(self.reviews.show)
        self.controller.selected.connect(self._on_selected)
        self.comparison.review.left.connect(lambda: self.list.view().setFocus())
        self.reviews.undone.connect(self.list.choose_if_shown)
        self.changes.undoTextChanged.connect(lambda words: self._name("undo", "&Undo", words))
        self.changes.redoTextChanged.connect(lambda words: self._name("redo", "Re&do", words))
        self.list.place_changed.connect(lambda: self.tools.place.setText(self.list.place()))
        self.engine.happened.connect(self._record, Qt.ConnectionType.DirectConnection)
        self.recorder.noticed.connect(lambda words: self.banner.say(words, warning=True))
        self.recorder.reviewed.connect(self.controller.take_review)
        self.recorder.failed.connect(self.notifications.show_error)
        self.engine.happened.connect(self._on_event)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_theme)

    def _record(self, event: Event) -> None:
        """Record a comparison; called in the engine's thread, so that none is lost while the window closes."""
        if isinstance(event, FileCompared):
            self.recorder.add(event.path, event.file_result, event.comparison, event.choice)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Fault):
            self.notifications.show_error(event.error)

    def _on_selected(self, path: Path | None) -> None:
        self.setWindowTitle("Twinlens" if path is None else f"{readable(path.name)} – Twinlens")

    def _on_system_theme(self) -> None:
        if self.preferences.theme == "auto":
            self.apply_theme()

    def _change_settings(self) -> None:
        dialog = SettingsDialog(self.preferences, self)
        dialog.storage.history_removed.connect(self.recorder.forget)
        if dialog.exec() == SettingsDialog.DialogCode.Accepted:
            write_preferences(self.settings, dialog.preferences)
            if not dialog.preferences.history:
                session.forget(self.settings)
            self.set_preferences(dialog.preferences)

    def _show_history(self) -> None:
        view = HistoryView(self.recorder, self)
        view.open_wanted.connect(lambda path: self.open_paths([path]))
        view.show()

    def _show_card(self, role: str) -> None:
        bundle = self.controller.bundles.get(role)
        if bundle is not None:
            ModelCardDialog(bundle, self, self.files.folder()).open()

    def _on_trained(self, model: str) -> None:
        self.take_models()
        self.banner.say(f"Trained and installed: {model}")

    def _on_training_news(self, words: str, warning: bool) -> None:
        if self.training is not None and not self.training.isActiveWindow():
            self.banner.say(words, warning=warning, button="Show", action=self.show_training)

    def _on_batch(self, progress: BatchProgress) -> None:
        self.batch_bar.show_progress(progress)
        if progress.total and not progress.running:
            self.list.sort()
            self.performance.tell()

    def _make_commands(self) -> Commands:
        windows = Windows(
            settings=self._change_settings,
            search=lambda: CommandSearch(
                [*self.commands.actions.values(), *self.comparison.review.menu.actions()], self
            ).open(),
            fold_worklist=lambda: self.sides.fold(self.sides.worklist),
            widen_worklist=self.sides.widen,
            table_worklist=self.sides.tabulate,
            fold_panel=lambda: self.sides.fold(self.sides.findings),
            write_note=self._write_note,
            full_screen=lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen),
            train=lambda: load("gui.training.window", self.show_training, self),
            history=self._show_history,
            monitor=lambda: MonitorView(self.recorder.ask, self).show(),
            models=lambda: show_models(
                self, self.importer, self.take_models, self.reporter.export_model, self.files.folder
            ),
            shortcuts=lambda: ShortcutSheet(self.commands.table, self).open(),
            about=lambda: AboutDialog(self).open(),
            quit=self.close,
        )
        table = command_table(
            windows, self.files, self.list, self.comparison, self.chooser, self.controller, self.engine.cancel,
            self.importer, self.reviews, self.reporter, self.performance, self.exports, self.pictures, self.changes,
        )  # fmt: skip
        return Commands(table, self, self.notifications.show_error)

    def _name(self, command: str, title: str, words: str) -> None:
        """Let a command's title say what it does now."""
        self.commands.actions[command].setText(f"{title} {words.replace('&', '&&')}".strip())

    def _show_images(self, paths: list[Path], words: str) -> None:
        self.sides.show_filter()
        self.list.bar.show_only(paths, words)
        self.list.choose_first()
        self.list.view().setFocus()

    def _write_note(self) -> None:
        self.sides.findings.show()
        self.reviews.write_note()

    def _fill_centre(self) -> None:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.comparison, 1)
        self.setCentralWidget(centre)

    # what is remembered

    def _restore_geometry(self) -> None:
        place(self, FIRST_SIZE, SMALLEST, self.settings.value("geometry"))
        state = self.settings.value("state")
        if isinstance(state, QByteArray):
            self.restoreState(state, STATE)
        self.list.restore(self.last.worklist)

    def _remember(self) -> None:
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("state", self.saveState(STATE))
        if self.preferences.history:
            files = [entry.path for entry in self.worklist.entries()]
            choice = self.chooser.choice
            now = session.Session(
                files, self.controller.path, self.list.selected_paths(), choice, self.comparison.settings(),
                self.list.settings(),
            )  # fmt: skip
            with suppress(WriteError):  # a full disk must not keep the window open
                session.write_session(now)
        self.settings.sync()
