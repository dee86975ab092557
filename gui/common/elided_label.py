"""A label that ends in … where its text does not fit, and shows all of it in its tooltip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from gui.common.tooltips import wrapped


class ElidedLabel(QLabel):
    """Plain words in one line; a tip that it was given stays, under the words where they do not fit.

    Args:
        text: the words.
        parent: what it belongs to.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def fits(self) -> bool:
        """Return whether all words are seen."""
        return self.fontMetrics().horizontalAdvance(self.text()) <= self.contentsRect().width()

    def minimumSizeHint(self) -> QSize:
        """Return a size without width: any word can be cut."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as many words as there is room for."""
        if self.fits():
            super().paintEvent(event)
            return
        area = self.contentsRect()
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        flags = int(self.alignment() | Qt.TextFlag.TextSingleLine)
        painter = QPainter(self)
        self.style().drawItemText(painter, area, flags, self.palette(), self.isEnabled(), words, self.foregroundRole())

    def event(self, event: QEvent) -> bool:
        """Show all words in the tooltip while they do not fit."""
        if event.type() != QEvent.Type.ToolTip or self.fits():
            return super().event(event)
        own = self.toolTip()
        self.setToolTip(wrapped("\n\n".join(dict.fromkeys(filter(None, (self.text(), own))))))
        try:
            return super().event(event)
        finally:
            self.setToolTip(own)
