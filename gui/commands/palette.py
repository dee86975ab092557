"""Find a command by typing a part of its name (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.common import theme
from gui.common.input_boxes import LineEdit

ACTION_ROLE = int(Qt.ItemDataRole.UserRole)
WIDTH, HEIGHT = 480, 440
LINE = 28


class CommandSearch(QDialog):
    """Lists the commands whose names hold all the words typed; Enter runs the chosen one.

    Args:
        actions: the commands, as the menus have them.
        parent: the window, above whose middle it opens.
    """

    def __init__(self, actions: Iterable[QAction], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._actions = list(actions)
        self._window = parent
        self.line = LineEdit()
        self.line.setPlaceholderText("Find a command")
        self.line.setAccessibleName("Find a command")
        self.line.textChanged.connect(self._fill)
        self.line.installEventFilter(self)
        self.found = QTreeWidget()
        self.found.setColumnCount(2)
        self.found.setHeaderHidden(True)
        self.found.setRootIsDecorated(False)
        self.found.header().setStretchLastSection(False)
        self.found.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.found.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.found.setAccessibleName("Commands found")
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found.itemClicked.connect(self._run)
        page = QVBoxLayout(self)
        page.setContentsMargins(8, 8, 8, 8)
        page.setSpacing(8)
        page.addWidget(self.line)
        page.addWidget(self.found)
        hint = QLabel("↑ ↓ to choose · Enter to run · Esc to close")
        theme.styled(hint, "small", "dim")
        page.addWidget(hint)
        self.resize(WIDTH, HEIGHT)
        self._fill("")

    def showEvent(self, event: QShowEvent) -> None:
        """Open above the window's middle, ready to type."""
        super().showEvent(event)
        self.move(self._window.mapToGlobal(QPoint((self._window.width() - self.width()) // 2, 48)))
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys move in the list and Enter run its command while one types."""
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            if event.key() in steps:
                row = self.found.currentIndex().row() + steps[Qt.Key(event.key())]
                self._choose(min(max(row, 0), self.found.topLevelItemCount() - 1))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if (item := self.found.currentItem()) is not None:
                    self._run(item)
                return True
        return super().eventFilter(watched, event)

    def _fill(self, text: str) -> None:
        self.found.clear()
        words = text.casefold().split()
        for action in self._actions:
            name = action.text().replace("&", "").rstrip("…")
            if action.isEnabled() and all(word in name.casefold() for word in words):
                keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
                item = QTreeWidgetItem([name, keys])
                item.setData(0, ACTION_ROLE, action)
                item.setForeground(1, theme.colour("dim"))
                item.setSizeHint(0, QSize(0, LINE))
                self.found.addTopLevelItem(item)
        self._choose(0)

    def _choose(self, row: int) -> None:
        if (item := self.found.topLevelItem(row)) is not None:
            self.found.setCurrentItem(item)

    def _run(self, item: QTreeWidgetItem) -> None:
        action: QAction = item.data(0, ACTION_ROLE)
        self.accept()
        action.trigger()
