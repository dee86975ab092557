"""Your reading of the image on screen: agree, disagree or unsure, and a note."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.records.review import OPINIONS, Opinion, Review
from gui.common import theme
from gui.common.input_boxes import LineEdit
from gui.common.wording import review_words


class ReviewBar(QWidget):
    """Three buttons and a line; ``changed`` when the person has changed something."""

    changed = Signal(object)  # Review
    left = Signal()  # the note is done: the focus moves on, so that typing does not go into the next image's note

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        rows, row = QVBoxLayout(self), QHBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        row.setSpacing(4)
        rows.addLayout(row)
        self.buttons: dict[Opinion, QToolButton] = {}
        for opinion in OPINIONS:
            button = QToolButton()
            button.setText(review_words(opinion))
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            theme.styled(button, "tight", "small")
            button.clicked.connect(lambda _checked=False, opinion=opinion: self.toggle(opinion))
            self.buttons[opinion] = button
            row.addWidget(button)
        self.note = LineEdit()
        self.note.setPlaceholderText("Note")
        self.note.setAccessibleName("Your note on this image")
        self.note.setMaxLength(2000)
        self.note.setMinimumWidth(96)
        self.note.editingFinished.connect(self._note_finished)
        self.note.returnPressed.connect(self.left)
        rows.addWidget(self.note)
        self._review = Review()
        self.show_review(None)

    def show_review(self, review: Review | None) -> None:
        """Show a review; None where there is nothing to review. What is being typed stays."""
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
        for opinion, button in self.buttons.items():
            button.setChecked(opinion == self._review.opinion)

    def toggle(self, opinion: Opinion) -> None:
        """Set the reading, or clear it."""
        self._change(Review(None if self._review.opinion == opinion else opinion, self.note.text().strip()))

    def finish_note(self) -> None:
        """Keep a note that is being typed, before another image comes."""
        self._note_finished()

    def explain(self, opinion: Opinion, tip: str) -> None:
        """Give a button the tip of its command, which names its key."""
        self.buttons[opinion].setToolTip(tip)
        self.buttons[opinion].setAccessibleName(tip)

    def _note_finished(self) -> None:
        self.note.setCursorPosition(0)
        if self.isEnabled() and self.note.text().strip() != self._review.note:
            self._change(Review(self._review.opinion, self.note.text().strip()))

    def _change(self, review: Review) -> None:
        if not self.isEnabled():
            return
        self.show_review(review)
        self.changed.emit(review)
