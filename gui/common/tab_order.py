"""The order in which the tabulator goes through a window: it follows the eye, not the order of making."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def in_order(*parts: QWidget) -> None:
    """Let the tabulator go through parts one after another, through each of them in the order that it has.

    Args:
        parts: widgets of one window, each with or without others in it.
    """
    for before, after in pairwise([widget for part in parts for widget in _stops(part)]):
        QWidget.setTabOrder(before, after)


def _stops(part: QWidget) -> list[QWidget]:
    """Return where the tabulator stops in a part: at it, or at widgets in it."""
    found: list[QWidget] = []
    widget: QWidget | None = part
    while widget is not None:
        inside = widget is part or part.isAncestorOf(widget)
        if inside and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
            found.append(widget)
        widget = widget.nextInFocusChain()
        if widget is part:
            break
    return found
