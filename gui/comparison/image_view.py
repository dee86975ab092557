"""One image on screen: zoom, pan, window and level, turning, measuring, and the pixel value under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QWidget

from gui.common import theme
from gui.comparison.colour_bar import ColourBar
from gui.comparison.image_canvas import ImageCanvas
from gui.comparison.image_marks import ImageMarks
from gui.comparison.image_mouse import ImageBox, press_key
from gui.comparison.image_plane import ImagePlane
from gui.comparison.image_wording import ImageWords, levels_text, pixel_text
from gui.comparison.magnifier import Magnifier
from gui.comparison.measuring import KINDS
from gui.comparison.orientation import Orientation
from gui.engine.image_pyramid import ScreenPicture

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent


Tool = Literal["pan", "zoom", "window", "distance", "angle", "ellipse"]
CLOSEST, FARTHEST = 8.0, 0.25  # pixels of the image across the view; share of the view that the image fills
DRAG_RANGE = 500  # pixels of the screen that a drag takes to widen the window by its own width


class ImageView(ImageCanvas):
    """Shows an image and takes mouse and keys.

    Attributes:
        colour_bar: the key to the colours laid over the image.
        marks: orientation and scale.
        words: which image it is, the pixel under the pointer, window, level, zoom and turning.
        magnifies: whether a glass follows the pointer.
        wheel_zooms: whether the wheel zooms; else it steps through images.
    """

    moved = Signal()  # zoomed or panned by the person
    window_changed = Signal(float, float)  # window and level by the person: values shown black and white
    pointed = Signal(object)  # position (column, row) under the pointer, or None
    stepped = Signal(int)  # so many images further by the wheel
    menu_wanted = Signal(QPoint)  # the context menu, at a place on the screen
    double_clicked = Signal()
    wheel_zooms = False

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(ImageBox(self), parent)
        for widget in (self, self.viewport()):  # the keyboard is the view's, the mouse the viewport's
            widget.setAccessibleName(name)
        self.magnifies = False
        self._tool: Tool = "pan"
        self._fitted = True
        self.colour_bar = ColourBar(self)
        self.words = ImageWords(self, self.colour_bar.sizeHint().width() + theme.GRID)
        self.marks = ImageMarks(self)  # above the words: a side must not be covered
        self._magnifier = Magnifier(self)
        self._box.sigRangeChanged.connect(self._on_range)

    @property
    def tool(self) -> Tool:
        """What a drag with the left button does."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        self._tool = tool
        self.measuring.kind = next((kind for kind in KINDS if kind == tool), None)

    # what is shown

    def show_picture(self, picture: ScreenPicture | None, *, keep: bool = False) -> None:
        """Show an image with nothing laid over it.

        Args:
            picture: the image.
            keep: whether zoom, window and turning stay, as for another frame of the same size; else it is shown whole,
                in its own window and as in the file.
        """
        self._picture = picture
        self._set_plane(ImagePlane(None if picture is None else picture.image, self.plane.orientation))
        self.lay_over(None)
        self.outline([], 1)
        self.mark(None)
        self.words.show_image(self._image)
        self.blended.setVisible(picture is not None)
        if keep:
            self._say_levels()
            self._render_soon()
        else:
            self.reset()

    def show_notices(self, notices: Sequence[str]) -> None:
        """Show the notices of the predictions below those of the image."""
        of_image = () if self._image is None else self._image.notices
        self.words.show_notices((*of_image, *notices))

    def mark(self, position: tuple[float, float] | None) -> None:
        """Mark where the pointer is in the other view: a column and a row, or None."""
        self._cross.setVisible(position is not None and self._image is not None)
        if position is not None and self._image is not None:
            self._cross.setPos(QPointF(*position))
            self.read_out(position)
        elif not self.underMouse():
            self.words.show_pixel("")
        self._magnify(position)

    def read_out(self, position: tuple[float, float]) -> None:
        """Show which pixel is at a position and which value the file has there."""
        self.words.show_pixel(self.pixel_text(position))

    def pixel_text(self, position: tuple[float, float]) -> str:
        """Return the column, row and the file's own value at a position; empty outside the image."""
        return "" if self._image is None else pixel_text(self._image, self.plane.pixel(position))

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

    def set_inverted(self, inverted: bool) -> None:
        """Show bright dark, or as the file means it."""
        self.inverted = inverted
        self._say_levels()
        self._render_soon()

    def _say_levels(self) -> None:
        if self._image is None or self._box.width() < 1:
            self.words.show_levels("")
            self.marks.show_scale(None, at_detector=False)
            return
        self.words.show_levels(
            levels_text(
                self._image, self.window_values(), self.zoom_percent, own_window=self._window is None,
                inverted=self.inverted, orientation=self.plane.orientation,
            )
        )  # fmt: skip
        scale, unit = self._scale(), self.plane.millimetres
        self.marks.show_scale(None if unit is None else unit / scale, at_detector=self._image.spacing_at_detector)

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

    # turning, zoom and pan

    def set_orientation(self, orientation: Orientation) -> None:
        """Turn the image; what was in the middle stays there."""
        position = self.plane.inverse.map(self.visible().center())
        self._set_plane(ImagePlane(self._image, orientation))
        if self._fitted:
            self.fit()
        else:
            seen = self.visible()
            seen.moveCenter(self.plane.transform.map(position))
            self._box.setRange(seen, padding=0)
        self._say_levels()

    def _set_plane(self, plane: ImagePlane) -> None:
        super()._set_plane(plane)
        self.marks.show_edges(plane.orientation.edges(None if plane.image is None else plane.image.directions))

    def reset(self) -> None:
        """Show the whole image in its file's own way."""
        self.inverted = False
        self._set_plane(ImagePlane(self._image))
        self.set_window(None)
        self.fit()

    def fit(self) -> None:
        """Show the whole image."""
        self._fitted = True
        self._box.setRange(self.plane.seen_extent, padding=0, disableAutoRange=True)
        self._render_soon()

    def look_at(self, other: ImageView) -> None:
        """Take the zoom and the centre of another view; where its image has another size, the same share of it."""
        self._fitted = other._fitted
        if self._fitted:
            self.fit()
            return
        theirs, own, seen = other.plane.seen_extent, self.plane.seen_extent, other.visible()
        share = own.width() / theirs.width()
        centre = QPointF(seen.center().x() * share, seen.center().y() * own.height() / theirs.height())
        seen.setSize(seen.size() * share)
        seen.moveCenter(centre)
        self._box.setRange(seen, padding=0)

    @property
    def zoom_percent(self) -> float:
        """How large a pixel of the image is in pixels of the screen, in per cent."""
        return float(100 * self._scale() * self.devicePixelRatioF())

    def zoom_to(self, percent: float) -> None:
        """Show a pixel of the image so large in pixels of the screen, within bounds; the middle stays."""
        self.zoom(percent / self.zoom_percent, self.visible().center())

    def zoom(self, factor: float, about: QPointF) -> None:
        """Zoom in by a factor about a place on the plane that stays where it is, within bounds."""
        seen, extent = self.visible(), self.plane.seen_extent
        most = max(extent.width(), extent.height()) / FARTHEST
        factor = min(factor, seen.width() / CLOSEST)
        factor = max(factor, min(1.0, seen.width() / most))
        left = about.x() - (about.x() - seen.left()) / factor
        top = about.y() - (about.y() - seen.top()) / factor
        self._look(QRectF(left, top, seen.width() / factor, seen.height() / factor))

    def pan(self, by: QPointF) -> None:
        """Move the image under the pointer by a distance on the plane; its middle never leaves the image for good."""
        seen, extent = self.visible().translated(-by.x(), -by.y()), self.plane.seen_extent
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

    def _on_range(self) -> None:
        self._say_levels()
        self._render_soon()

    def _magnify(self, position: tuple[float, float] | None) -> None:
        """Hold the glass over a position, or put it away."""
        if not self.magnifies or position is None or self._picture is None:
            self._magnifier.hide()
            return
        at, seen, scale = self.plane.transform.map(QPointF(*position)), self.visible(), self._scale()
        on_view = QPointF((at.x() - seen.left()) * scale, (at.y() - seen.top()) * scale)
        self._magnifier.look_at(self._picture, self.plane, self._window, self.inverted, at, on_view, scale)

    # events

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the whole image in view if it was."""
        super().resizeEvent(event)
        if not hasattr(self, "words"):  # pyqtgraph resizes itself while it is made
            return
        self.words.place()
        self.marks.resize(self.size())
        bar = self.colour_bar
        bar.resize(bar.sizeHint())
        bar.move(self.width() - bar.width() - theme.GRID, theme.GRID)
        if self._fitted:
            self.fit()
        else:
            self._render_soon()
        self._say_levels()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom, pan and swipe."""
        if not press_key(self, event):
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Tell of a double click with the left button, unless it sets points of a measurement."""
        super().mouseDoubleClickEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.measuring.kind is None:
            self.double_clicked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the context menu where a key did; the right button is also dragged, so its click is told apart."""
        event.accept()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.menu_wanted.emit(self.mapToGlobal(self.rect().center()))

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer."""
        super().leaveEvent(event)
        self.words.show_pixel("")
        self._magnify(None)
        self.pointed.emit(None)

    def point(self, place: QPointF) -> None:
        """Take note of where on the plane the pointer is."""
        where = self._position(place)
        self.read_out(where)
        self.measuring.hover(where)
        on_image = bool(self.words.pixel.text())
        self._magnify(where if on_image else None)
        self.pointed.emit(where if on_image else None)

    def press(self, place: QPointF, near: float) -> bool:
        """Begin a drag with the left button; return whether it is one of a measurement."""
        return self._image is not None and self.measuring.press(self._position(place), near)

    def drag(self, place: QPointF, ends: bool) -> None:
        """Go on with the drag of a measurement, or end it."""
        (self.measuring.release if ends else self.measuring.drag)(self._position(place))

    def click(self, place: QPointF, near: float) -> None:
        """Set or choose a measurement."""
        if self._image is not None:
            self.measuring.click(self._position(place), near)

    def _position(self, place: QPointF) -> tuple[float, float]:
        at = self.plane.inverse.map(place)
        return at.x(), at.y()
