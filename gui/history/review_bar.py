"""Your reading of the image on screen: a class of the task, other or not assessable, and a note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.records.review import NOT_ASSESSABLE, OTHER, Review, readings_of
from core.tasks import Task
from gui.common import theme
from gui.common.input_boxes import LineEdit

ROOM, GAP = 204, 4  # pixels: width of a row of buttons, and between two
BUTTONS = 11  # more readings than this are a menu
KEYS = {OTHER: "X", NOT_ASSESSABLE: "U"}  # those of the classes are Alt and their place among the classes


class ReviewBar(QWidget):
    """A button for each reading and a line for a note; ``changed`` when the person has changed the note.

    Attributes:
        menu: all readings of the task; its actions are those of the buttons, and carry the keys.
        buttons: by reading; empty where there are so many that the menu takes their place.
        note: the line.
    """

    chosen = Signal(str)  # a reading that was pressed: set it, or take it back
    changed = Signal(object)  # Review with another note
    left = Signal()  # the note is done: the focus moves on, so that typing does not go into the next image's note

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.menu = QMenu("Your &reading", self)
        self.buttons: dict[str, QToolButton] = {}
        self._readings: dict[str, QAction] = {}
        self._task: Task | None = None
        self._choose = QWidget()
        self._older = QLabel()
        theme.styled(self._older, "small", "dim")
        self.note = LineEdit()
        self.note.setPlaceholderText("Note")
        self.note.setAccessibleName("Your note on this image")
        self.note.setMaxLength(2000)
        self.note.setMinimumWidth(96)
        self.note.editingFinished.connect(self.finish_note)
        self.note.returnPressed.connect(self.left)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(GAP)
        for widget in (self._choose, self._older, self.note):
            self._rows.addWidget(widget)
        self._review = Review()
        self.show_review(None)

    def set_task(self, task: Task) -> None:
        """Offer the readings of a task."""
        if task == self._task:
            return
        self._task = task
        for action in self._readings.values():
            action.deleteLater()
        classes = task.class_ids
        self._readings = {
            key: self._action(key, name, f"Alt+{classes.index(key) + 1}" if key in classes[:9] else KEYS.get(key, ""))
            for key, name in readings_of(task).items()
        }
        self.menu.clear()
        self.menu.addActions(list(self._readings.values()))
        self._lay_out_buttons()
        self._show_choice()

    def show_review(self, review: Review | None) -> None:
        """Show a reading; None where there is nothing to read. What is being typed stays."""
        if review == self._review and self.isEnabled() == (review is not None):
            return
        if review is None and self.note.hasFocus():
            self.left.emit()
        self.setEnabled(review is not None)
        self._review = review or Review()
        with QSignalBlocker(self.note):
            if self.note.text() != self._review.note:
                self.note.setText(self._review.note)
                self.note.setCursorPosition(0)
        self.note.setToolTip(self._review.note or "Recorded in the history and printed in reports")
        self._show_choice()

    def finish_note(self) -> None:
        """Keep a note that is being typed, before another image comes."""
        self.note.setCursorPosition(0)
        if self.isEnabled() and self.note.text().strip() != self._review.note:
            self.changed.emit(Review(self._review.reading, self.note.text().strip()))

    def typed(self, reading: str | None) -> Review:
        """Return a reading with the note as it stands in the line."""
        return Review(reading, self.note.text().strip())

    def _show_choice(self) -> None:
        for key, action in self._readings.items():
            action.setChecked(key == self._review.reading)
        older = self._review.in_words(None) if self._review.reading is None else ""
        self._older.setText(older)
        self._older.setVisible(bool(older))
        if self._readings and not self.buttons:
            button = self._choose.findChild(QToolButton)
            if button is not None:
                button.setText(self._review.in_words(self._task) or "Choose a class")

    def _action(self, key: str, name: str, keys: str) -> QAction:
        action = QAction(f"Read as {name.replace('&', '&&')}", self)
        cut = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, ROOM - 4 * GAP)
        action.setIconText(cut.replace("&", "&&"))  # what the button shows
        action.setCheckable(True)
        action.setShortcut(QKeySequence(keys))
        shown = f" ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})" if keys else ""
        action.setToolTip(f"Your reading: {name}{shown}")
        action.triggered.connect(lambda _checked: self._on_pressed(key))
        return action

    def _on_pressed(self, key: str) -> None:
        self._show_choice()  # what the press has checked is shown when it has been taken
        self.chosen.emit(key)

    def _lay_out_buttons(self) -> None:
        self.buttons.clear()
        before, self._choose = self._choose, QWidget()
        column = QVBoxLayout(self._choose)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        if len(self._readings) > BUTTONS:
            button = _button()
            button.setMenu(self.menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            button.setAccessibleName("Your reading")
            column.addWidget(button)
        else:
            self.buttons = {key: self._reading_button(action) for key, action in self._readings.items()}
            outside = [button for key, button in self.buttons.items() if key in KEYS]
            classes = [button for key, button in self.buttons.items() if key not in KEYS]
            for packed in (*_packed(classes), *_packed(outside)):
                row = QHBoxLayout()
                row.setSpacing(GAP)
                for button in packed:
                    row.addWidget(button)
                column.addLayout(row)
        self._rows.replaceWidget(before, self._choose)
        before.hide()  # not deleted: PySide 6.11 then takes the actions of other widgets for deleted, too
        self._choose.show()

    def _reading_button(self, action: QAction) -> QToolButton:
        button = _button()
        button.setDefaultAction(action)
        button.setAccessibleName(action.toolTip())
        return button


def _button() -> QToolButton:
    button = QToolButton()
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    theme.styled(button, "choice", "small")
    return button


def _packed(buttons: Iterable[QToolButton]) -> Iterator[list[QToolButton]]:
    """Yield rows of as many buttons as there is room for."""
    row: list[QToolButton] = []
    for button in buttons:
        if row and sum(one.sizeHint().width() + GAP for one in [*row, button]) > ROOM + GAP:
            yield row
            row = []
        row.append(button)
    if row:
        yield row
