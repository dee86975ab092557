"""The slider of the frames of a file, under the image."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from core.images.medical_image import MedicalImage
from gui.common import theme
from gui.common.input_boxes import Slider


class FrameBar(QWidget):
    """Hidden where a file has one frame."""

    chosen = Signal(int)  # the frame that the person wants, the first being 0

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = Slider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName("Frame")
        self.slider.setToolTip("Frames of this file. Worklist, history and reports hold the first")
        self.words = QLabel(self)
        theme.styled(self.words, "small", "dim")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.GRID, 4, theme.GRID, 4)
        row.setSpacing(theme.GRID)
        row.addWidget(self.words)
        row.addWidget(self.slider, 1)
        self.slider.valueChanged.connect(self._on_value)
        self.hide()

    def show_image(self, image: MedicalImage | None) -> None:
        """Show which frame of how many an image is."""
        frames = 1 if image is None else image.frames
        with QSignalBlocker(self.slider):
            self.slider.setRange(1, frames)
            if image is not None:
                self.slider.setValue(image.frame + 1)
        self._say()
        self.setVisible(frames > 1)

    def step(self, by: int) -> None:
        """Go so many frames further, as far as they go."""
        self.slider.setValue(self.slider.value() + by)

    @property
    def has_frames(self) -> bool:
        """Whether there is more than one."""
        return self.slider.maximum() > 1

    def _on_value(self, value: int) -> None:
        self._say()
        self.chosen.emit(value - 1)

    def _say(self) -> None:
        self.words.setText(f"Frame {self.slider.value()} of {self.slider.maximum()}")
