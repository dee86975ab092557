"""Which of the task's classes a data set's labels are, where they are written otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from core.tasks import Task
from gui.common import theme
from gui.common.input_boxes import ComboBox
from training.data.label_map import alike

OPEN = "?"  # the choice that none has been made


class LabelMapping(QWidget):
    """A row for each label of a data set, with the class that it is; not visible where every label is a class.

    Signals:
        applied: the choices hold from now on.
    """

    applied = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label_map: dict[str, str] = {}  # what was applied; a label that is mapped to nothing is left out
        self._labels: dict[str, int] = {}
        self._boxes: dict[str, ComboBox] = {}
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(0, 8, 0, 0)
        self._rows.setColumnStretch(1, 1)
        self._words = QLabel("Some labels are none of the task's classes. Choose the class of each:")
        self._words.setWordWrap(True)
        theme.styled(self._words, "small", "warning")
        self.apply_button = QPushButton("Check with these classes")
        self.apply_button.clicked.connect(self._apply)
        self._rows.addWidget(self._words, 0, 0, 1, 2)
        self.hide()

    def forget(self) -> None:
        """Drop labels and choices: another data set was chosen."""
        self.label_map, self._labels = {}, {}
        self._clear()

    def show_labels(self, labels: Mapping[str, int], task: Task) -> None:
        """Offer a task's classes for the labels of a data set, the one that is spelt alike chosen.

        Args:
            labels: how many images there are of each label, as the data set writes it.
            task: whose classes are offered.
        """
        self._labels = dict(labels)
        self.offer(task)

    def offer(self, task: Task) -> None:
        """Offer another task's classes for the labels that are shown."""
        self._clear()
        if set(self._labels) <= set(task.class_ids):
            return
        for row, (label, count) in enumerate(self._labels.items(), start=1):
            words = QLabel(f"{label} ({count:,})")
            words.setWordWrap(True)
            box = ComboBox()
            box.addItem("Choose…", OPEN)
            for one in task.classes:
                box.addItem(one.name, one.id)
            box.addItem("Leave out", "")
            box.setAccessibleName(f"Class of the label {label}")
            chosen = self.label_map.get(label, alike(label, task.class_ids) or OPEN)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.currentIndexChanged.connect(self._changed)
            words.setBuddy(box)
            self._rows.addWidget(words, row, 0)
            self._rows.addWidget(box, row, 1)
            self._boxes[label] = box
        self._rows.addWidget(self.apply_button, len(self._labels) + 1, 0, 1, 2)
        self.apply_button.show()
        self._changed()
        self.show()

    @property
    def _chosen(self) -> dict[str, str]:
        """What is chosen, of labels that change."""
        choices = {label: str(box.currentData()) for label, box in self._boxes.items()}
        return {label: choice for label, choice in choices.items() if choice not in (OPEN, label)}

    def _changed(self) -> None:
        undecided = [box for box in self._boxes.values() if box.currentData() == OPEN]
        self.apply_button.setEnabled(not undecided and self._chosen != self.label_map)

    def _apply(self) -> None:
        self.label_map = self._chosen
        self._changed()
        self.applied.emit()

    def _clear(self) -> None:
        self.hide()
        self._rows.removeWidget(self.apply_button)
        for row in range(1, self._rows.rowCount()):
            for column in range(2):
                item = self._rows.itemAtPosition(row, column)
                widget = None if item is None else item.widget()
                if widget is not None:
                    self._rows.removeWidget(widget)
                    widget.setParent(None)
                    widget.deleteLater()
        self._boxes = {}
