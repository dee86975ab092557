"""What the commands of ``gui.commands.table`` do, as actions for menus, toolbar, keys and the command search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog

from core.images.demo import demonstration_radiograph
from core.names import readable
from gui.commands.palette import CommandSearch
from gui.commands.table import COMMANDS, ShortcutSheet, equip
from gui.common.about import AboutDialog
from gui.history.view import HistoryView
from gui.models.importer import ModelImport
from gui.settings import session
from gui.settings.preferences import SettingsDialog, write_preferences
from gui.worklist.model import Entry

if TYPE_CHECKING:
    from gui.window.main_window import MainWindow


class Commands(QObject):
    """The actions by the command's identifier, and what they do to a window.

    An error in a command is shown; it never ends the program.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.actions: dict[str, QAction] = {}
        self._removed: list[tuple[int, Entry]] = []  # what was last taken off the worklist
        given, handlers = self._given(), self._handlers()
        for command in COMMANDS:
            action = given.get(command.id) or QAction(window)
            self.actions[command.id] = equip(action, command)
            if command.id in handlers:
                action.triggered.connect(self._guarded(handlers[command.id]))
            window.addAction(action)
        self.actions["put_back"].setEnabled(False)

    def _given(self) -> dict[str, QAction]:
        """Return the actions that belong to the comparison."""
        view = self._window.comparison
        given = {
            "overlay": view.overlay_action,
            "difference": view.difference_action,
            "contour": view.contour_action,
            "reset": view.reset_action,
            "window_level": view.window_level_action,
            "zoom": view.zoom_action,
            "pan": view.pan_action,
        }
        return given | {f"preset_{i}": action for i, action in enumerate(view.preset_actions, 1)}

    def _handlers(self) -> dict[str, Callable[[], object]]:
        window = self._window
        listed, conductor = window.list, window.conductor
        return {
            "open": self._open,
            "open_folder": self._open_folder,
            "demonstration": lambda: window.open_paths([demonstration_radiograph()]),
            "import_model": ModelImport(window).choose,
            "remove": lambda: self._remove(listed.selected_paths()),
            "put_back": self._put_back,
            "clear": lambda: self._remove([entry.path for entry in window.worklist.entries()]),
            "settings": self._change_settings,
            "quit": window.close,
            "next": lambda: listed.step(1),
            "previous": lambda: listed.step(-1),
            "first": lambda: listed.step(-window.worklist.rowCount()),
            "last": lambda: listed.step(window.worklist.rowCount()),
            "next_disagreement": self._next_disagreement,
            "filter": self._focus_filter,
            "search": lambda: CommandSearch(self.actions.values(), window).open(),
            "worklist": lambda: window.dock.setVisible(not window.dock.isVisible()),
            "full_screen": lambda: window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen),
            "analyse_all": conductor.analyse_all,
            "pause": conductor.toggle_pause,
            "cancel": window.engine.cancel,
            "next_class": conductor.next_class,
            "teacher_card": lambda: window.comparison.card_requested.emit("teacher"),
            "student_card": lambda: window.comparison.card_requested.emit("student"),
            "agree": lambda: window.reviews.say("agree"),
            "disagree": lambda: window.reviews.say("disagree"),
            "unsure": lambda: window.reviews.say("unsure"),
            "note": window.reviews.write_note,
            "history": self._show_history,
            "scores": window.reporter.scores,
            "report": window.reporter.report,
            "export": window.reporter.export,
            "export_csv": lambda: window.exports.table(listed.shown_entries()),
            "save_picture": lambda: window.exports.picture(window.comparison.on_screen()),
            "train": window.show_training,
            "shortcuts": lambda: ShortcutSheet(window).open(),
            "about": lambda: AboutDialog(window).open(),
        }

    def _guarded(self, handler: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                handler()
            except Exception as error:  # noqa: BLE001 - shown to the person, with details where it is unexpected
                self._window.notifications.show_error(error)

        return run

    def _open(self) -> None:
        kinds = "Images (*.dcm *.dicom *.png *.jpg *.jpeg *.tif *.tiff *.bmp *.jp2 *.j2k *.jxl *.webp);;All files (*)"
        chosen, _kind = QFileDialog.getOpenFileNames(self._window, "Open images", self._folder(), kinds)
        if chosen:
            self._window.open_paths([Path(name) for name in chosen])

    def _open_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, "Open folder", self._folder())
        if chosen:
            self._window.open_paths([Path(chosen)])

    def _folder(self) -> str:
        path = self._window.conductor.path
        return "" if path is None else str(path.parent)

    def _remove(self, paths: list[Path]) -> None:
        if not paths:
            return
        window = self._window
        self._removed = window.list.remove(paths)
        window.conductor.leave_out(paths)
        self.actions["put_back"].setEnabled(True)
        words = "Taken off the worklist: {0} files. They stay on disk."
        if len(paths) == 1:
            words = "Taken off the worklist: {0}. It stays on disk."
        window.banner.say(
            words.format(f"{len(paths):,}" if len(paths) > 1 else readable(paths[0].name)),
            button="Undo",
            action=self.actions["put_back"].trigger,
        )

    def _put_back(self) -> None:
        self.actions["put_back"].setEnabled(False)
        self._window.list.put_back(self._removed)
        self._window.banner.hide()
        self._removed = []

    def _change_settings(self) -> None:
        window = self._window
        dialog = SettingsDialog(window.preferences, window)
        dialog.kept.history_removed.connect(window.recorder.forget)
        if dialog.exec() == SettingsDialog.DialogCode.Accepted:
            write_preferences(window.settings, dialog.preferences)
            if not dialog.preferences.history:
                session.forget(window.settings)
            window.set_preferences(dialog.preferences)

    def _show_history(self) -> None:
        view = HistoryView(self._window.recorder, self._window)
        view.open_wanted.connect(lambda path: self._window.open_paths([path]))
        view.show()

    def _next_disagreement(self) -> None:
        if not self._window.list.next_disagreement():
            self._window.banner.say("No disagreement is known yet. Analyse all compares the remaining files.")

    def _focus_filter(self) -> None:
        self._window.dock.show()
        self._window.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
