"""The key to the colours laid over an image: a bar with its ends in words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from core.explain.rendering import STUDENT_RGB, TEACHER_RGB, ColourMap, colour_bar
from gui.common import theme

BAR, LONG, TEXT = 8, 104, 50  # width and length of the bar, width of the words, in pixels


class ColourBar(QWidget):
    """Drawn over a corner of the image; lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Colour bar of the heat map")
        self._map: ColourMap | None = "inferno"
        self.hide()

    def show_map(self, name: ColourMap) -> None:
        """Be the key to a heat map."""
        self._show(name)

    def show_difference(self) -> None:
        """Be the key to the teacher's map minus the student's."""
        self._show(None)

    def _show(self, name: ColourMap | None) -> None:
        if self._map != name:
            self._map = name
            self.update()
        self.show()

    def sizeHint(self) -> QSize:
        """Return the bar's size with its words."""
        return QSize(TEXT + BAR + 8, LONG + 2 * theme.GRID)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bar at the right and its ends' words beside it."""
        painter = QPainter(self)
        bar = QRectF(self.width() - BAR - 1, theme.GRID, BAR, LONG)
        if self._map is None:
            gradient = QLinearGradient(bar.topLeft(), bar.bottomLeft())
            for share, colour in ((0, TEACHER_RGB), (0.5, (0, 0, 0, 0)), (1, STUDENT_RGB)):
                gradient.setColorAt(share, QColor(*colour))
            painter.fillRect(bar, gradient)
            ends = ("teacher", "student")
        else:
            rgb = colour_bar(self._map, LONG, BAR)
            painter.drawImage(bar, QImage(rgb.data, BAR, LONG, 3 * BAR, QImage.Format.Format_RGB888))
            ends = ("high", "low")
        painter.setPen(QColor(255, 255, 255, 70))
        painter.drawRect(bar)
        painter.setFont(theme.font(theme.SMALL))
        for text, middle in zip(ends, (bar.top(), bar.bottom()), strict=True):
            place = QRectF(0, middle - theme.GRID, TEXT, 2 * theme.GRID)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            words = painter.boundingRect(place, flags, text)
            painter.fillRect(words.adjusted(-4, 0, 4, 0), QColor(0, 0, 0, 140))
            painter.setPen(theme.colour("on_image"))
            painter.drawText(place, flags, text)
