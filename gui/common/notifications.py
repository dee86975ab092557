"""Messages: a line above the image for expected errors and news, a dialog for unexpected errors.

One manager owns ``sys.excepthook`` and ``threading.excepthook``: an unexpected error becomes a readable message with
details to copy, and the program continues.
"""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core import __version__
from core.errors import TwinlensError
from core.names import readable
from gui.common import theme
from gui.common.placement import fitted
from gui.common.reveal import open_file, show_in_folder

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class Banner(QWidget):
    """A line that stays until it is read: a sign, words, buttons for what can be done, and a cross."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._sign = QLabel()
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAccessibleName("Message")
        self.button = QPushButton()
        self.button.setAccessibleName("What can be done about the message")
        self.button.clicked.connect(self._act)
        self.second = QPushButton()
        self.second.setAccessibleName("What else can be done about the message")
        self.second.clicked.connect(self._act_second)
        self.cross = QToolButton()
        self.cross.setText("✕")
        self.cross.setAccessibleName("Close this message")
        self.cross.setToolTip("Close this message")
        self.cross.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(16)
        row.addWidget(self._sign)
        row.addWidget(self.words, 1)
        for widget in (self.button, self.second, self.cross):
            row.addWidget(widget)
        self._action: Callable[[], object] | None = None
        self._other: Callable[[], object] | None = None
        self.hide()

    def say(
        self, words: str, *, warning: bool = False, button: str = "", action: Callable[[], object] | None = None,
        second: str = "", other: Callable[[], object] | None = None,
    ) -> None:  # fmt: skip
        """Show words until they are closed.

        Args:
            words: the words.
            warning: whether they warn.
            button: what can be done, if anything; pressing it closes the line.
            action: does it.
            second: what else can be done; the line stays.
            other: does that.
        """
        self._sign.setText("⚠" if warning else "ℹ")
        theme.styled(self._sign, "title", "warning" if warning else "dim")
        self.words.setText(words)
        self.button.setVisible(bool(button))
        self.button.setText(button)
        self.second.setVisible(bool(second))
        self.second.setText(second)
        self._action, self._other = action, other
        for widget, name in ((self, words), (self.words, words), (self.button, button),
                             (self.second, second)):  # fmt: skip
            if name:  # a hidden button keeps the one that it had
                widget.setAccessibleName(name)
        self.show()

    def say_written(self, path: Path) -> None:
        """Say that a file has been written, and offer to open it or its folder."""
        self.say(
            f"Written: {readable(path)}",
            button="Open", action=lambda: open_file(path),
            second="Show in folder", other=lambda: show_in_folder(path),
        )  # fmt: skip

    def _act(self) -> None:
        self.hide()
        if self._action is not None:
            self._action()

    def _act_second(self) -> None:
        if self._other is not None:
            self._other()


class Notifications(QObject):
    """Receives all errors that nobody caught, from any thread, and shows them in the window.

    Args:
        banner: where errors that are meant to be read are shown.
        window: the window that dialogs belong to.
    """

    _raised = Signal(object)  # the exception

    def __init__(self, banner: Banner, window: QWidget) -> None:
        super().__init__(window)
        self._banner = banner
        self._window = window
        self._hook: Hook | None = None
        self._thread_hook: Callable[[threading.ExceptHookArgs], object] | None = None
        self.dialog: ErrorDialog | None = None
        self._raised.connect(self.show_error, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Take over both hooks."""
        self._hook, self._thread_hook = sys.excepthook, threading.excepthook
        sys.excepthook = self._caught
        threading.excepthook = self._caught_in_thread

    def uninstall(self) -> None:
        """Give both hooks back."""
        if self._hook is not None and self._thread_hook is not None:
            sys.excepthook, threading.excepthook = self._hook, self._thread_hook
            self._hook = self._thread_hook = None

    def show_error(self, error: BaseException) -> None:
        """Show an error: in the banner if it is meant to be read, else in a dialog with details to copy."""
        if isinstance(error, TwinlensError):
            self._banner.say(str(error), warning=True)
        elif self.dialog is not None and self.dialog.isVisible():
            self.dialog.add(error)
        else:
            self.dialog = ErrorDialog(error, self._window)
            self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.dialog.destroyed.connect(self._forget_dialog)
            self.dialog.show()

    def _forget_dialog(self) -> None:
        self.dialog = None

    def _caught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            QGuiApplication.quit()
            return
        traceback.print_exception(kind, error, trace)
        self._raised.emit(error)

    def _caught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._caught(args.exc_type, args.exc_value, args.exc_traceback)


class ErrorDialog(QDialog):
    """Says that something unexpected happened, with everything that a report of it needs."""

    def __init__(self, error: BaseException, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong")
        head = QLabel("Something went wrong that should not have.")
        theme.styled(head, "title")
        words = QLabel(
            "The program continues, and your files were not changed. If it happens again, please copy the "
            "details into a report; they name files and no patients."
        )
        words.setWordWrap(True)
        self.details = QPlainTextEdit(details(error))
        self.details.setReadOnly(True)
        self.details.setAccessibleName("Details")
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy details", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self.copy)
        buttons.rejected.connect(self.reject)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(16)
        for widget in (head, words, self.details, buttons):
            page.addWidget(widget)
        self.resize(fitted(self, QSize(640, 400)))

    def add(self, error: BaseException) -> None:
        """Add another error to the details."""
        self.details.appendPlainText("\n" + details(error))

    def copy(self) -> None:
        """Put the details on the clipboard."""
        QGuiApplication.clipboard().setText(self.details.toPlainText())


def details(error: BaseException) -> str:
    """Return an error with where it happened and on what."""
    head = f"Twinlens {__version__}, Python {platform.python_version()}, {platform.platform()}"
    return head + "\n" + "".join(traceback.format_exception(error)).rstrip()
