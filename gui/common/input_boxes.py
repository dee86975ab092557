"""Boxes and sliders that take the wheel only while they have the focus, and lines into which no file is dropped.

Qt's own take the wheel wherever the pointer happens to be: a turn over one changes what is chosen, unnoticed. Its
lines take a dropped file as text, also where the file manager means to move it, and then deletes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLineEdit, QSlider, QSpinBox

if TYPE_CHECKING:
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QWidget

BY_HAND = Qt.FocusPolicy.StrongFocus  # the wheel alone does not give the focus


class ComboBox(QComboBox):
    """A box to choose from."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(BY_HAND)

    def grey_out(self, row: int, why: str) -> None:
        """Make a row that can't be chosen; its tooltip says why."""
        model = self.model()
        if isinstance(model, QStandardItemModel):
            model.item(row).setEnabled(False)
        self.setItemData(row, why, Qt.ItemDataRole.ToolTipRole)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Take the wheel, or leave it to what the box stands in."""
        _offer(self, event, super().wheelEvent)


class LineEdit(QLineEdit):
    """A line to type in; what is dropped on it goes to the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(False)


class SpinBox(QSpinBox):
    """A box for a number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(BY_HAND)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Take the wheel, or leave it to what the box stands in."""
        _offer(self, event, super().wheelEvent)


class Slider(QSlider):
    """A slider."""

    def __init__(self, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self.setFocusPolicy(BY_HAND)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Take the wheel, or leave it to what the slider stands in."""
        _offer(self, event, super().wheelEvent)


def _offer(widget: QWidget, event: QWheelEvent, take: Callable[[QWheelEvent], None]) -> None:
    if widget.hasFocus():
        take(event)
    else:
        event.ignore()
