"""What stands in place of an image: how to begin, what is being opened, or why there is none."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gui.common import theme


class EmptyPage(QWidget):
    """A message, and while no image is open the demonstration and what is under way.

    Attributes:
        message: the message.
        demonstration: the button that opens the demonstration.
        work: what is under way, e.g. the loading of the networks.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = QLabel()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setMargin(6 * theme.GRID)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.demonstration = QPushButton("Open the demonstration")
        self.demonstration.setToolTip("A real chest radiograph that comes with the program")
        self.work = QLabel()
        self.work.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.work.setMargin(2 * theme.GRID)
        theme.styled(self.work, "small", "dim")
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(self.message)
        column.addWidget(self.demonstration, 0, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.work)
        column.addStretch(1)

    def invite(self) -> None:
        """Say how to begin."""
        self._show("Drop images or a folder here to compare teacher and student.", "title", "dim", begin=True)

    def say(self, text: str, *looks: str) -> None:
        """Say something else than how to begin."""
        self._show(text, *looks, begin=False)

    def tell_work(self, text: str) -> None:
        """Say what is under way; how to begin stays where it is said."""
        if self.demonstration.isHidden():
            self.say(text)
        else:
            self.work.setText(text)

    def _show(self, text: str, *looks: str, begin: bool) -> None:
        self.message.setText(text)
        theme.styled(self.message, *looks)
        self.work.clear()
        for widget in (self.demonstration, self.work):
            widget.setVisible(begin)
