"""The form for a network of the user's own: classes, task, role, preprocessing, and what heat maps are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from core.errors import TwinlensError
from core.images.demo import demonstration_radiograph
from core.images.preprocessing import Preprocessing, preprocess
from core.images.reader import read_image
from core.models.own_form import MEAN, STD
from core.names import readable
from core.tasks import TASKS
from gui.common.input_boxes import ComboBox, LineEdit, SpinBox

SAMPLE = 160  # pixels of a side of the sample on screen
NEW_TASK = "New task…"
NOT_UNDERSTOOD = "Mean and deviation take three numbers each, the deviation above 0."
NOT_CALIBRATED = "Choose &images…"
LINE = 360  # width of a line in pixels


class OwnModelForm(QDialog):
    """What a person states of a network of their own; ``arguments`` are then those of ``python -m core import``.

    Args:
        source: the ``.onnx`` or ``.safetensors`` file.
        about: what :func:`core.cli.own_models.inspect` found in it.
        window: the window that it belongs to.
    """

    def __init__(self, source: Path, about: dict[str, Any], window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Import your own model")
        self._about = about
        stated = about.get("said", {})
        self._sample: Path | None = None
        self._calibration: Path | None = None
        self.name = LineEdit()
        self.name.setText(source.stem if about else "")
        self.name.setPlaceholderText("" if about else "timm's name, e.g. resnet50")
        self.task = ComboBox()
        self.task.addItem(NEW_TASK, "")
        for task in TASKS.values():
            self.task.addItem(task.name, task.id)
        self.new_task = LineEdit()
        self.new_task.setPlaceholderText("Name of the new task, e.g. Retina")
        self.classes = LineEdit()
        self.classes.setMinimumWidth(LINE)
        self.classes.setPlaceholderText("Labels in the order of the outputs, with commas between them")
        self.classes.setText(", ".join(stated.get("classes", ())))
        self.grey = QCheckBox("Images are &grey")
        self.role = ComboBox()
        self.role.addItem("Student", "student")
        self.role.addItem("Teacher", "teacher")
        self.mean, self.std = LineEdit(), LineEdit()
        self.side = SpinBox()
        self.side.setRange(32, 1024)
        height, _width = about.get("size", (224, 224))
        self.side.setValue(height)
        self.side.setSuffix(" pixels")
        self.tensor = ComboBox()
        self.tensor.addItem("Automatic: the last that follows a moving patch", "")
        for value, description in about.get("tensors", ()):
            self.tensor.addItem(description, value)
        self.tensor.addItem("None: no heat maps", "none")
        for line, values in ((self.mean, stated.get("mean") or MEAN), (self.std, stated.get("std") or STD)):
            line.setText(", ".join(f"{value:g}" for value in values))
        self.picture, self.range = QLabel(), QLabel()
        self.picture.setFixedSize(SAMPLE, SAMPLE)
        self.choose_sample = QPushButton("&Sample image…")
        self.choose_sample.clicked.connect(self._choose_sample)
        self.choose_calibration = QPushButton(NOT_CALIBRATED)
        self.choose_calibration.setToolTip("Images that the model was not trained with, in a folder for each class")
        self.choose_calibration.clicked.connect(self._choose_calibration)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.take = self.buttons.addButton("&Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        for line in (self.name, self.new_task, self.classes, self.mean, self.std):
            line.textChanged.connect(self._changed)
        self.task.currentIndexChanged.connect(self._changed)
        self.side.valueChanged.connect(self._changed)
        self.grey.toggled.connect(self._changed)
        self._changed()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        outputs = self._about.get("classes")
        told = f"It tells {outputs} classes" if outputs else "Weights of one of timm's networks"
        made_by = self._about.get("made_by")
        self.told = QLabel(". ".join(filter(None, (told, f"Exported by {made_by}" if made_by else ""))) + ".")
        self.told.setTextFormat(Qt.TextFormat.PlainText)  # a file may hold any text
        form.addRow(self.told)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("&Name", self.name),
            ("&Task", self.task),
            ("Ne&w task", self.new_task),
            ("&Classes", self.classes),
            ("", self.grey),
            ("&Role", self.role),
            ("Input &size", self.side),
            ("&Mean", self.mean),
            ("&Deviation", self.std),
            ("&Heat maps of", self.tensor),
            ("The network's input", self.picture),
            ("", self.range),
            ("", self.choose_sample),
            ("Cali&brate with", self.choose_calibration),
        )
        for words, widget in rows:
            form.addRow(words, widget)
        form.addRow(self.buttons)

    def arguments(self) -> list[str]:
        """Return what is stated, as the options of ``python -m core import``."""
        task = self.task.currentData()
        stated = {
            "--classes": ",".join(self._classes()),
            "--task": task,
            "--new-task": "" if task else self.new_task.text().strip(),
            "--role": self.role.currentData(),
            "--name": self.name.text().strip(),
            "--mean": self.mean.text().replace(" ", ""),
            "--std": self.std.text().replace(" ", ""),
            "--size": str(self.side.value()) if self._is_square() else "",
            "--tensor": self.tensor.currentData(),
            "--calibrate": str(self._calibration or ""),
        }
        given = [f"{option}={value}" for option, value in stated.items() if value]
        return [*given, *(["--grey"] if self.grey.isChecked() and not task else [])]

    def problem(self) -> str:
        """Return what is missing, in a sentence, or an empty string."""
        outputs, named = self._about.get("classes"), self._classes()
        if not self.name.text().strip():
            return "It has no name yet."
        if not self.task.currentData() and not self.new_task.text().strip():
            return "The new task has no name yet."
        if len(set(named)) != len(named):
            return "Two classes have the same label."
        if len(named) < 2 or (outputs and len(named) != outputs):
            return f"{len(named)} classes are named, {outputs or 'two or more'} are needed."
        return "" if self._how() else NOT_UNDERSTOOD

    def _is_square(self) -> bool:
        height, width = self._about.get("size", (1, 1))
        return bool(height == width)

    def _classes(self) -> list[str]:
        return [label for label in map(str.strip, self.classes.text().split(",")) if label]

    def _how(self) -> Preprocessing | None:
        """Return the preprocessing that is stated, or None where it can't be understood."""
        try:
            mean, std = ([float(part) for part in line.text().split(",")] for line in (self.mean, self.std))
            height, width = self._about.get("size", (self.side.value(), self.side.value()))
            grey = self.grey.isChecked()
            if len(mean) != 3 or len(std) != 3 or not all(value > 0 for value in std):
                return None
            return Preprocessing(
                height=height,
                width=width,
                channels="grey" if grey else "rgb",
                mean=(mean[0], mean[1], mean[2]),
                std=(std[0], std[1], std[2]),
            )
        except ValueError:
            return None

    def _changed(self) -> None:
        task = TASKS.get(self.task.currentData())
        self.new_task.setEnabled(task is None)
        self.grey.setEnabled(task is None)
        self.side.setEnabled(not self._about)
        if task is not None:
            self.grey.setChecked(not task.colour)
            if not self.classes.text():
                self.classes.setText(", ".join(task.class_ids))
        problem = self.problem()
        self.take.setEnabled(not problem)
        self.take.setToolTip(problem)
        self._show_sample()

    def _choose_sample(self) -> None:
        chosen, _kind = QFileDialog.getOpenFileName(self, "Choose an image of the kind that the model expects")
        if chosen:
            self._sample = Path(chosen)
            self._show_sample()

    def _choose_calibration(self) -> None:
        """Take a folder of labelled images; none takes back the one that was chosen."""
        chosen = QFileDialog.getExistingDirectory(self, "Choose the folder with a folder for each class")
        self._calibration = Path(chosen) if chosen else None
        self.choose_calibration.setText(readable(self._calibration.name) if self._calibration else NOT_CALIBRATED)

    def _show_sample(self) -> None:
        """Show an image as the network gets it, and between which values."""
        how = self._how()
        if how is None:
            self.picture.clear()
            self.range.setText(NOT_UNDERSTOOD)
            return
        try:
            values = preprocess(read_image(self._sample or demonstration_radiograph()), how)[0]
        except TwinlensError as error:
            self.picture.clear()
            self.range.setText(error.problem)
            return
        back = values.transpose(1, 2, 0) * np.array(how.std) + np.array(how.mean)
        pixels = np.ascontiguousarray((255 * np.clip(back, 0, 1)).round().astype(np.uint8))
        image = QImage(pixels.tobytes(), how.width, how.height, 3 * how.width, QImage.Format.Format_RGB888)
        kept = Qt.AspectRatioMode.KeepAspectRatio
        smooth = Qt.TransformationMode.SmoothTransformation
        self.picture.setPixmap(QPixmap.fromImage(image).scaled(SAMPLE, SAMPLE, kept, smooth))
        self.range.setText(f"{how.width} × {how.height}, values {values.min():.2f} to {values.max():.2f}")
