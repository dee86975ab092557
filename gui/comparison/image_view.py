"""One image with what is laid over it: zoom, pan, window and level, and the pixel value under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from gui.common import theme
from gui.comparison.colour_bar import ColourBar
from gui.comparison.image_mouse import ZOOM_STEP, ImageBox
from gui.comparison.image_outlines import Outline, Outlines, cross
from gui.comparison.image_wording import ImageWords
from gui.comparison.swipe import Swipe
from gui.engine.image_pyramid import ScreenPicture

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from core.images.medical_image import MedicalImage

Tool = Literal["pan", "zoom", "window"]
CLOSEST, FARTHEST = 8.0, 0.25  # pixels of the image across the view; share of the view that the image fills
DRAG_RANGE = 500  # pixels of the screen that a drag takes to widen the window by its own width


class ImageView(pg.GraphicsView):  # type: ignore[misc]
    """Shows an image; positions are columns and rows of the image, rows stretched where its pixels are not square.

    Attributes:
        colour_bar: the key to the colours laid over the image.
        swipe: the line right of which the heat map is seen.
        words: which image it is, the pixel under the pointer, window and level.
    """

    moved = Signal()  # zoomed or panned by the person
    window_changed = Signal(float, float)  # window and level by the person: values shown black and white
    pointed = Signal(object)  # (column, row) under the pointer, or None
    double_clicked = Signal()
    _stale = Signal()  # what is on screen is no longer what should be
    tool: Tool = "pan"

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme.colour("image"))
        for widget in (self, self.viewport()):  # the keyboard is the view's, the mouse the viewport's
            widget.setAccessibleName(name)
        self.setMinimumSize(QSize(200, 56))
        self.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        self._image: MedicalImage | None = None
        self._picture: ScreenPicture | None = None
        self._window: tuple[float, float] | None = None
        self._fitted = True
        self._shown: object = None
        self._is_stale = False

        self._box = ImageBox(self)
        self.setCentralItem(self._box)
        self._base = pg.ImageItem(axisOrder="row-major")
        self._layer = pg.ImageItem(axisOrder="row-major")
        self._box.addItem(self._base, ignoreBounds=True)
        self.swipe = Swipe(self._box, self._layer)
        self._outlines = Outlines(self._box)
        self._cross = cross()
        self._box.addItem(self._cross, ignoreBounds=True)

        self.colour_bar = ColourBar(self)
        self.words = ImageWords(self, self.colour_bar.sizeHint().width() + theme.GRID)
        self._box.sigRangeChanged.connect(self._on_range)
        self._stale.connect(self._render, Qt.ConnectionType.QueuedConnection)

    # what is shown

    def show_picture(self, picture: ScreenPicture | None) -> None:
        """Show an image from the start: whole, in its own window, with nothing laid over it."""
        self._picture = picture
        self._image = None if picture is None else picture.image
        self.lay_over(None)
        self.outline([], 1)
        self.mark(None)
        self.words.show_image(self._image)
        self._base.setVisible(picture is not None)
        self.reset()

    def show_notices(self, notices: Sequence[str]) -> None:
        """Show the notices of the predictions below those of the image."""
        of_image = () if self._image is None else self._image.notices
        self.words.show_notices((*of_image, *notices))

    def lay_over(self, layer: npt.NDArray[np.uint8] | None) -> None:
        """Lay a see-through picture over the whole image; RGBA of any height and width, or None."""
        self._layer.setVisible(layer is not None and self._image is not None)
        if layer is not None and self._image is not None:
            self._layer.setImage(layer, autoLevels=False, levels=None)
            self._layer.setRect(self._extent())
            self.swipe.set_extent(self._extent())

    def set_swipe(self, on: bool) -> None:
        """Show the heat map right of a line only, or everywhere."""
        self.swipe.set_on(on)

    def outline(self, outlines: list[Outline], size: int) -> None:
        """Draw closed outlines over the image.

        Args:
            outlines: polygons (n, 2) as ``rendering.contours`` gives them, on a square map that covers the whole image,
                with a colour.
            size: height and width of that map.
        """
        self._outlines.draw([] if self._image is None else outlines, self._extent(), size)

    def mark(self, position: tuple[float, float] | None) -> None:
        """Mark where the pointer is in the other view: a column and a row, or None."""
        self._cross.setVisible(position is not None and self._image is not None)
        if position is not None and self._image is not None:
            self._cross.setPos(QPointF(*position))
            self.read_out(position)
        elif not self.underMouse():
            self.words.show_pixel("")

    def read_out(self, position: tuple[float, float]) -> None:
        """Show which pixel is at a position and which value the file has there."""
        self.words.show_pixel(self.pixel_text(position))

    def pixel_text(self, position: tuple[float, float]) -> str:
        """Return the column, row and the file's own value at a position; empty outside the image."""
        if self._image is None:
            return ""
        across, down = self._stretch()
        column, row = int(np.floor(position[0] / across)), int(np.floor(position[1] / down))
        if not (0 <= column < self._image.width and 0 <= row < self._image.height):
            return ""
        value = self._image.pixels[row, column]
        words = " ".join(f"{channel:.9g}" for channel in np.atleast_1d(value).tolist())
        if self._image.padding is not None and self._image.padding[row, column]:
            words = "no image here"
        return f"x {column}  y {row}  ·  {words}"

    # window and level

    def window_values(self) -> tuple[float, float]:
        """Return the pixel values that are shown black and white (white and black for MONOCHROME1)."""
        if self._window is not None:
            return self._window
        return (0.0, 1.0) if self._picture is None else self._picture.own_window

    @property
    def chosen_window(self) -> tuple[float, float] | None:
        """The pixel values that a person chose to be black and white, None for the file's own way."""
        return self._window

    def set_window(self, window: tuple[float, float] | None) -> None:
        """Show these pixel values black and white, or the image in its file's own way."""
        self._window = window
        self._say_levels()
        self._render_soon()

    def _say_levels(self) -> None:
        self.words.show_levels("  ·  ".join(filter(None, (self._window_text(), self._zoom_text()))))

    def _zoom_text(self) -> str:
        """Return how large a pixel of the image is in pixels of the screen, in per cent."""
        if self._image is None or self._box.width() < 1:
            return ""
        zoom = 100 * self._box.width() * self.devicePixelRatioF() / max(self.visible().width(), 1e-9)
        return f"{zoom:.0f} %" if zoom >= 10 else f"{zoom:.1f} %"

    def _window_text(self) -> str:
        """Return width and level, as the file writes them where its own window is shown; empty for plain colour."""
        if self._image is None or (self._window is None and self._image.pixels.ndim == 3):
            return ""
        low, high = self.window_values()
        width, level = high - low, (high + low) / 2
        if self._window is None and self._image.window is not None:
            width, level = self._image.window.width, self._image.window.centre
        digits = 0 if width >= 20 else 3
        text: str = "W {0}  L {1}"
        return text.format(f"{width:.{digits}f}", f"{level:.{digits}f}")

    def drag_window(self, across: float, down: float) -> None:
        """Change window and level as by a drag of so many pixels: rightwards is wider, downwards is a higher level."""
        if self._picture is None:
            return
        low, high = self.window_values()
        first, last = self._picture.own_window
        unit = (last - first) / DRAG_RANGE
        width = max(high - low + across * unit, (last - first) / 1000)
        level = (low + high) / 2 + down * unit
        self.set_window((level - width / 2, level + width / 2))
        self.window_changed.emit(*self.window_values())

    # zoom and pan

    def reset(self) -> None:
        """Show the whole image in its file's own way."""
        self.set_window(None)
        self.fit()

    def fit(self) -> None:
        """Show the whole image."""
        self._fitted = True
        self._box.setRange(self._extent(), padding=0, disableAutoRange=True)
        self._render_soon()

    def visible(self) -> QRectF:
        """Return the part of the plane that is in view, in positions."""
        return QRectF(self._box.viewRect())

    def look_at(self, other: ImageView) -> None:
        """Take the zoom and the centre of another view of the same image."""
        self._fitted = other._fitted
        if self._fitted:
            self.fit()
        else:
            self._box.setRange(other.visible(), padding=0)

    def zoom(self, factor: float, about: QPointF) -> None:
        """Zoom in by a factor about a position that stays where it is, within bounds."""
        seen = self.visible()
        most = max(self._extent().width(), self._extent().height()) / FARTHEST
        factor = min(factor, seen.width() / CLOSEST)
        factor = max(factor, min(1.0, seen.width() / most))
        left = about.x() - (about.x() - seen.left()) / factor
        top = about.y() - (about.y() - seen.top()) / factor
        self._look(QRectF(left, top, seen.width() / factor, seen.height() / factor))

    def pan(self, by: QPointF) -> None:
        """Move the image under the pointer by a distance in positions; its middle never leaves the image for good."""
        seen = self.visible().translated(-by.x(), -by.y())
        extent = self._extent()
        centre = seen.center()
        kept = QPointF(
            min(max(centre.x(), extent.left()), extent.right()), min(max(centre.y(), extent.top()), extent.bottom())
        )
        seen.moveCenter(kept)
        self._look(seen)

    def _look(self, seen: QRectF) -> None:
        self._fitted = False
        self._box.setRange(seen, padding=0)
        self.moved.emit()

    # drawing

    def _stretch(self) -> tuple[float, float]:
        """Return the width and height of a pixel of the image; the longer side is more than one."""
        aspect = 1.0 if self._image is None else self._image.pixel_aspect
        return (1.0, aspect) if aspect >= 1 else (1 / aspect, 1.0)

    def _extent(self) -> QRectF:
        if self._image is None:
            return QRectF(0, 0, 1, 1)
        across, down = self._stretch()
        return QRectF(0, 0, self._image.width * across, self._image.height * down)

    def displayed(self) -> QRectF:
        """Return where the image is on this widget, in pixels; empty without one."""
        if self._image is None:
            return QRectF()
        seen, extent = self.visible(), self._extent().intersected(self.visible())
        scale = self._box.width() / seen.width()
        return QRectF(
            (extent.left() - seen.left()) * scale,
            (extent.top() - seen.top()) * scale,
            extent.width() * scale,
            extent.height() * scale,
        )

    def _on_range(self) -> None:
        self._say_levels()
        self._render_soon()

    def _render_soon(self) -> None:
        """Render once when all has its place: a new image moves the range several times."""
        if not self._is_stale:
            self._is_stale = True
            self._stale.emit()

    def _render(self) -> None:
        """Put the part of the image that is in view on screen, at the screen's resolution."""
        self._is_stale = False
        if self._picture is None or self._box.width() < 1:
            return
        across, down = self._stretch()
        seen = self.visible()
        wanted = (seen.left() / across, seen.top() / down, seen.width() / across, seen.height() / down)
        density = self._box.width() * self.devicePixelRatioF() / max(wanted[2], 1e-9)
        state = (self._picture, wanted, density, self._window)
        if state == self._shown:
            return
        self._shown = state
        brightness, (left, top, width, height) = self._picture.part(wanted, density, self._window)
        self._base.setImage(brightness, autoLevels=False, levels=(0, 255))
        self._base.setRect(QRectF(left * across, top * down, width * across, height * down))

    def _place_words(self) -> None:
        self.words.place()
        bar = self.colour_bar
        bar.resize(bar.sizeHint())
        bar.move(self.width() - bar.width() - theme.GRID, theme.GRID)

    # events

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the whole image in view if it was."""
        super().resizeEvent(event)
        if not hasattr(self, "words"):  # pyqtgraph resizes itself while it is made
            return
        self._place_words()
        if self._fitted:
            self.fit()
        else:
            self._render_soon()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what should be on screen, also if it changed a moment ago."""
        if self._is_stale:
            self._render()
        super().paintEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with plus and minus, pan with the arrows; with Shift, left and right move the swipe."""
        seen = self.visible()
        step = 0.1 * seen.width()
        pans = {
            Qt.Key.Key_Left: QPointF(step, 0),
            Qt.Key.Key_Right: QPointF(-step, 0),
            Qt.Key.Key_Up: QPointF(0, step),
            Qt.Key.Key_Down: QPointF(0, -step),
        }
        zooms = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.swipe.move(-0.05 if event.key() == Qt.Key.Key_Left else 0.05)
        elif event.key() in pans:
            self.pan(pans[Qt.Key(event.key())])
        elif event.key() in zooms:
            self.zoom(zooms[Qt.Key(event.key())], seen.center())
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Tell of a double click with the left button."""
        super().mouseDoubleClickEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer."""
        super().leaveEvent(event)
        self.words.show_pixel("")
        self.pointed.emit(None)

    def point(self, position: QPointF) -> None:
        """Take note of where the pointer is."""
        where = (position.x(), position.y())
        self.read_out(where)
        self.pointed.emit(where if self.words.pixel.text() else None)
