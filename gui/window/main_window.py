"""The window: menus, toolbar, worklist, comparison and status line; what is opened and what is remembered."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QDeadlineTimer, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import WriteError
from core.images.reader import SUPPORTED
from core.models.catalogue import read_catalogue
from core.names import readable
from core.records.review import VERDICTS
from gui.commands.handlers import Commands
from gui.commands.table import COMMANDS
from gui.common import theme, wording
from gui.common.notifications import Banner, Notifications
from gui.common.placement import place
from gui.common.tab_order import in_order
from gui.common.threads import Background
from gui.comparison.controller import Conductor
from gui.comparison.recall import Recall
from gui.comparison.view import ComparisonView
from gui.engine.engine import AnalysisEngine, BatchProgress
from gui.export.controller import Reporter
from gui.export.quick import Exports
from gui.history.recorder import Recorder
from gui.history.review_controller import Reviews
from gui.models.card_dialog import ModelCardDialog
from gui.models.chooser import ModelChooser
from gui.settings import session
from gui.settings.preferences import Preferences, read_preferences, resolved_theme, store
from gui.worklist.batch_bar import BatchBar
from gui.worklist.file_search import FileSearch
from gui.worklist.model import Worklist
from gui.worklist.thumbnails import Thumbnails
from gui.worklist.view import WorklistView

if TYPE_CHECKING:
    from gui.training.window import TrainingWindow

FIRST_SIZE, SMALLEST = QSize(1280, 800), QSize(960, 480)
DOCK_WIDTH = 264


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
        self.last = session.read_session() if self.preferences.history else session.Session()
        self._searches: list[FileSearch] = []
        self._first_found = False

        self.worklist = Worklist(self)
        self.thumbnails = Thumbnails(self)
        self.engine = AnalysisEngine(self)
        self.banner = Banner()
        self.notifications = Notifications(self.banner, self)
        self.exports = Exports(self, self.banner, self.notifications)
        self.recorder = Recorder(self)
        self.comparison = ComparisonView()
        self.chooser = ModelChooser(replace(self.last.choice, cam=self.preferences.cam), read_catalogue())
        self.list = WorklistView(self.worklist, self.thumbnails)
        self.conductor = Conductor(self.engine, self.worklist, self.comparison, self.chooser, self.banner, self)
        self.conductor.set_preferences(self.preferences)
        self.recorder.wanted = self.preferences.history
        self.recall = Recall(self.worklist, self.recorder, self.conductor, self)
        self.reviews = Reviews(self.comparison.review, self.worklist, self.recorder, self)
        self.reporter = Reporter(self)
        self.commands = Commands(self)
        self.batch_bar = BatchBar(self.commands.actions["pause"], self.commands.actions["cancel"])
        self.dock = self._make_dock()
        self._fill_menus()
        self._fill_toolbar()
        self._fill_status_line()
        self._fill_centre()
        in_order(self.list, self._tools, self.banner, self.comparison, self.batch_bar)
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
        self.conductor.start()
        if not self.settings.value("noticed", False, type=bool):
            self.banner.say(
                (
                    "Twinlens shows what two networks say about an image and where they look. It is made for "
                    "research and can be wrong: never base a diagnosis or a treatment on it."
                ),
                button="I understand",
                action=lambda: self.settings.setValue("noticed", True),
            )
        if paths:
            self.open_paths(paths)
        elif self.last.files:
            self.worklist.add(self.last.files)
            self.list.choose(self.last.current or self.last.files[0])
            self.list.list.setFocus()

    def open_paths(self, paths: list[Path]) -> None:
        """Add files, and the images in folders, to the worklist; the first of them is shown at once."""
        if self.preferences.history:
            session.add_recent(self.settings, paths)
        self._first_found = False
        search = FileSearch([path.absolute() for path in paths], self)
        self._searches.append(search)
        search.found.connect(self._on_found)
        search.nothing.connect(self._on_nothing_found)
        search.finished.connect(self._on_search_finished)
        search.start()

    def set_preferences(self, preferences: Preferences) -> None:
        """Look and compute as the settings say from now on."""
        self.preferences = preferences
        self.apply_theme()
        self.conductor.set_preferences(preferences)
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
        self.conductor.models_changed()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the session and stop all threads; a training run may ask to stay."""
        left = False
        if self.training is not None:
            alone = self.training.let_go()
            if alone is None:
                event.ignore()
                return
            left = not alone
            self.training.close()
            self.training.deleteLater()
            self.training = None
        self._remember()
        self.reporter.stop()
        threads = [*self._searches, *self.findChildren(Background)]
        for thread in threads:
            thread.requestInterruption()
        until = QDeadlineTimer(1000)
        stopped = [thread.wait(until) for thread in threads]
        self.comparison.review.finish_note()
        ended = all([*stopped, self.thumbnails.close(), self.engine.close(), self.recorder.close()])
        self.all_stopped = ended and not left
        self.notifications.uninstall()
        super().closeEvent(event)
        self.closed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.setDropAction(
                Qt.DropAction.CopyAction
            )  # a file manager may propose to move: it would delete the files
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.open_paths([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    # what the parts say

    def _connect(self) -> None:
        self.list.chosen.connect(self.conductor.show)
        self.list.demonstration_wanted.connect(self.commands.actions["demonstration"].trigger)
        self.conductor.batch_changed.connect(self._on_batch)
        self.comparison.card_requested.connect(self._show_card)
        self.conductor.screen_changed.connect(self.reviews.show)
        self.conductor.selected.connect(self._on_selected)
        self.comparison.review.left.connect(self.list.list.setFocus)
        self.engine.compared.connect(self.recorder.add, Qt.ConnectionType.DirectConnection)
        self.recorder.noticed.connect(lambda words: self.banner.say(words, warning=True))
        self.recorder.reviewed.connect(self.conductor.take_review)
        self.recorder.failed.connect(self.notifications.show_error)
        self.engine.broke.connect(self.notifications.show_error)
        for verdict in VERDICTS:
            self.comparison.review.explain(verdict, self.commands.actions[verdict].toolTip())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_theme)

    def _on_selected(self, path: Path | None) -> None:
        self.setWindowTitle("Twinlens" if path is None else f"{readable(path.name)} – Twinlens")

    def _on_system_theme(self) -> None:
        if self.preferences.theme == "auto":
            self.apply_theme()

    def _show_card(self, role: str) -> None:
        bundle = self.conductor.bundles.get(role)
        if bundle is not None:
            ModelCardDialog(bundle, self).open()

    def _on_trained(self, model: str) -> None:
        self.take_models()
        self.banner.say(f"Trained and installed: {model}")

    def _on_training_news(self, words: str, warning: bool) -> None:
        if self.training is not None and not self.training.isActiveWindow():
            self.banner.say(words, warning=warning, button="Show", action=self.show_training)

    def _on_found(self, paths: list[Path]) -> None:
        self.worklist.add(paths)
        if not self._first_found:
            self._first_found = True
            self.list.choose(paths[0])
            self.list.list.setFocus()

    def _on_nothing_found(self, where: str) -> None:
        words = f"There are no images in {where}."
        self.banner.say(f"{words} {SUPPORTED}", warning=True)

    def _on_search_finished(self) -> None:
        for search in [search for search in self._searches if search.isFinished()]:
            self._searches.remove(search)
            search.deleteLater()

    def _on_batch(self, progress: BatchProgress) -> None:
        self.batch_bar.show_progress(progress)
        for name in ("pause", "cancel"):
            self.commands.actions[name].setEnabled(progress.running)
        if progress.total and not progress.running:
            self.list.sort()
            self.reporter.tell_scores()

    # building

    def _make_dock(self) -> QDockWidget:
        dock = QDockWidget("Worklist", self)
        dock.setObjectName("worklist")
        dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetMovable)
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(self.list)
        self.list.setMinimumWidth(240)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        self.resizeDocks([dock], [DOCK_WIDTH], Qt.Orientation.Horizontal)
        return dock

    def _fill_menus(self) -> None:
        bar = self.menuBar()
        self.menus: dict[str, QMenu] = {}
        for command in COMMANDS:
            if command.menu not in self.menus:
                self.menus[command.menu] = bar.addMenu(command.menu_words)
            self.menus[command.menu].addAction(self.commands.actions[command.id])
            if command.id == "demonstration":
                self._recent_menu = self.menus[command.menu].addMenu("Open &recent")
                self._recent_menu.aboutToShow.connect(self._fill_recent)
            if command.last_of_group:
                self.menus[command.menu].addSeparator()
        self._search = search = QPushButton("Find a command   Ctrl+K")  # Qt would let go of it
        search.setFlat(True)
        search.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.styled(search, "small", "dim")
        search.clicked.connect(self.commands.actions["search"].trigger)
        bar.setCornerWidget(search, Qt.Corner.TopRightCorner)

    def _fill_recent(self) -> None:
        self._recent_menu.clear()
        for path in session.recent(self.settings):
            action = self._recent_menu.addAction(readable(path).replace("&", "&&"))
            action.triggered.connect(lambda _checked=False, path=path: self.open_paths([path]))
        if self._recent_menu.isEmpty():
            self._recent_menu.addAction("Nothing yet").setEnabled(False)

    def _fill_toolbar(self) -> None:
        self._tools = bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        tools = QWidget()  # one row that shrinks, where a tool bar would hide what does not fit
        tools.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self._button("Open", "open"))
        row.addWidget(self._button("Folder", "open_folder"))
        row.addSpacing(12)
        row.addWidget(self.chooser, 1)
        row.addSpacing(12)
        row.addWidget(self._button("Analyse all", "analyse_all"))
        report = QToolButton()
        report.setText("Report")
        report.setToolTip("Take the comparison or the table away")
        report.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.report_menu = QMenu(report)
        for name in ("report", "export", "export_csv", "save_picture"):
            self.report_menu.addAction(self.commands.actions[name])
        report.setMenu(self.report_menu)
        row.addWidget(report)
        bar.addWidget(tools)
        self.addToolBar(bar)

    def _button(self, words: str, command: str) -> QToolButton:
        action = self.commands.actions[command]
        button = QToolButton()
        button.setText(words)
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        return button

    def _fill_status_line(self) -> None:
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        strip = QLabel("⚠  " + wording.notice())
        strip.setAccessibleName(wording.notice())
        strip.setContentsMargins(8, 4, 8, 4)
        theme.styled(strip, "small", "warning")
        bar.addPermanentWidget(strip, 1)  # other widgets give way to passing messages
        bar.addPermanentWidget(self.batch_bar)

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
            self.restoreState(state)

    def _remember(self) -> None:
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("state", self.saveState())
        if self.preferences.history:
            files = [entry.path for entry in self.worklist.entries()]
            choice = self.chooser.choice
            now = session.Session(files, self.conductor.path, choice, self.comparison.settings())
            with suppress(WriteError):  # a full disk must not keep the window open
                session.write_session(now)
        self.settings.sync()
