"""The window's bars: menus, tool bar and status line, all of them made from the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
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


def fill_menus(bar: QMenuBar, commands: Commands, recent: RecentMenu) -> None:
    """Fill the menu bar: a menu for each that commands name, with recent files, and the command search at the right."""
    menus: dict[str, QMenu] = {}
    for command in commands.table:
        menu = menus.get(command.menu) or bar.addMenu(command.menu)
        menus[command.menu] = menu
        menu.addAction(commands.actions[command.id])
        if command.id == "demonstration":
            menu.addMenu(recent)
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
    """One row: open, choose what compares, analyse, report.

    Args:
        commands: the commands.
        chooser: what compares.
    """

    def __init__(self, commands: Commands, chooser: QWidget, parent: QWidget) -> None:
        super().__init__("Tools", parent)
        self._commands = commands
        self.setObjectName("tools")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        tools = QWidget()  # one row that shrinks, where a tool bar would hide what does not fit
        tools.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self._button("Open", "open"))
        row.addWidget(self._button("Folder", "open_folder"))
        row.addSpacing(12)
        row.addWidget(chooser, 1)
        row.addSpacing(12)
        row.addWidget(self._button("Analyse all", "analyse_all"))
        row.addWidget(self._report_button(("report", "export", "export_csv", "save_picture")))
        self.addWidget(tools)

    def _button(self, words: str, command: str) -> QToolButton:
        action = self._commands.actions[command]
        button = QToolButton()
        button.setText(words)
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        return button

    def _report_button(self, commands: Iterable[str]) -> QToolButton:
        button = QToolButton()
        button.setText("Report")
        button.setToolTip("Report and export")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for name in commands:
            menu.addAction(self._commands.actions[name])
        button.setMenu(menu)
        return button


def fill_status_line(bar: QStatusBar, batch_bar: QWidget) -> None:
    """Put the research notice and the progress of "Analyse all" where passing messages can't cover them."""
    bar.setSizeGripEnabled(False)
    strip = QLabel("⚠  " + wording.notice())
    strip.setAccessibleName(wording.notice())
    strip.setContentsMargins(8, 4, 8, 4)
    theme.styled(strip, "small", "warning")
    bar.addPermanentWidget(strip, 1)  # other widgets give way to passing messages
    bar.addPermanentWidget(batch_bar)
