"""A few validation images while a network is trained: its answer after the last epoch, and what it rests on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.errors import ImageError
from core.explain.heatmap import FloatArray, HeatMap
from core.explain.rendering import blended, coloured
from core.images.reader import read_image
from core.tasks import Task
from gui.common import theme
from gui.common.elided_label import ElidedLabel
from gui.common.wording import class_name
from training.runs.examples import Example, Examples, read_examples
from training.runs.folder import RunFolder

SIDE, BETWEEN = 160, 3 * theme.GRID  # logical pixels of a picture, and between two
WORDS = 44  # logical pixels of the two lines under a picture
NONE_YET = "The first examples come after the first epoch."


class ExamplesView(QScrollArea):
    """A grid of images, each with its label, the prediction under it, and the heat map over it if wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Examples of the validation images")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self._task: Task | None = None
        self._folder: RunFolder | None = None
        self._found = Examples()
        self._pictures: dict[str, FloatArray] = {}
        self.cards: list[ExampleCard] = []
        self.words = QLabel()
        self.maps = QCheckBox("Heat maps")
        self.maps.setToolTip("Grad-CAM of the predicted class: a fast relative of Score-CAM")
        self.maps.setChecked(True)
        self.maps.toggled.connect(self._draw)
        inside = QWidget()
        self._wall = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 2 * theme.GRID, 0, 0)
        column.setSpacing(2 * theme.GRID)
        column.addWidget(self.words)
        column.addWidget(self.maps)
        column.addWidget(self._wall)
        column.addStretch(1)
        self.setWidget(inside)
        self.clear()

    def clear(self) -> None:
        """Forget a run."""
        self._folder, self._found, self._pictures = None, Examples(), {}
        self._draw()

    def show_run(self, folder: Path, task: Task | None) -> None:
        """Show the newest examples of a run, whose classes are those of the task."""
        run = RunFolder(folder)
        if self._folder is None or self._folder.path != folder:
            self._pictures = {}
        self._folder, self._task, self._found = run, task, read_examples(run)
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the room that there is."""
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "maps"):
            self._draw()

    def _draw(self) -> None:
        examples = self._found.examples
        right = sum(example.predicted == example.label for example in examples)
        self.words.setText(
            f"After epoch {self._found.epoch + 1}: {right} of {len(examples)} right" if examples else NONE_YET
        )
        theme.styled(self.words, "dim")
        self.maps.setVisible(any(example.heat_map for example in examples))
        while len(self.cards) > len(examples):
            self.cards.pop().deleteLater()
        for i, example in enumerate(examples):
            if i == len(self.cards):
                self.cards.append(ExampleCard(self._wall))
                self.cards[i].show()
            label, predicted = (self._in_words(name) for name in (example.label, example.predicted))
            self.cards[i].show_example(self._picture(example), label, predicted, example.probability)
        self._place()

    def _place(self) -> None:
        """Put as many images beside each other as there is room for."""
        columns = max(1, (self.viewport().width() + BETWEEN) // (SIDE + BETWEEN))
        for i, card in enumerate(self.cards):
            card.move(i % columns * (SIDE + BETWEEN), i // columns * (SIDE + WORDS + BETWEEN))
        self._wall.setFixedHeight(-(-len(self.cards) // columns) * (SIDE + WORDS + BETWEEN))

    def _in_words(self, label: str) -> str:
        return label if self._task is None else class_name(self._task, label)

    def _picture(self, example: Example) -> QImage | None:
        """Return the image, with its heat map if that is wanted; None where its file can't be read."""
        plain = self._pictures.get(example.picture)
        if plain is None:
            assert self._folder is not None  # noqa: S101 - there are no examples without a run
            try:
                plain = read_image(self._folder.examples / example.picture).displayed()
            except ImageError:
                return None
            self._pictures[example.picture] = plain
        layer = np.zeros((*plain.shape[:2], 4), np.uint8)
        if self.maps.isChecked() and example.heat_map:
            values = np.asarray(example.heat_map, np.float32)
            drawn = HeatMap(values, 0, "", "Grad-CAM", 1, 1, 0.0, 0.0).resized(*plain.shape[:2])
            layer = coloured(drawn, "inferno")
        pixels = np.ascontiguousarray(blended(plain, layer))
        height, width = pixels.shape[:2]
        return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class ExampleCard(QFrame):
    """One image with the words under it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.picture, self.predicted, self.label = QLabel(), ElidedLabel(), ElidedLabel()
        self.picture.setFixedSize(SIDE, SIDE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for widget in (self.picture, self.predicted, self.label):
            column.addWidget(widget)
        self.setFixedSize(SIDE, SIDE + WORDS)

    def show_example(self, picture: QImage | None, label: str, predicted: str, probability: float) -> None:
        """Show an image and what was answered.

        Args:
            picture: the image, None where it can't be read.
            label: its class in words.
            predicted: the most probable class in words.
            probability: of that class, in [0, 1].
        """
        right = label == predicted
        answer = f"{'✓' if right else '✕'} {predicted} {100 * probability:.0f} %"
        self.predicted.setText(answer)
        theme.styled(self.predicted, "bold")
        self.label.setText(f"Label: {label}")
        theme.styled(self.label, "small", "dim")
        words = f"Label {label}, predicted {predicted} with {100 * probability:.0f} %: {'right' if right else 'wrong'}"
        self.setAccessibleName(words)
        self.picture.setAccessibleName(words)
        self.setToolTip(words)
        if picture is None:
            self.picture.setText("The picture can't be read.")
            return
        scale = self.devicePixelRatioF()
        side = round(SIDE * scale)
        shown = picture.scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        shown.setDevicePixelRatio(scale)
        self.picture.setPixmap(QPixmap.fromImage(shown))
