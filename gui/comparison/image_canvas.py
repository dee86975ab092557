"""What is drawn of an image: the part in view at the screen's resolution, turned, with what is laid over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QGraphicsRectItem, QWidget

from gui.common import theme
from gui.comparison.blended_picture import BlendedPicture
from gui.comparison.image_outlines import Outline, Outlines, cross
from gui.comparison.image_plane import ImagePlane
from gui.comparison.measuring import Measuring
from gui.comparison.swipe import Swipe
from gui.engine.image_pyramid import ScreenPicture

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from core.images.medical_image import MedicalImage


class ImageCanvas(pg.GraphicsView):  # type: ignore[misc]
    """Draws an image as it lies on its :class:`ImagePlane`, of which a part is in view.

    Args:
        box: the part of the plane that is in view, as pyqtgraph has it.

    Attributes:
        blended: the image with what is laid over it.
        inverted: whether bright is shown dark.
        measuring: distances, angles and ellipses.
        plane: the geometry of the image.
        swipe: the line right of which the heat map is seen.
    """

    _stale = Signal()  # what is on screen is no longer what should be

    def __init__(self, box: pg.ViewBox, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme.colour("image"))
        self.setMinimumSize(QSize(200, 56))
        self.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        self.plane = ImagePlane()
        self.inverted = False
        self._picture: ScreenPicture | None = None
        self._window: tuple[float, float] | None = None
        self._shown: object = None
        self._is_stale = False
        self._box = box
        self.setCentralItem(box)
        self.blended = BlendedPicture()
        box.addItem(self.blended, ignoreBounds=True)
        self.swipe = Swipe(box, self.blended.cut)
        self._above = QGraphicsRectItem()  # seen is only what it holds
        self._above.setPen(QPen(Qt.PenStyle.NoPen))
        box.addItem(self._above, ignoreBounds=True)
        self._outlines = Outlines(self._above)
        self._cross = cross()
        self._cross.setParentItem(self._above)
        self.measuring = Measuring(self._above)
        self._stale.connect(self._render, Qt.ConnectionType.QueuedConnection)

    @property
    def _image(self) -> MedicalImage | None:
        return self.plane.image

    def _set_plane(self, plane: ImagePlane) -> None:
        """Take another image, or turn this one: all that is drawn in positions follows."""
        self.plane = self.measuring.plane = plane
        self.blended.turn(plane.transform, plane.extent)
        self._above.setTransform(plane.transform)
        self.swipe.set_extent(plane.seen_extent)
        self.measuring.draw()

    def lay_over(self, layer: npt.NDArray[np.uint8] | None) -> None:
        """Lay a see-through picture over the whole image; RGBA of any height and width, or None."""
        self.blended.lay_over(None if self._image is None else layer)

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
        self._outlines.draw([] if self._image is None else outlines, self.plane.extent, size)

    def visible(self) -> QRectF:
        """Return the part of the plane that is in view."""
        return QRectF(self._box.viewRect())

    def _scale(self) -> float:
        """Return how many pixels of this widget a unit of the plane takes."""
        return float(self._box.width() / max(self.visible().width(), 1e-9))

    def displayed(self) -> QRectF:
        """Return where the image is on this widget, in pixels; empty without one."""
        if self._image is None:
            return QRectF()
        seen, scale = self.visible(), self._scale()
        part = self.plane.seen_extent.intersected(seen).translated(-seen.left(), -seen.top())
        return QRectF(part.left() * scale, part.top() * scale, part.width() * scale, part.height() * scale)

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
        across, down = self.plane.stretch
        seen = self.plane.inverse.mapRect(self.visible())
        wanted = (seen.left() / across, seen.top() / down, seen.width() / across, seen.height() / down)
        density = self._scale() * self.devicePixelRatioF() * across
        state = (self._picture, wanted, density, self._window, self.inverted)
        if state == self._shown:
            return
        self._shown = state
        brightness, (left, top, width, height) = self._picture.part(wanted, density, self._window, self.inverted)
        self.blended.show_part(brightness, QRectF(left * across, top * down, width * across, height * down))

    def viewportEvent(self, event: QEvent) -> bool:
        """Keep from the scene whether its window is active: it would paint all anew, and look no different."""
        if event.type() in (QEvent.Type.WindowActivate, QEvent.Type.WindowDeactivate):
            return True
        return bool(super().viewportEvent(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what should be on screen, also if it changed a moment ago."""
        if self._is_stale:
            self._render()
        super().paintEvent(event)
