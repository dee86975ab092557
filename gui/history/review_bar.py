"""Your reading of the image on screen: a class of the task, other or not assessable, and a note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QKeySequence
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
        self._choices: dict[tuple[str, ...], _Choice] = {}
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
        for widget in (self._older, self.note):
            self._rows.addWidget(widget)
        self._review = Review()
        self.show_review(None)

    def set_task(self, task: Task) -> None:
        """Offer the readings of a task."""
        if task == self._task:
            return
        self._task = task
        key = (task.id, *task.class_ids)
        if key not in self._choices:
            self._choices[key] = _Choice(self, task)
            for one, next_one in pairwise([*self._choices[key].findChildren(QToolButton), self.note]):
                QWidget.setTabOrder(one, next_one)
            self._rows.insertWidget(0, self._choices[key])
        for action in self.menu.actions():
            self.menu.removeAction(action)
        choice = self._choices[key]
        self.menu.addActions(list(choice.readings.values()))
        choice.fill(self.menu)
        self._readings, self.buttons = choice.readings, choice.buttons
        for one in self._choices.values():
            one.setVisible(one is choice)
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
        for choice in self._choices.values():
            choice.say(self._review.in_words(self._task))

    def press(self, key: str) -> None:
        """Ask for a reading; it is shown once it has been taken."""
        self._show_choice()  # not what the press has checked
        self.chosen.emit(key)


class _Choice(QWidget):
    """The readings of one task: a button for each, or one with a menu.

    It is made once and kept: a task's readings come and go with the image on screen.
    """

    def __init__(self, bar: ReviewBar, task: Task) -> None:
        super().__init__(bar)
        classes = task.class_ids
        self.readings = {
            key: self._action(bar, key, name, f"Alt+{classes.index(key) + 1}" if key in classes[:9] else KEYS.get(key))
            for key, name in readings_of(task).items()
        }
        self.buttons: dict[str, QToolButton] = {}
        self._menu_button: QToolButton | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        if len(self.readings) > BUTTONS:
            self._menu_button = _button()
            self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            self._menu_button.setAccessibleName("Your reading")
            column.addWidget(self._menu_button)
            return
        self.buttons = {key: _button(action) for key, action in self.readings.items()}
        outside = [button for key, button in self.buttons.items() if key not in classes]
        inside = [button for key, button in self.buttons.items() if key in classes]
        for packed in (*_packed(inside), *_packed(outside)):
            row = QHBoxLayout()
            row.setSpacing(GAP)
            for button in packed:
                row.addWidget(button)
            column.addLayout(row)

    def fill(self, menu: QMenu) -> None:
        """Let the one button, where there is one, open the menu of all readings."""
        if self._menu_button is not None:
            self._menu_button.setMenu(menu)

    def say(self, reading: str) -> None:
        """Show the reading on the one button, where there is one."""
        if self._menu_button is not None:
            self._menu_button.setText(reading or "Choose a class")

    def _action(self, bar: ReviewBar, key: str, name: str, keys: str | None) -> QAction:
        action = QAction(f"Read as {name.replace('&', '&&')}", self)
        letters = QFontMetrics(theme.font(theme.SMALL))
        cut = letters.elidedText(name, Qt.TextElideMode.ElideMiddle, ROOM - 4 * GAP)
        action.setIconText(cut.replace("&", "&&"))  # what the button shows
        action.setCheckable(True)
        action.setShortcut(QKeySequence(keys or ""))
        shown = f" ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})" if keys else ""
        action.setToolTip(f"Your reading: {name}{shown}")
        action.triggered.connect(lambda _checked: bar.press(key))
        return action


def _button(action: QAction | None = None) -> QToolButton:
    button = QToolButton()
    if action is not None:
        button.setDefaultAction(action)
        button.setAccessibleName(action.toolTip())
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
