"""Measuring with the mouse: the measurements of an image, which two views share, and how they are drawn."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import get_args

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QGraphicsRectItem, QGraphicsSimpleTextItem

from core.images.medical_image import MedicalImage
from gui.common import theme
from gui.comparison.image_outlines import SHADE, remove
from gui.comparison.image_plane import ImagePlane
from gui.comparison.measurements import Kind, Measurement, Point, words

KINDS: tuple[Kind, ...] = get_args(Kind)
LINE, CHOSEN = QColor(250, 240, 140), QColor(255, 255, 255)
END, APART = 3.0, 8.0  # pixels: half of an end's mark; of the words from the last point


class MeasurementList(QObject):
    """The measurements of the image on screen; those of other images come back with them.

    Attributes:
        found: the finished ones.
        draft: the one that is being made, its last point being that of the pointer; None while none is.
        chosen: which of the finished ones is chosen, None for none.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._of_images: dict[Hashable, list[Measurement]] = {}
        self.found: list[Measurement] = []
        self.draft: Measurement | None = None
        self.chosen: int | None = None

    def show_image(self, image: MedicalImage | None) -> None:
        """Be the measurements of another image, or of none."""
        self.draft, self.chosen = None, None
        self.found = [] if image is None else self._of_images.setdefault(image.key, [])
        self.changed.emit()

    def place(self, kind: Kind, point: Point) -> None:
        """Set the next point of a measurement, the first where none is being made."""
        draft = self.draft
        if draft is None or draft.kind != kind:
            draft = Measurement(kind, (point, point))
        elif point != draft.points[-2]:
            draft = Measurement(kind, (*draft.points[:-1], point))
            if draft.is_whole:
                self.found.append(draft)
                self.chosen, self.draft = len(self.found) - 1, None
                self.changed.emit()
                return
            draft = Measurement(kind, (*draft.points, point))
        self.draft = draft
        self.changed.emit()

    def hover(self, point: Point) -> None:
        """Let the point that is set next follow the pointer."""
        if self.draft is not None:
            self.draft = self.draft.moved(len(self.draft.points) - 1, point)
            self.changed.emit()

    def cancel(self) -> bool:
        """Drop the measurement that is being made; return whether there was one."""
        was, self.draft = self.draft is not None, None
        if was:
            self.changed.emit()
        return was

    def choose(self, number: int | None) -> None:
        """Choose a measurement, or none."""
        if number != self.chosen:
            self.chosen = number
            self.changed.emit()

    def move(self, number: int, end: int, point: Point) -> None:
        """Move a point of a measurement."""
        self.found[number] = self.found[number].moved(end, point)
        self.chosen = number
        self.changed.emit()

    def delete(self) -> None:
        """Delete the chosen measurement, else the last one."""
        if self.found:
            del self.found[-1 if self.chosen is None else self.chosen]
            self.chosen = None
            self.changed.emit()


