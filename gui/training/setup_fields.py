"""The fields of the training window's left side, as they look; what they mean is in ``setup``."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.common import theme
from gui.common.input_boxes import ComboBox, LineEdit, SpinBox
from gui.training.label_mapping import LabelMapping


class SetupFields(QWidget):
    """Data set, task, role, recipe, teacher, epochs, batch and folder of a run, one below the other.

    Attributes:
        data, task, recipe, teacher, epochs, batch, out: the fields.
        labels: which classes the labels of the data set are.
        teacher_role, student_role: what is trained.
        new_task: makes a task of the data set's labels.
        browse_data, browse_recipe, browse_teacher, browse_out: buttons that choose a file or folder.
        data_words, recipe_words, size_words, problem: small lines under the fields.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(4)

        self.data = LineEdit()
        self.data.setPlaceholderText("A data set's folder")
        self.browse_data = _browse("Choose the data set's folder")
        _add(page, "&Data set", self.data, self.browse_data)
        self.data_words = _small(page)
        self.labels = LabelMapping()
        page.addWidget(self.labels)

        page.addSpacing(8)
        self.task = ComboBox()
        self.new_task = QPushButton("&New task…")
        self.new_task.setToolTip("Make a task of the data set's own labels")
        _add(page, "&Task", self.task, self.new_task)
        self._add_roles(page)

        page.addSpacing(8)
        self.recipe = _wide_box()
        self.browse_recipe = _browse("Choose a recipe of your own, a TOML file")
        _add(page, "&Recipe", self.recipe, self.browse_recipe)
        self.recipe_words = _small(page)

        page.addSpacing(8)
        self.teacher = _wide_box()
        self.browse_teacher = _browse("Choose a bundle's or finished run's folder")
        _add(page, "Teacher &model", self.teacher, self.browse_teacher)

        page.addSpacing(8)
        self.epochs, self.batch = _number(10_000), _number(65_536)
        row = QHBoxLayout()
        row.setSpacing(16)
        for words, box in (("&Epochs", self.epochs), ("&Batch, images a step", self.batch)):
            column = QVBoxLayout()
            column.setSpacing(4)
            _add(column, words, box)
            row.addLayout(column, 1)
        page.addLayout(row)
        self.size_words = _small(page)

        page.addSpacing(8)
        self.out = LineEdit()
        self.browse_out = _browse("Choose where the run is stored")
        _add(page, "Run's &folder", self.out, self.browse_out)
        for field in (self.data, self.out):
            field.textChanged.connect(field.setToolTip)  # a long path is seen in part only
        self.problem = _small(page)
        theme.styled(self.problem, "small", "warning")
        page.addStretch(1)

    def _add_roles(self, page: QVBoxLayout) -> None:
        self._roles = QButtonGroup(self)
        self.teacher_role = QRadioButton("Teac&her")
        self.student_role = QRadioButton("&Student")
        self.teacher_role.setToolTip("The large network")
        self.student_role.setToolTip("The small network")
        row = QHBoxLayout()
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(24)
        for button, look in ((self.teacher_role, "teacher"), (self.student_role, "student")):
            theme.styled(button, look)
            self._roles.addButton(button)
            row.addWidget(button)
        self.student_role.setChecked(True)
        row.addStretch(1)
        page.addLayout(row)


def _add(page: QVBoxLayout, words: str, *fields: QWidget) -> None:
    """Add a label and, below it, its field with the buttons that belong to it."""
    label = QLabel(words)
    theme.styled(label, "small", "dim")
    label.setBuddy(fields[0])
    fields[0].setAccessibleName(words.replace("&", ""))
    page.addWidget(label)
    row = QHBoxLayout()
    row.setSpacing(8)
    for place, field in enumerate(fields):
        row.addWidget(field, 0 if place else 1)
    page.addLayout(row)


def _small(page: QVBoxLayout) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    theme.styled(label, "small", "dim")
    page.addWidget(label)
    return label


def _browse(words: str) -> QToolButton:
    button = QToolButton()
    button.setText("…")
    button.setFixedWidth(32)
    button.setAccessibleName(words)
    button.setToolTip(words)
    return button


def _wide_box() -> ComboBox:
    box = ComboBox()
    box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _number(most: int) -> SpinBox:
    box = SpinBox()
    box.setRange(1, most)
    return box
