"""Context menus: of an image and its heat map, of a file in the worklist, and of the findings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from core.names import readable
from gui.commands.actions import Commands
from gui.comparison.model_panel import ModelPanel
from gui.comparison.view import ComparisonView
from gui.worklist.view import WorklistView

TOOLS = ("pan", "zoom", "window_level", "distance", "angle", "ellipse", "magnifier")
SEEN = ("fit", "actual_size", "zoom_percent", "invert", "rotate_right", "rotate_left", "flip_across", "flip_down")
OVERLAY = ("overlay", "contour", "difference", "each_its_own")
LAYOUTS = ("side", "teacher_alone", "student_alone", "original", "swipe", "four_up", "keep_below", "link")
PICTURES = ("copy_picture", "save_picture", "print", "show_in_folder")
FILES = ("show_in_folder", "remove")


class ContextMenus(QObject):
    """Makes a menu where one is wanted, of the same commands as the menus have.

    Args:
        commands: the commands.
        view: the comparison on screen.
        listed: the worklist on screen.
        parent: the window.

    Attributes:
        menu: the last one, None before the first.
    """

    def __init__(self, commands: Commands, view: ComparisonView, listed: WorklistView, parent: QWidget) -> None:
        super().__init__(parent)
        self._commands, self._view, self._listed, self._parent = commands, view, listed, parent
        self.menu: QMenu | None = None
        view.menu_wanted.connect(self.show_image_menu)
        view.table.menu_wanted.connect(self.show_findings_menu)
        listed.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        listed.list.customContextMenuRequested.connect(self._on_file_menu)

    def show_image_menu(self, panel: ModelPanel, at: QPoint) -> None:
        """Show the menu of an image; of its heat map where one lies over it."""
        menu = self._new_menu()
        self._add(menu.addMenu("Left button"), TOOLS)
        self._add(menu.addMenu("Window"), [f"preset_{number}" for number in range(1, 10)])
        self._add(menu.addMenu("Layout"), LAYOUTS)
        menu.addSeparator()
        self._add(menu, SEEN)
        if panel.view.measuring.measurements.found:
            self._add(menu, ("delete_measurement",))
        self._add(menu, ("reset",))
        menu.addSeparator()
        self._add(menu, OVERLAY)
        if panel.result is not None and not panel.withheld:
            self._add_classes(menu.addMenu("Heat map for"))
        menu.addSeparator()
        self._add(menu, PICTURES)
        if panel.card_button.isEnabled():
            menu.addAction(f"Model card of the {panel.role}", panel.card_button.click)
        menu.popup(at)

    def show_findings_menu(self, row: int, at: QPoint) -> None:
        """Show the menu of a class in the findings."""
        menu = self._new_menu()
        table = self._view.table
        if self._view.first.comparison is not None:
            menu.addAction(f"Heat map for {table.names()[row]}", partial(self._view.class_chosen.emit, row))
        menu.addAction("Copy values", lambda: QGuiApplication.clipboard().setText(table.as_text()))
        menu.popup(at)

    def show_file_menu(self, at: QPoint) -> None:
        """Show the menu of the files that are selected in the worklist."""
        menu = self._new_menu()
        self._add(menu, FILES)
        paths = self._listed.selected_paths()
        words = "\n".join(readable(path) for path in paths)
        menu.addAction("Copy path" if len(paths) == 1 else "Copy paths", partial(_copy_text, words))
        menu.popup(at)

    def _on_file_menu(self, at: QPoint) -> None:
        if self._listed.list.indexAt(at).isValid():
            self.show_file_menu(self._listed.list.viewport().mapToGlobal(at))

    def _add_classes(self, menu: QMenu) -> None:
        for row, name in enumerate(self._view.table.names()):
            menu.addAction(name.replace("&", "&&"), partial(self._view.class_chosen.emit, row))

    def _new_menu(self) -> QMenu:
        if self.menu is not None:
            self.menu.deleteLater()
        self.menu = QMenu(self._parent)
        return self.menu

    def _add(self, menu: QMenu, names: Iterable[str]) -> None:
        for name in names:
            menu.addAction(self._commands.actions[name])


def _copy_text(words: str) -> None:
    QGuiApplication.clipboard().setText(words)
