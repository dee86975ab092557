"""What the colours over a slide mean, and how many fields have each class by either network."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from core.tasks import Task
from gui.common import theme
from gui.slides.overlay import NOT_ASSESSABLE, Fill, Shown, class_colour, paint

OF_A_NETWORK = "Stronger colour: higher probability. Lines: uncertain."
NOTES: dict[Shown, str] = {
    "teacher": OF_A_NETWORK,
    "student": OF_A_NETWORK,
    "disagreement": "Amber: the networks disagree. Clear: they agree.",
}
NOBODY = ""  # the label of fields that are not assessable


class Swatch(QWidget):
    """A colour as it lies over the slide."""

    def __init__(self, colour: QColor, *, hatched: bool = False) -> None:
        super().__init__()
        self._fill = Fill(colour, hatched)
        self.setFixedSize(2 * theme.GRID, 2 * theme.GRID)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint(painter, self._fill, QRectF(self.rect()))
        painter.setPen(theme.colour("line"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class Legend(QWidget):
    """A row for each class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setHorizontalSpacing(theme.GRID)
        self._rows.setVerticalSpacing(2)
        self._rows.setColumnStretch(1, 1)
        self._task: Task | None = None
        self._counts: dict[str, tuple[QLabel, QLabel]] = {}
        self._mode: Shown = "teacher"
        self._note = QLabel()

    def show_task(self, task: Task) -> None:
        """Show the classes of a task; the same again changes nothing."""
        if task == self._task:
            return
        self._task = task
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()  # it is deleted only when the event loop comes to it
                widget.deleteLater()
        self._counts = {}
        for column, (words, look) in enumerate((("Teacher", "teacher"), ("Student", "student")), start=2):
            head = QLabel(words)
            theme.styled(head, "small", look)
            self._rows.addWidget(head, 0, column)
        for row, label in enumerate(task.classes, start=1):
            self._add(row, Swatch(class_colour(task, label.id)), label.name, label.id)
        self._add(
            len(task.classes) + 1,
            Swatch(QColor(NOT_ASSESSABLE), hatched=True),
            "Not assessable",
            NOBODY,
        )
        self._note = QLabel(NOTES[self._mode])
        theme.styled(self._note, "small", "dim")
        self._rows.addWidget(self._note, len(task.classes) + 2, 0, 1, 4)

    def show_mode(self, mode: Shown) -> None:
        """State what the colours mean."""
        self._mode = mode
        self._note.setText(NOTES[mode])

    def show_counts(self, teacher: Counter[str], student: Counter[str]) -> None:
        """Show how many fields have each class."""
        for label, shown in self._counts.items():
            for one, counted in zip(shown, (teacher, student), strict=True):
                one.setText(f"{counted[label]:,}" if counted[label] else "–")

    def _add(self, row: int, swatch: Swatch, words: str, label: str) -> None:
        name, teacher, student = QLabel(words), QLabel("–"), QLabel("–")
        for widget in (name, teacher, student):
            theme.styled(widget, "small")
        self._counts[label] = teacher, student
        for column, part in enumerate((swatch, name, teacher, student)):
            self._rows.addWidget(part, row, column)
