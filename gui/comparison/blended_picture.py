"""Image and heat map as one picture at the screen's resolution: blended once, then painted as often as is needed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

Bytes = npt.NDArray[np.uint8]
BAND = 64  # rows blended at once, which stay in the processor's cache


class BlendedPicture(QGraphicsItem):
    """Draws a part of an image, turned, and a see-through layer over it, in the coordinates of the plane.

    Qt would scale and blend both anew at each paint, which takes several times as long as the blending here.

    Attributes:
        layer: what is laid over the image, RGBA of shape (h, w, 4); None without.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layer: Bytes | None = None
        self._image: Bytes | None = None
        self._premultiplied: Bytes | None = None
        self._part, self._extent, self._seen = QRectF(), QRectF(), QRectF()
        self._to_plane = QTransform()
        self._cut: float | None = None
        self._image_drawn: tuple[object, Bytes] | None = None  # where on the screen, and the image alone as it is seen
        self._drawn: tuple[object, Bytes] | None = None  # likewise the whole picture
        self._screen: Bytes | None = None  # what the picture is written to: new memory takes longer than the blending

    def turn(self, to_plane: QTransform, extent: QRectF) -> None:
        """Say how the image lies.

        Args:
            to_plane: what takes positions to the plane.
            extent: the whole image in positions.
        """
        self.prepareGeometryChange()
        self._to_plane, self._extent, self._seen = to_plane, extent, to_plane.mapRect(extent)
        self._image_drawn = None
        self._changed()

    def show_part(self, brightness: Bytes, part: QRectF) -> None:
        """Draw a part of the image, its brightness (h, w) or RGB (h, w, 3), in positions."""
        self._image, self._part = brightness, part
        self._image_drawn = None
        self._changed()

    def lay_over(self, layer: Bytes | None) -> None:
        """Lay a layer, RGBA (h, w, 4), over the whole image, or none; the same one again changes nothing."""
        if layer is self.layer or (layer is not None and self.layer is not None and np.array_equal(layer, self.layer)):
            return
        self.layer = layer
        self._premultiplied = None if layer is None else _premultiplied(layer)
        self._changed()

    def cut(self, left: float | None) -> None:
        """Leave the layer out left of a line on the plane, or nowhere."""
        if left != self._cut:
            self._cut = left
            self._changed()

    def _changed(self) -> None:
        self._drawn = None
        self.update()

    def boundingRect(self) -> QRectF:
        """Return the whole image on the plane."""
        return self._seen

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Paint what is in view, pixel by pixel of the screen."""
        image = self._image
        if image is None or widget is None:
            return
        density = widget.devicePixelRatioF()
        to_screen = painter.worldTransform() * QTransform.fromScale(density, density)
        edges, screen = to_screen.mapRect(self._seen), widget.size() * density
        left, top = max(0, round(edges.left())), max(0, round(edges.top()))
        right, bottom = min(screen.width(), round(edges.right())), min(screen.height(), round(edges.bottom()))
        if right <= left or bottom <= top:
            return
        place = QRect(left, top, right - left, bottom - top)
        if self._drawn is None or self._drawn[0] != (place, to_screen):
            self._drawn = (place, to_screen), self._blended(image, place, to_screen)
        pixels = self._drawn[1]
        rows, columns = pixels.shape[:2]
        picture = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
        picture.setDevicePixelRatio(density)
        painter.save()
        painter.resetTransform()
        painter.drawImage(QPointF(left / density, top / density), picture)
        painter.restore()

    def _blended(self, image: Bytes, place: QRect, to_screen: QTransform) -> Bytes:
        """Return what is on screen there, blue, green, red and nothing, shape (h, w, 4)."""
        to_positions = (self._to_plane * to_screen).inverted()[0]
        if self._image_drawn is None or self._image_drawn[0] != (place, to_screen):
            self._image_drawn = (place, to_screen), _placed(image, self._part, place, to_positions)
        seen = self._image_drawn[1]
        if self._screen is None or self._screen.shape[:2] != seen.shape[:2]:
            self._screen = np.empty((*seen.shape[:2], 4), np.uint8)
        if self._premultiplied is None:
            return _opaque(seen, self._screen)
        bare = 0 if self._cut is None else max(0, round(to_screen.map(QPointF(self._cut, 0)).x()) - place.left())
        for top in range(0, place.height(), BAND):
            band = QRect(place.left(), place.top() + top, place.width(), min(BAND, place.height() - top))
            layer = _placed(self._premultiplied, self._extent, band, to_positions)
            layer[:, :bare] = 0
            through = cv2.bitwise_not(layer[..., 3])
            if seen.ndim == 3:
                through = cv2.cvtColor(through, cv2.COLOR_GRAY2BGR)
            dimmed = np.asarray(cv2.multiply(seen[top : top + BAND], through, scale=1 / 255), np.uint8)
            screen = self._screen[top : top + BAND]
            cv2.add(_opaque(dimmed, screen), layer, dst=screen)
        return self._screen


def _placed(pixels: Bytes, extent: QRectF, place: QRect, to_positions: QTransform) -> Bytes:
    """Return pixels, which cover an extent in positions, as they are seen at a place on the screen; bilinearly."""
    rows, columns = pixels.shape[:2]
    to_pixels = QTransform.fromTranslate(place.left() + 0.5, place.top() + 0.5) * to_positions
    to_pixels *= QTransform.fromTranslate(-extent.left(), -extent.top())
    to_pixels *= QTransform.fromScale(columns / extent.width(), rows / extent.height())
    matrix = np.array(
        [
            [to_pixels.m11(), to_pixels.m21(), to_pixels.dx() - 0.5],
            [to_pixels.m12(), to_pixels.m22(), to_pixels.dy() - 0.5],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (place.width(), place.height())
    return np.asarray(cv2.warpAffine(pixels, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE))


def _premultiplied(layer: Bytes) -> Bytes:
    """Return RGBA as blue, green, red, each times alpha, and alpha."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(layer, cv2.COLOR_RGBA2mRGBA), cv2.COLOR_RGBA2BGRA), np.uint8)


def _opaque(image: Bytes, screen: Bytes) -> Bytes:
    """Write brightness or RGB to a screen, blue, green, red and 255, and return it."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGRA if image.ndim == 2 else cv2.COLOR_RGB2BGRA, dst=screen))
