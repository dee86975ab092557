"""Words over the corners of an image: file, study and notices, the pixel under the pointer, window and level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from core.images.medical_image import MedicalImage
from core.names import readable
from gui.common import theme
from gui.common.elided_label import ElidedLabel
from gui.comparison.orientation import AS_IN_FILE, Orientation

WIDEST = 280  # pixels of a notice; longer ones wrap


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
            if label is self.notices:  # of words that wrap Qt remembers a width for another view
                lines = [label.fontMetrics().horizontalAdvance(line) for line in label.text().splitlines()]
                wide = min(room, WIDEST, max(lines, default=0) + 2 * theme.GRID)
                label.resize(wide, label.heightForWidth(wide))
            else:
                label.setMaximumWidth(room)
                label.adjustSize()
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


def levels_text(
    image: MedicalImage,
    window: tuple[float, float],
    zoom: float,
    *,
    own_window: bool = True,
    inverted: bool = False,
    orientation: Orientation = AS_IN_FILE,
) -> str:
    """Return how an image is shown: width and level, zoom, and what was turned.

    Args:
        image: the image.
        window: the pixel values shown black and white.
        zoom: how large its pixels are in those of the screen, in per cent.
        own_window: whether the window is the file's own, which then is written as the file has it.
        inverted: whether bright is shown dark.
        orientation: how it is turned.
    """
    percent = f"{zoom:.0f} %" if zoom >= 10 else f"{zoom:.1f} %"
    how = "inverted" if inverted else ""
    return "  ·  ".join(filter(None, (_window_text(image, window, own_window), percent, how, orientation.words)))


def _window_text(image: MedicalImage, window: tuple[float, float], own_window: bool) -> str:
    """Return width and level; empty for plain colour."""
    if own_window and image.pixels.ndim == 3:
        return ""
    width, level = window[1] - window[0], (window[1] + window[0]) / 2
    if own_window and image.window is not None:
        width, level = image.window.width, image.window.centre
    digits = 0 if width >= 20 else 3
    return f"W {width:.{digits}f}  L {level:.{digits}f}"


def pixel_text(image: MedicalImage, pixel: tuple[float, float]) -> str:
    """Return a column, a row and the file's own value there; empty outside the image."""
    column, row = int(np.floor(pixel[0])), int(np.floor(pixel[1]))
    if not (0 <= column < image.width and 0 <= row < image.height):
        return ""
    words = " ".join(f"{channel:.9g}" for channel in np.atleast_1d(image.pixels[row, column]).tolist())
    if image.padding is not None and image.padding[row, column]:
        words = "no image here"
    return f"x {column}  y {row}  ·  {words}"


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
