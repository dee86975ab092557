"""Words over the corners of an image: file, study and notices, the pixel under the pointer, window and level."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from core.images.medical_image import MedicalImage
from core.names import readable
from gui.common import theme
from gui.common.elided_label import ElidedLabel


class ImageWords:
    """Five labels that let the mouse through.

    Attributes:
        name: the file's name, top left.
        study: what the file states of the study and the picture, under the name.
        notices: on how image and prediction were made, under the study; wrapped, so that none is cut.
        pixel: the pixel under the pointer, bottom left.
        levels: window and level, bottom right.

    Args:
        view: what they lie on.
        kept: pixels at the top right that belong to the colour bar.
    """

    def __init__(self, view: QWidget, kept: int) -> None:
        self._view, self._kept = view, kept
        self.name, self.study, self.pixel, self.levels = (ElidedLabel("", view) for _ in range(4))
        self.notices = QLabel(view)
        self.notices.setTextFormat(Qt.TextFormat.PlainText)
        self.notices.setWordWrap(True)
        for label in (self.name, self.study, self.notices, self.pixel, self.levels):
            theme.styled(label, "small", "on-image")
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.hide()

    def show_image(self, image: MedicalImage | None) -> None:
        """Show which image it is; None takes all words away."""
        _say(self.name, "" if image is None else readable(image.path.name))
        _say(self.study, "" if image is None else study(image))
        self.show_notices(() if image is None else image.notices)
        if image is None:
            _say(self.levels, "")
        _say(self.pixel, "")
        self.place()

    def show_notices(self, notices: Sequence[str]) -> None:
        """Show notices; nothing for none."""
        _say(self.notices, "\n".join(f"⚠ {notice}" for notice in notices))
        self.place()

    def show_pixel(self, text: str) -> None:
        """Show what is under the pointer; empty for nothing."""
        _say(self.pixel, text)
        self.place()

    def show_levels(self, text: str) -> None:
        """Show window and level; empty for nothing."""
        _say(self.levels, text)
        self.place()

    def place(self) -> None:
        """Put all in their corners, cut where the view is narrow."""
        width, height = self._view.width(), self._view.height()
        top, room = theme.GRID, max(0, width - self._kept - 2 * theme.GRID)
        for label in (self.name, self.study, self.notices):
            label.setMaximumWidth(room)
            label.adjustSize()
            if label.hasHeightForWidth():
                label.resize(label.width(), label.heightForWidth(label.width()))
            label.move(theme.GRID, top)
            top += label.height() if label.text() else 0
        for label, at_right in ((self.pixel, False), (self.levels, True)):
            label.adjustSize()
            left = width - label.width() - theme.GRID if at_right else theme.GRID
            label.move(left, height - label.height() - theme.GRID)


def study(image: MedicalImage) -> str:
    """Return what a file states of its study and its picture; never whose it is."""
    size = f"{image.width} × {image.height}, {image.bits} bit"
    words = [image.modality or image.format, *image.study, size]
    if image.spacing is not None:
        words.append(f"{image.spacing[0]:.3g} mm a pixel")
    return " · ".join(words)


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
