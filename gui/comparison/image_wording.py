"""Words over the corners of an image: which file and study it is, the pixel under the pointer, window and level."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from core.images.medical_image import MedicalImage
from core.names import readable
from gui.common import theme
from gui.common.elided_label import ElidedLabel


class ImageWords:
    """Four labels that let the mouse through.

    Attributes:
        name: the file's name, top left.
        study: what the file says of the study and the picture, under the name.
        pixel: the pixel under the pointer, bottom left.
        levels: window and level, bottom right.

    Args:
        view: what they lie on.
        kept: pixels at the top right that belong to the colour bar.
    """

    def __init__(self, view: QWidget, kept: int) -> None:
        self._view, self._kept = view, kept
        self.name, self.study, self.pixel, self.levels = (_label(view) for _ in range(4))

    def show_image(self, image: MedicalImage | None) -> None:
        """Say which image it is; None takes all words away."""
        _say(self.name, "" if image is None else readable(image.path.name))
        _say(self.study, "" if image is None else study(image))
        if image is None:
            _say(self.levels, "")
        _say(self.pixel, "")
        self.place()

    def show_pixel(self, text: str) -> None:
        """Say what is under the pointer; empty for nothing."""
        _say(self.pixel, text)
        self.place()

    def show_levels(self, text: str) -> None:
        """Say window and level; empty for nothing."""
        _say(self.levels, text)
        self.place()

    def place(self) -> None:
        """Put all in their corners, cut where the view is narrow."""
        width, height = self._view.width(), self._view.height()
        top = theme.GRID
        for label in (self.name, self.study):
            label.adjustSize()
            label.resize(min(label.width(), max(0, width - self._kept - 2 * theme.GRID)), label.height())
            label.move(theme.GRID, top)
            top += label.height() if label.text() else 0
        for label, at_right in ((self.pixel, False), (self.levels, True)):
            label.adjustSize()
            left = width - label.width() - theme.GRID if at_right else theme.GRID
            label.move(left, height - label.height() - theme.GRID)


def study(image: MedicalImage) -> str:
    """Return what a file says of its study and its picture; never of whom it is."""
    size = f"{image.width} × {image.height}, {image.bits} bit"
    words = [image.modality or image.format, *image.study, size]
    if image.spacing is not None:
        words.append(f"{image.spacing[0]:.3g} mm a pixel")
    return " · ".join(words)


def _label(view: QWidget) -> ElidedLabel:
    label = ElidedLabel("", view)
    theme.styled(label, "small", "on-image")
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    label.hide()
    return label


def _say(label: ElidedLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
