"""The window's bars: menus, tool bar and status line, all of them made from the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QMenuBar,
    QPushButton,
    QSizePolicy,
    QStatusBar,
    QToolBar,
    QToolButton,
    QWidget,
)

from core.names import readable
from gui.commands.actions import Commands
from gui.common import theme, wording
from gui.common.icons import icon

# commands in the tool bar
OPEN = ("open", "open_folder", "demonstration")
TOOLS, OVERLAYS = ("pan", "zoom", "window_level"), ("overlay", "contour")
MEASURES = ("distance", "angle", "ellipse", "delete_measurement")
TURNS = ("fit", "actual_size", "zoom_percent", "magnifier", "invert", "rotate_right", "rotate_left", "flip_across",
         "flip_down")  # fmt: skip
LAYOUTS = ("side", "teacher_alone", "student_alone", "original", "swipe", "difference", "four_up", "keep_below", "link")
PRESETS = tuple(f"preset_{number}" for number in range(1, 10))
REPORTS = ("report", "export", "export_csv", "save_picture", "copy_picture", "print")


def fill_menus(bar: QMenuBar, commands: Commands, recent: RecentMenu, readings: QMenu) -> None:
    """Fill the menu bar: a menu for each that commands name, and the command search at the right.

    Args:
        bar: the menu bar.
        commands: the commands.
        recent: the files that were opened last.
        readings: what the image on screen can be read as.
    """
    menus: dict[str, QMenu] = {}
    for command in commands.table:
        menu = menus.get(command.menu) or bar.addMenu(command.menu)
        menus[command.menu] = menu
        menu.addAction(commands.actions[command.id])
        if command.id == "demonstration":
            menu.addMenu(recent)
        if command.id == "agree":
            menu.addMenu(readings)
        if command.last_of_group:
            menu.addSeparator()
        if command.missing is not None:
            menu.setToolTipsVisible(True)  # of its other commands too: Qt has this for whole menus only
    search = QPushButton("Find a command   Ctrl+K", bar)
    search.setFlat(True)
    search.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    theme.styled(search, "small", "dim")
    search.clicked.connect(commands.actions["search"].trigger)
    bar.setCornerWidget(search, Qt.Corner.TopRightCorner)


class RecentMenu(QMenu):
    """The files and folders that were opened last.

    Args:
        recent: returns them, newest first.
        open_paths: opens one of them.
    """

    def __init__(
        self, recent: Callable[[], list[Path]], open_paths: Callable[[list[Path]], object], parent: QWidget
    ) -> None:
        super().__init__("Open &recent", parent)
        self._recent, self._open_paths = recent, open_paths
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        for path in self._recent():
            action = self.addAction(readable(path).replace("&", "&&"))
            action.triggered.connect(lambda _checked=False, path=path: self._open_paths([path]))
        if self.isEmpty():
            self.addAction("Nothing yet").setEnabled(False)


class ToolBar(QToolBar):
    """One row: open, analyse, how the images are shown, report, and which file of how many is on screen.

    Args:
        commands: the commands.
        recent: the files and folders that were opened last.

    Attributes:
        opening, analyse, report: buttons; beside *Open* and *Report* an arrow has further commands.
        place: which file of how many is on screen.
    """

    def __init__(self, commands: Commands, recent: RecentMenu, parent: QWidget) -> None:
        super().__init__("Tools", parent)
        self._commands = commands
        self.setObjectName("tools")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        tools = QWidget()  # one row that shrinks, where a tool bar would hide what does not fit
        tools.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._drawn: list[tuple[QToolButton, str]] = []  # menus with an icon, and which
        self.opening = self._menu_button("Open", "", OPEN, first="open")
        self.opening.menu().addMenu(recent)
        self.analyse = self._button("analyse_all")
        self.report = self._menu_button("Report", "", REPORTS, first="report")
        layouts = self._menu_button("Layout", "How the images are laid out (Ctrl+1 to Ctrl+7)", LAYOUTS, "layout")
        windows = self._menu_button("Window", "Window and level presets (1 to 9)", PRESETS, "presets")
        measures = self._menu_button("", "Measure a distance, an angle or values (L, G, O)", MEASURES, "distance")
        turns = self._menu_button("", "Zoom, invert, rotate, flip, magnifier", TURNS, "turn")
        measures.setAccessibleName("Measure")
        turns.setAccessibleName("Zoom and turn")
        groups: tuple[tuple[QWidget, ...], ...] = (
            (self.opening, self.analyse),
            (*map(self._tool, TOOLS), measures),
            tuple(map(self._tool, OVERLAYS)),
            (layouts, windows, turns, self._tool("reset")),
            (self.report,),
        )
        for number, group in enumerate(groups):
            if number:
                row.addWidget(_line(tools))
            for button in group:
                row.addWidget(button)
        row.addStretch(1)
        self.place = QLabel(tools)
        self.place.setAccessibleName("Which file of how many is on screen")
        theme.styled(self.place, "small", "dim")
        row.addWidget(self.place)
        self.addWidget(tools)

    def _button(self, command: str) -> QToolButton:
        action = self._commands.actions[command]
        button = QToolButton()
        button.setText(action.text().replace("&", ""))
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        return button

    def _tool(self, command: str) -> QToolButton:
        """Return a button that is the command's action, with its icon alone."""
        action = self._commands.actions[command]
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(action.iconText())
        return button

    def _menu_button(
        self, words: str, tip: str, commands: Iterable[str], picture: str = "", first: str = ""
    ) -> QToolButton:
        """Return a button with a menu; one with a first command does that where its words are clicked."""
        button = self._button(first) if first else QToolButton()
        button.setText(words)
        button.setToolTip(button.toolTip() or tip)
        modes = QToolButton.ToolButtonPopupMode
        button.setPopupMode(modes.MenuButtonPopup if first else modes.InstantPopup)
        menu = QMenu(button)
        for name in commands:
            menu.addAction(self._commands.actions[name])
        button.setMenu(menu)
        if picture:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self._drawn.append((button, picture))
            button.setIcon(icon(picture))
        return button

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "place"):
            for button, picture in self._drawn:
                button.setIcon(icon(picture))


def _line(parent: QWidget) -> QFrame:
    line = QFrame(parent)
    line.setFixedSize(1, 2 * theme.GRID)
    theme.styled(line, "line")
    return line


def fill_status_line(bar: QStatusBar, batch_bar: QWidget) -> None:
    """Put the research notice and the progress of "Analyse all" where passing messages can't cover them."""
    bar.setSizeGripEnabled(False)
    strip = QLabel("⚠  " + wording.notice())
    strip.setAccessibleName(wording.notice())
    strip.setContentsMargins(8, 2, 8, 2)
    theme.styled(strip, "small", "warning")
    bar.addPermanentWidget(strip, 1)  # other widgets give way to passing messages
    bar.addPermanentWidget(batch_bar)
