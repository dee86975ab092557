"""The magnifier: a round glass that follows the pointer and shows the image under it, larger and without a heat map."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QTransform
from PySide6.QtWidgets import QWidget

from gui.common import theme
from gui.comparison.image_plane import ImagePlane
from gui.engine.image_pyramid import ScreenPicture

ACROSS, LARGER = 200, 2.5  # pixels; times the zoom of the view


class Magnifier(QWidget):
    """Lies over a view and lets the mouse through."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(ACROSS, ACROSS)
        self._picture: ScreenPicture | None = None
        self._plane = ImagePlane()
        self._window: tuple[float, float] | None = None
        self._inverted = False
        self._at, self._scale = QPointF(), 1.0
        self.hide()

    def look_at(
        self,
        picture: ScreenPicture,
        plane: ImagePlane,
        window: tuple[float, float] | None,
        inverted: bool,
        at: QPointF,
        seen: QPointF,
        scale: float,
    ) -> None:
        """Show a place, the glass over it.

        Args:
            picture: the image.
            plane: its geometry.
            window: the pixel values shown black and white, None for the file's own way.
            inverted: whether bright is shown dark.
            at: the place on the plane.
            seen: where on the view it is.
            scale: pixels of the view that a unit of the plane takes there.
        """
        self._picture, self._plane, self._window, self._inverted = picture, plane, window, inverted
        self._at, self._scale = at, scale * LARGER
        self.move(round(seen.x() - ACROSS / 2), round(seen.y() - ACROSS / 2))
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the part of the image at the glass's own resolution, turned as the image is."""
        picture, plane = self._picture, self._plane
        if picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        glass = QRectF(1, 1, ACROSS - 2, ACROSS - 2)
        circle = QPainterPath()
        circle.addEllipse(glass)
        painter.setClipPath(circle)
        painter.fillRect(self.rect(), theme.colour("image"))
        half = ACROSS / 2 / self._scale
        wanted = plane.inverse.mapRect(QRectF(self._at.x() - half, self._at.y() - half, 2 * half, 2 * half))
        if wanted.intersects(plane.extent):
            across, down = plane.stretch
            part = (wanted.left() / across, wanted.top() / down, wanted.width() / across, wanted.height() / down)
            density = self._scale * self.devicePixelRatioF() * across
            pixels, (left, top, width, height) = picture.part(part, density, self._window, self._inverted)
            rows, columns = pixels.shape[:2]
            kind = QImage.Format.Format_Grayscale8 if pixels.ndim == 2 else QImage.Format.Format_RGB888
            image = QImage(pixels.tobytes(), columns, rows, columns * (1 if pixels.ndim == 2 else 3), kind)
            to_glass = QTransform.fromTranslate(-self._at.x(), -self._at.y())
            to_glass *= QTransform.fromScale(self._scale, self._scale)
            to_glass *= QTransform.fromTranslate(ACROSS / 2, ACROSS / 2)
            painter.setTransform(plane.transform * to_glass)
            painter.drawImage(QRectF(left * across, top * down, width * across, height * down), image)
            painter.resetTransform()
        painter.setClipping(False)
        for colour, width in ((QColor(0, 0, 0, 170), 4), (theme.colour("on_image"), 1.5)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(glass)
