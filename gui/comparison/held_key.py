"""An action that lasts for as long as its key is held."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QApplication


class HeldKey(QObject):
    """Knows whether the key of an action is held; it is let go also where the window loses the keyboard.

    Args:
        action: its shortcut is the key.

    Attributes:
        held: whether it is.
    """

    changed = Signal()

    def __init__(self, action: QAction) -> None:
        super().__init__(action)
        self._action = action
        self._key = 0
        self.held = False
        action.setAutoRepeat(False)
        action.triggered.connect(lambda: self._hold(True))

    def _hold(self, held: bool) -> None:
        if held == self.held:
            return
        self._key = _key(self._action) if held else 0
        self.held = held
        app = QApplication.instance()
        if app is not None:
            if held:
                app.installEventFilter(self)
            else:
                app.removeEventFilter(self)
        self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice that the key is released, or that the window loses the keyboard."""
        if self.held:
            let_go = (
                isinstance(event, QKeyEvent)
                and event.type() == QEvent.Type.KeyRelease
                and not event.isAutoRepeat()
                and event.key() == self._key
            )
            if let_go or event.type() == QEvent.Type.ApplicationDeactivate:
                self._hold(False)
        return super().eventFilter(watched, event)


def _key(action: QAction) -> int:
    """Return the key of an action's shortcut, without modifiers."""
    keys = action.shortcut()
    return 0 if keys.isEmpty() else int(keys[0].key())  # type: ignore[index]  # PySide's stubs lack it
