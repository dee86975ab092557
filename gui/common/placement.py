"""Where windows open: inside the free area of a screen, with their frames."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QPoint, QRect, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

FRAME = QSize(16, 40)  # what a window's frame takes in width and height at most; known only once it is seen


def place(window: QWidget, wanted: QSize, smallest: QSize, last: object = None) -> None:
    """Give a window its size and place, before it is shown.

    Args:
        window: the window.
        wanted: its size where nothing is remembered and the screen has room.
        smallest: how small it may be made; smaller where the screen has no room.
        last: what ``saveGeometry`` returned when it was last closed, of a screen that may be another by now.
    """
    window.setMinimumSize(smallest.boundedTo(_room(window)))
    window.resize(wanted.boundedTo(_room(window)))
    restored = isinstance(last, QByteArray) and window.restoreGeometry(last)
    if window.isMaximized() or window.isFullScreen():
        return
    free = _free(window, window.geometry().center())
    inner = QRect(window.pos(), window.size().boundedTo(free.size() - FRAME))
    if not restored:
        inner.moveCenter(free.center())
    whole = QRect(inner.topLeft(), inner.size() + FRAME)
    whole.moveRight(min(whole.right(), free.right()))
    whole.moveBottom(min(whole.bottom(), free.bottom()))
    whole.moveLeft(max(whole.left(), free.left()))
    whole.moveTop(max(whole.top(), free.top()))
    window.resize(inner.size())
    window.move(whole.topLeft())


def keep_inside(window: QWidget) -> None:
    """Move a window that has grown back into the free area of its screen."""
    free, frame = _free(window), window.frameGeometry()
    inside = QRect(frame)
    inside.moveBottom(min(frame.bottom(), free.bottom()))
    inside.moveTop(max(inside.top(), free.top()))
    if inside != frame:
        window.move(inside.topLeft())


def fitted(dialog: QWidget, wanted: QSize) -> QSize:
    """Return a size for a dialog, smaller than wanted where the screen has no room for it."""
    return wanted.boundedTo(_room(dialog))


def _room(window: QWidget) -> QSize:
    return _free(window).size() - FRAME


def _free(window: QWidget, at: QPoint | None = None) -> QRect:
    """Return the free area of the screen at a place, else of the window's own."""
    screen = QGuiApplication.screenAt(at) if at is not None else None
    return QRect((screen or window.screen() or QGuiApplication.primaryScreen()).availableGeometry())
