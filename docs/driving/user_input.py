"""What a person does at the screen: moves the pointer, clicks and types by events of the X server, and looks.

It works in a thread of its own, since a file dialog keeps the window's thread inside the click that opened it. What it
asks of widgets is answered in the window's thread.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QAction, QPixmap
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QTabBar, QToolButton, QWidget

Found = TypeVar("Found")
Opened = TypeVar("Opened", bound=QWidget)

PATIENCE = 600.0  # seconds
LOOK_AGAIN = 0.05  # seconds between two looks at the same thing


class UserInput(QObject):
    """Clicks, keys and looks.

    Attributes:
        clicks: how often it clicked into a window of the program, file dialogs apart.
    """

    _asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.clicks = 0
        self._asked.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def _answer(self, job: Callable[[], None]) -> None:
        job()

    def ask(self, question: Callable[[], Found]) -> Found:
        """Return what a function returns in the window's thread."""
        future: Future[Found] = Future()

        def job() -> None:
            try:
                future.set_result(question())
            except BaseException as error:  # noqa: BLE001 - raised where it was asked
                future.set_exception(error)

        self._asked.emit(job)
        return future.result(PATIENCE)

    def until(self, question: Callable[[], Found], what: str, patience: float = PATIENCE) -> Found:
        """Wait until a question is answered with something true, and return it."""
        end = time.monotonic() + patience
        while not (found := self.ask(question)):
            if time.monotonic() > end:
                raise SystemExit(f"In vain waited for: {what}")
            time.sleep(LOOK_AGAIN)
        return found

    def opened(self, kind: type[Opened]) -> Opened:
        """Wait for a window of a kind, and return it."""
        return self.until(lambda: _topmost(kind), kind.__name__)

    def opened_when_loaded(self, module: str, kind: str) -> Any:  # noqa: ANN401
        """Wait for a window whose module the program loads itself: an import here would hide how long that takes."""

        def found() -> Any:  # noqa: ANN401
            made = getattr(sys.modules.get(module), kind, None)
            return None if made is None else _topmost(made)

        return self.until(found, kind)

    def settle(self) -> None:
        """Wait until what was done can be seen."""
        for _ in range(3):
            self.ask(lambda: None)  # answered when the window has done all that came before
            time.sleep(LOOK_AGAIN)

    def click(self, widget: QWidget) -> None:
        """Click the middle of a widget, once it can be clicked."""
        self.until(lambda: widget.isVisible() and widget.isEnabled(), f"{widget} can be clicked")
        self._click(lambda: widget.mapToGlobal(widget.rect().center()))

    def click_arrow(self, button: QToolButton) -> None:
        """Click the arrow at the right end of a button, which opens its menu."""
        self._click(lambda: button.mapToGlobal(QPoint(button.width() - 6, button.height() // 2)))

    def click_tab(self, bar: QTabBar, number: int) -> None:
        """Click the tab of a number."""
        self._click(lambda: bar.mapToGlobal(bar.tabRect(number).center()))

    def click_item(self, action: QAction) -> None:
        """Click a command in the menu that is open."""
        menu = self.until(lambda: _menu_with(action), f"a menu with {action.text()}")
        self._click(lambda: menu.mapToGlobal(menu.actionGeometry(action).center()))

    def _click(self, place: Callable[[], QPoint]) -> None:
        self._move(self.ask(place))
        _x("click", "1")
        self.clicks += 1
        self.settle()

    def _move(self, place: QPoint) -> None:
        """Move the pointer; the server counts physical pixels."""
        scale = self.ask(lambda: QApplication.primaryScreen().devicePixelRatio())
        _x("mousemove", str(round(place.x() * scale)), str(round(place.y() * scale)))

    def away(self) -> None:
        """Move the pointer where nothing reacts to it, and wait until tooltips are gone."""
        screen = self.ask(lambda: QApplication.primaryScreen().geometry())
        self._move(QPoint(screen.width() // 2, screen.height() - 1))
        self.settle()

    def press(self, *keys: str) -> None:
        """Press keys, e.g. ``ctrl+k``."""
        for key in keys:
            _x("key", key)
            self.settle()

    def write(self, text: str) -> None:
        """Type a text."""
        _x("type", "--delay", "4", text)
        self.settle()

    def answer_file_dialog(self, path: Path) -> None:
        """Type a name into the file dialog that opens, and accept it."""
        dialog = self.opened(QFileDialog)
        time.sleep(0.3)  # the server gives it the keyboard
        self.write(str(path))
        self.press("Return")
        self.until(lambda: not is_shown(dialog), "the file dialog closed")

    def screen(self, part: QRect | None = None) -> QPixmap:
        """Return what is on the screen, or a part of it."""

        def look() -> QPixmap:
            whole = QApplication.primaryScreen()
            rect = part or QRect(QPoint(0, 0), whole.geometry().size())
            return whole.grabWindow(0, rect.x(), rect.y(), rect.width(), rect.height())

        return self.ask(look)


def is_shown(widget: QWidget) -> bool:
    """Return whether a window is open; one that deletes itself when it closes is not."""
    try:
        return widget.isVisible()
    except RuntimeError:
        return False


def _x(*words: str) -> None:
    subprocess.run(["xdotool", *words], check=True, capture_output=True)  # noqa: S603, S607


def _topmost(kind: type[Opened]) -> Opened | None:
    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()), None)


def _menu_with(action: QAction) -> QMenu | None:
    shown: Any = [w for w in action.associatedObjects() if isinstance(w, QMenu) and w.isVisible()]
    return shown[0] if shown else None
