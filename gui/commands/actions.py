"""Commands as Qt's actions, which menus, tool bar, shortcuts and the command search share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from gui.commands.command import Command


class Commands(QObject):
    """The commands of a window and their actions.

    An error in a command is shown; it never ends the program.

    Args:
        table: all commands.
        window: where their shortcuts work.
        show_error: called with an exception that a command raised.

    Attributes:
        table: all commands, in the order of the menus.
        actions: their actions by the command's id.
    """

    def __init__(
        self, table: Iterable[Command], window: QWidget, show_error: Callable[[BaseException], object]
    ) -> None:
        super().__init__(window)
        self.table = tuple(table)
        self._show_error = show_error
        self.actions = {command.id: self._action(command, window) for command in self.table}
        window.addActions(list(self.actions.values()))
        self.refresh()

    def refresh(self) -> None:
        """Enable the commands that can be used now; to be called when what they depend on has changed."""
        for command in self.table:
            self.actions[command.id].setEnabled(command.missing is None and command.enabled())

    def _action(self, command: Command, window: QWidget) -> QAction:
        if isinstance(command.does, QAction):
            action = command.does
            short = action.iconText()
        else:
            action, short = QAction(window), ""
            action.triggered.connect(self._guarded(command.does))
        action.setObjectName(command.id)
        action.setText(command.title)
        if short:
            action.setIconText(short)  # buttons keep their shorter name
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setAutoRepeat(command.repeats)
        action.setToolTip(command.tooltip)
        if command.id == "quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        return action

    def _guarded(self, callback: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - shown to the person, with details where it is unexpected
                self._show_error(error)

        return run