class Measuring:
    """Draws a list of measurements over one image, and makes and moves them as the mouse says.

    Args:
        parent: the item of the scene in which positions count.

    Attributes:
        plane: the geometry of the image.
        measurements: what is drawn; shared with other views of the image.
        kind: what the left button measures; None while it does something else.
    """

    def __init__(self, parent: QGraphicsItem) -> None:
        self._parent = parent
        self._items: list[QGraphicsItem] = []
        self._held: tuple[int, int] | None = None  # measurement and point that are being moved
        self.plane = ImagePlane()
        self.kind: Kind | None = None
        self.measurements = MeasurementList()
        self.measurements.changed.connect(self.draw)

    def share(self, measurements: MeasurementList) -> None:
        """Draw a list that other views draw as well."""
        self.measurements.changed.disconnect(self.draw)
        self.measurements = measurements
        measurements.changed.connect(self.draw)
        self.draw()

    def press(self, position: Point, near: float) -> bool:
        """Begin a drag; return whether it measures or moves a point.

        Args:
            position: where.
            near: how far away in positions a point is still meant.
        """
        point = self.plane.pixel(position)
        if self.kind is not None:
            self.measurements.place(self.kind, point)
            return True
        self._held = next(
            (
                (number, end)
                for number, found in enumerate(self.measurements.found)
                for end, at in enumerate(found.points)
                if (self.plane.position(at) - QPointF(*position)).manhattanLength() <= near
            ),
            None,
        )
        return self._held is not None

    def drag(self, position: Point) -> None:
        """Go on with a drag."""
        if self._held is not None:
            self.measurements.move(*self._held, self.plane.pixel(position))
        else:
            self.hover(position)

    def hover(self, position: Point) -> None:
        """Let what is being measured follow the pointer between two clicks."""
        self.measurements.hover(self.plane.pixel(position))

    def release(self, position: Point) -> None:
        """End a drag."""
        if self._held is not None:
            self._held = None
        elif self.kind is not None and self.measurements.draft is not None:
            self.measurements.place(self.kind, self.plane.pixel(position))

    def click(self, position: Point, near: float) -> None:
        """Set a point, or choose the measurement there, or none."""
        if self.kind is not None:
            self.measurements.place(self.kind, self.plane.pixel(position))
            return
        around = QRectF(position[0] - near, position[1] - near, 2 * near, 2 * near)
        lines = ((number, shape(found, self.plane)) for number, found in enumerate(self.measurements.found))
        self.measurements.choose(next((number for number, line in lines if _crosses(line, around)), None))

    def draw(self) -> None:
        """Draw all anew."""
        for item in self._items:
            remove(item)
        self._items = []
        image, listed = self.plane.image, self.measurements
        if image is None:
            return
        chosen = None if listed.chosen is None else listed.found[listed.chosen]
        for found in (*listed.found, *filter(None, [listed.draft])):
            colour = CHOSEN if found is chosen or found is listed.draft else LINE
            line = shape(found, self.plane)
            for tint, width in ((SHADE, 3.5), (colour, 1.5)):
                item = QGraphicsPathItem(line, self._parent)
                pen = QPen(tint, width)
                pen.setCosmetic(True)
                item.setPen(pen)
                self._items.append(item)
            for point in found.points:
                self._items.append(self._mark(self.plane.position(point), colour))
            if text := words(found, image):
                self._items.append(self._label(self.plane.position(found.points[-1]), text, colour))

    def _mark(self, at: QPointF, colour: QColor) -> QGraphicsItem:
        """Return a small square, of the same size at every zoom."""
        made = QGraphicsRectItem(-END, -END, 2 * END, 2 * END, self._parent)
        made.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        made.setPen(QPen(colour, 1))
        made.setPos(at)
        return made

    def _label(self, at: QPointF, text: str, colour: QColor) -> QGraphicsItem:
        """Return words that stay upright, however the image is turned."""
        made = QGraphicsRectItem(self._parent)
        made.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        made.setPen(QPen(QColor(0, 0, 0, 0)))
        made.setBrush(QColor(0, 0, 0, 150))
        inside = QGraphicsSimpleTextItem(text, made)
        inside.setFont(theme.font(theme.SMALL))
        inside.setBrush(colour)
        words_place = inside.boundingRect()
        is_right = self.plane.transform.map(at).x() > 0.6 * self.plane.seen_extent.width()
        inside.setPos(-APART - words_place.width() if is_right else APART, APART)
        made.setRect(words_place.translated(inside.pos()).adjusted(-4, -2, 4, 2))
        made.setPos(at)
        return made


def shape(measurement: Measurement, plane: ImagePlane) -> QPainterPath:
    """Return the lines of a measurement in positions."""
    points = [plane.position(point) for point in measurement.points]
    path = QPainterPath()
    if measurement.kind == "ellipse":
        path.addEllipse(QRectF(points[0], points[-1]).normalized())
        return path
    path.moveTo(points[0])
    for point in points[1:]:
        path.lineTo(point)
    return path


def paint(
    painter: QPainter, measurements: Iterable[Measurement], plane: ImagePlane, to_page: QTransform, size: int = 14
) -> None:
    """Paint measurements with their words on a picture of the image.

    Args:
        painter: paints on the page.
        measurements: the finished ones.
        plane: the geometry of the image.
        to_page: takes the plane to the page.
        size: of the words, in pixels.
    """
    if plane.image is None:
        return
    to_page = plane.transform * to_page
    painter.save()
    painter.setFont(theme.font(size))
    for found in measurements:
        line = to_page.map(shape(found, plane))
        for tint, width in ((SHADE, 4.0), (LINE, 2.0)):
            painter.strokePath(line, QPen(tint, width))
        at = to_page.map(plane.position(found.points[-1])) + QPointF(APART, APART)
        place = painter.boundingRect(QRectF(at.x(), at.y(), 400, 400), 0, words(found, plane.image))
        painter.fillRect(place.adjusted(-4, -2, 4, 2), QColor(0, 0, 0, 150))
        painter.setPen(LINE)
        painter.drawText(place, 0, words(found, plane.image))
    painter.restore()


def _crosses(line: QPainterPath, around: QRectF) -> bool:
    """Whether a line passes through a small square; what it encloses does not count."""
    steps = max(2, int(line.length() / max(around.width() / 2, 1e-6)))
    return any(around.contains(line.pointAtPercent(step / steps)) for step in range(steps + 1))
