"""The sheet of keyboard shortcuts (F1)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.commands.command import Command
from gui.commands.table import ANALYSE, FILE, GO, IMAGE, REPORT, VIEW
from gui.common import theme

COLUMNS = {FILE: 0, GO: 0, VIEW: 1, ANALYSE: 1, REPORT: 1, IMAGE: 2}  # of menus; the others are in the last
LAST = 3
# what is held, dragged or clicked and so is no command
GESTURES: tuple[tuple[str, str], ...] = (
    ("H held", "Hide the heat map"),
    ("Double click", "One image alone, both again"),
    ("Wheel", "Next, previous image"),
    ("Ctrl+wheel", "Zoom"),
    ("Middle drag", "Pan"),
    ("Right drag", "Window and level"),
    ("Right click", "Menu"),
    ("↓ ↑ in the worklist", "Next, previous image"),
    ("↓ ↑ in the findings", "Heat map for this class"),
    ("Shift+← →", "Move the swipe"),
)
# made from the classes of the task on screen
READINGS = (("Alt+1 to Alt+9", "A class of the task"), ("X", "Other"), ("U", "Not assessable"))


class ShortcutSheet(QDialog):
    """All shortcuts, by menu.

    Args:
        table: all commands, in the order of the menus.
    """

    def __init__(self, table: Iterable[Command], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        columns = QHBoxLayout()
        columns.setSpacing(24)
        grids = [QGridLayout() for _ in range(LAST + 1)]
        for menu, commands in groupby(table, lambda command: command.menu):
            rows = [(command.key_text, command.plain_title) for command in commands if command.keys]
            self._add_group(grids[COLUMNS.get(menu, LAST)], menu.replace("&", ""), rows)
        self._add_group(grids[LAST], "Your reading", READINGS)
        self._add_group(grids[LAST], "Held, dragged, clicked", GESTURES)
        for column in grids:
            column.setHorizontalSpacing(12)
            column.setVerticalSpacing(4)
            column.setColumnStretch(1, 1)
            column.setRowStretch(column.rowCount(), 1)
            columns.addLayout(column)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(24)
        page.addLayout(columns)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        page.addWidget(buttons)

    def _add_group(self, grid: QGridLayout, title: str, rows: Iterable[tuple[str, str]]) -> None:
        first = grid.rowCount()  # the grid's own first row is empty
        head = QLabel(title)
        head.setContentsMargins(0, 16 if first > 1 else 0, 0, 4)
        theme.styled(head, "bold")
        grid.addWidget(head, first, 0, 1, 2)
        for row, (keys, words) in enumerate(rows, first + 1):
            label = QLabel(keys)
            theme.styled(label, "small", "dim")
            grid.addWidget(label, row, 0)
            grid.addWidget(theme.styled(QLabel(words), "small"), row, 1)
