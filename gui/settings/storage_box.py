"""What the program stores on this machine, how large it is, and buttons to remove it: a part of the settings."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QMessageBox, QPushButton, QWidget

from core.records.disk_usage import HISTORY, StoredItem, kept, remove
from gui.common import theme
from gui.common.threads import Background
from gui.common.tooltips import wrapped
from gui.common.wording import megabytes


class StorageBox(QWidget):
    """Measures in a worker; removing asks first where what is removed can't be made again.

    Args:
        owner: lives at least as long as the workers, e.g. the window.
    """

    history_removed = Signal()
    measured = Signal()

    def __init__(self, owner: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._owner = owner
        self.buttons: dict[str, QPushButton] = {}
        self._removing = ""
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self._words = QLabel("Measuring…")
        theme.styled(self._words, "dim")
        self._grid.addWidget(self._words, 0, 0, 1, 3)
        self._measure()

    def _measure(self) -> None:
        job = Background(kept, self._owner)
        job.done.connect(self._show)
        job.failed.connect(self._on_failed)
        job.begin()

    def _show(self, found: list[StoredItem]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget is not self._words:
                widget.deleteLater()
        self.buttons = {}
        for row, thing in enumerate(found):
            label, size = QLabel(thing.name), QLabel(megabytes(thing.size))
            label.setToolTip(wrapped(thing.remark))
            theme.styled(size, "dim")
            button = QPushButton("Remove")
            button.setAutoDefault(False)
            button.setAccessibleName(f"Remove {thing.name}, {size.text()}")
            button.setToolTip(wrapped(thing.remark))
            button.clicked.connect(partial(self._remove, thing))
            self.buttons[thing.key] = button
            for column, widget in enumerate((label, size, button)):
                self._grid.addWidget(widget, row, column)
        self._words.setVisible(not found)
        if not found:
            self._words.setText("Nothing is stored.")
            self._grid.addWidget(self._words, 0, 0, 1, 3)
        self.measured.emit()

    def _remove(self, thing: StoredItem) -> None:
        if thing.key == HISTORY:
            ask = QMessageBox.StandardButton
            words = "Delete all records and readings of this machine's history for good?"
            title = "Remove the history"
            if QMessageBox.question(self, title, words, ask.Yes | ask.No, ask.No) != ask.Yes:
                return
        for button in self.buttons.values():
            button.setEnabled(False)
        self._removing = thing.key
        job = Background(partial(remove, thing), self._owner)
        job.done.connect(self._on_removed)
        job.failed.connect(self._on_failed)
        job.begin()

    def _on_removed(self, _nothing: object) -> None:
        if self._removing == HISTORY:
            self.history_removed.emit()
        self._measure()

    def _on_failed(self, error: BaseException) -> None:
        self._show([])
        self._words.setText(f"⚠ {error}")
        self._words.setWordWrap(True)
