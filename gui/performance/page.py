"""What a page of the performance window is: it shows figures, and can be copied as text and as a picture."""

from __future__ import annotations

from abc import abstractmethod

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.performance.figures import Figures
from core.performance.observations import Reference
from gui.common import theme


class Page(QWidget):
    """One page.

    Attributes:
        title: its name on the tab.
    """

    title = ""

    @abstractmethod
    def show_figures(self, found: Figures, reference: Reference | None) -> None:
        """Show the figures of a task.

        Args:
            found: the figures.
            reference: what the models are compared with, None where nothing is known.
        """

    @abstractmethod
    def texts(self) -> list[list[str]]:
        """Return what is shown as rows of text."""

    def pictured(self) -> QWidget:
        """Return what a picture of the page shows."""
        return self


def note() -> QLabel:
    """Return a line for a sentence that explains or warns."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    theme.styled(label, "small", "dim")
    return label


def column(page: QWidget, *widgets: QWidget) -> QVBoxLayout:
    """Put widgets under each other; the first takes the room."""
    found = QVBoxLayout(page)
    found.setContentsMargins(0, 2 * theme.GRID, 0, 0)
    found.setSpacing(2 * theme.GRID)
    for i, widget in enumerate(widgets):
        found.addWidget(widget, 1 if i == 0 else 0)
    return found


def scrolled(inside: QWidget, name: str) -> QScrollArea:
    """Return an area that a widget larger than the page scrolls in."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(inside)
    area.setAccessibleName(name)
    return area


def picture_of(widget: QWidget) -> QImage:
    """Return a widget as it is on screen, on the colour of the window."""
    pixmap = widget.grab()
    image = QImage(pixmap.size(), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(pixmap.devicePixelRatio())
    image.fill(theme.colour("window"))
    painter = QPainter(image)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return image
