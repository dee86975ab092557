"""A slide on screen: zoom, pan, fields and rectangles picked by mouse or key, and predictions over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from core.images.region import Region
from gui.common import theme
from gui.slides import orientation
from gui.slides.overlay import Overlay, Shown, outline, rectangle
from gui.slides.tiles import OpenedSlide, Overview, TileCache, TileKey, TileLoader
from gui.slides.viewport import Viewport

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

Tool = Literal["pan", "field", "area"]
STEP = 1.25  # zoom of a key or of a notch of the wheel
CLICK = 4  # pixels that a click may move


class SlideView(QWidget):
    """Shows one slide; positions are in pixels of level 0.

    Attributes:
        viewport: which part is in view.
        cache: the tiles that were read.
        tool: what the left button does.
        side: of a field.
        field: the field that is picked, or None.
        area: the rectangle that is drawn, or None.
        shown: what the colours mean.
    """

    field_picked = Signal(object)  # Region
    field_wanted = Signal(object)  # Region: to be opened
    area_drawn = Signal(object)  # Region or None
    result_clicked = Signal(int)  # number of the result

    def __init__(self, loader: TileLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(QSize(320, 240))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Whole slide")
        self.viewport, self.cache = Viewport(), TileCache()
        self.tool: Tool = "pan"
        self.side = 1
        self.field: Region | None = None
        self.area: Region | None = None
        self.shown: Shown = "teacher"
        self._loader = loader
        self._slide: OpenedSlide | None = None
        self._overview: QImage | None = None
        self._predictions: Overlay | None = None
        self._chosen: int | None = None
        self._pointer: QPointF | None = None
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._from_overview = False
        loader.ready.connect(self._on_tile)

    # what is shown

    def show_slide(self, slide: OpenedSlide | None) -> None:
        """Show another slide from the start, or none."""
        self._slide, self._overview = slide, None
        self.cache.clear()
        self.field = self.area = None
        self.show_predictions(None)
        self.viewport.show(() if slide is None else slide.levels)
        self._ask()

    def show_overview(self, overview: Overview) -> None:
        """Show the whole slide in place of tiles that are not there yet."""
        self._overview = overview.picture
        self.update()

    def show_predictions(self, predictions: Overlay | None) -> None:
        """Lay predictions over the slide, or take them away; they may grow, see :meth:`update`."""
        self._predictions, self._chosen = predictions, None
        self.update()

    def choose_result(self, number: int | None, *, go_there: bool) -> None:
        """Frame one of the predictions, and bring it into view."""
        self._chosen = number
        chosen = self._chosen_place()
        if chosen is not None and go_there:
            self.viewport.look_at(chosen)
            self._ask()
        self.update()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does."""
        self.tool = tool
        self.setCursor(Qt.CursorShape.OpenHandCursor if tool == "pan" else Qt.CursorShape.CrossCursor)
        self.update()

    def show_mode(self, mode: Shown) -> None:
        """Choose what the colours mean."""
        self.shown = mode
        self.update()

    def fit(self) -> None:
        """Show the whole slide."""
        self.viewport.fit()
        self._ask()

    def pick_at(self, place: QPointF) -> None:
        """Pick the field whose middle is nearest to a place and that lies within the slide."""
        if self._slide is None:
            return
        width, height = self._slide.size
        side = min(self.side, width, height)
        x = min(max(0, round(place.x() - side / 2)), width - side)
        y = min(max(0, round(place.y() - side / 2)), height - side)
        self.field = Region(x, y, side, side)
        self.field_picked.emit(self.field)
        self.update()

    def set_area(self, area: Region | None) -> None:
        """Set the rectangle for a grid; None for the whole slide."""
        self.area = area
        self.area_drawn.emit(area)
        self.update()

    def _on_tile(self, path: object, key: TileKey, tile: QImage) -> None:
        if self._slide is not None and path == self._slide.path and not tile.isNull():
            self.cache.put(key, tile)
            self.update()

    def _ask(self) -> None:
        """Have the tiles read that are in view and not here."""
        number = self.viewport.level(self.devicePixelRatioF())
        keys = [] if number is None or self._slide is None else self.viewport.tiles(number)
        self._loader.want(key for key in keys if key not in self.cache)
        self.update()

    # drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the slide as far as it is here, and what lies over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("image"))
        if self._slide is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        whole = self.viewport.to_view(self.viewport.extent)
        painter.fillRect(whole, theme.colour("raised"))
        for place, picture in self._in_view(whole):
            painter.drawImage(place, picture)
        self._draw_fields(painter)
        view = QRectF(self.rect())
        mpp = self._slide.mpp
        orientation.draw_scale(painter, view, None if mpp is None else mpp[0], self.viewport.scale)
        if self._overview is not None and not self.viewport.visible().contains(self.viewport.extent):
            place = orientation.overview_place(view, self._overview)
            orientation.draw_overview(painter, place, self._overview, self._seen_share())

    def _in_view(self, whole: QRectF) -> list[tuple[QRectF, QImage]]:
        """Return what is to be drawn, in this order: the tiles of the present level, below them coarser ones.

        A coarser tile, or the overview, is among them only where a part of it is seen: scaling takes its time.
        """
        uncovered = QRegion(self.rect())
        found: list[tuple[QRectF, QImage]] = []
        number = self.viewport.level(self.devicePixelRatioF())
        for level in () if number is None else range(number, len(self.viewport.levels)):
            here = QRegion()
            for key in self.viewport.tiles(level):
                tile, place = self.cache.get(key), self.viewport.to_view(self.viewport.tile_extent(key))
                if tile is not None and uncovered.intersects(place.toRect()):
                    found.append((place, tile))
                    here += place.toRect()
            uncovered -= here
        if self._overview is not None and uncovered.intersects(whole.toRect()):
            found.append((whole, self._overview))
        return found[::-1]

    def _draw_fields(self, painter: QPainter) -> None:
        if self._predictions is not None:
            self._predictions.draw(painter, self.viewport, self.shown)
        if self.area is not None:
            outline(painter, self.viewport.to_view(rectangle(self.area)), theme.colour("on_image"))
        if (chosen := self._chosen_place()) is not None:
            outline(painter, self.viewport.to_view(chosen), theme.colour("warning"))
        if self.field is not None:
            outline(painter, self.viewport.to_view(rectangle(self.field)), theme.colour("on_image"), 3)
        if self.tool == "field" and self._pointer is not None and self.underMouse():
            centre = self.viewport.position(self._pointer)
            half = self.side / 2
            place = QRectF(centre.x() - half, centre.y() - half, self.side, self.side)
            outline(painter, self.viewport.to_view(place), theme.colour("focus"), 1)

    def _seen_share(self) -> QRectF:
        seen, extent = self.viewport.visible(), self.viewport.extent
        return QRectF(
            seen.left() / extent.width(), seen.top() / extent.height(),
            seen.width() / extent.width(), seen.height() / extent.height(),
        )  # fmt: skip

    # events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the new size."""
        self.viewport.resize(QSizeF(event.size()))
        self._ask()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        notches = event.angleDelta().y() / 120
        self.viewport.zoom(STEP**notches, event.position())
        self._ask()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, to pick or to draw."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            event.ignore()
            return
        self._pressed = self._last = event.position()
        self._from_overview = event.button() == Qt.MouseButton.LeftButton and self._go_by_overview(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, draw, or show the field under the pointer."""
        self._pointer = event.position()
        if self._pressed is not None:
            if self._from_overview:
                self._go_by_overview(event.position())
            elif self.tool == "area" and event.buttons() & Qt.MouseButton.LeftButton:
                self.area = self._drawn_area(event.position())
            else:
                self.viewport.pan(event.position() - self._last)
                self._ask()
            self._last = event.position()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a click picks a field, or a prediction."""
        pressed, self._pressed = self._pressed, None
        if pressed is None or self._from_overview or event.button() != Qt.MouseButton.LeftButton:
            return
        moved = (event.position() - pressed).manhattanLength() > CLICK
        if self.tool == "area":
            self.set_area(self._drawn_area(event.position(), pressed) if moved else None)
        elif not moved:
            self._click(self.viewport.position(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the field under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton and self._slide is not None:
            place = self.viewport.position(event.position())
            number = self._result_at(place)
            if number is not None and self._predictions is not None:
                self.field_wanted.emit(self._predictions.results[number].region)
            else:
                self.pick_at(place)
                self.field_wanted.emit(self.field)

    def leaveEvent(self, event: object) -> None:
        """Forget the pointer."""
        self._pointer = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan with the arrows, zoom with plus and minus, fit with 0, pick the field in the middle with space."""
        step = 0.1 * self.width()
        pans = {
            Qt.Key.Key_Left: QPointF(step, 0),
            Qt.Key.Key_Right: QPointF(-step, 0),
            Qt.Key.Key_Up: QPointF(0, step),
            Qt.Key.Key_Down: QPointF(0, -step),
        }
        zooms = {Qt.Key.Key_Plus: STEP, Qt.Key.Key_Equal: STEP, Qt.Key.Key_Minus: 1 / STEP}
        key = Qt.Key(event.key())
        if key in pans:
            self.viewport.pan(pans[key])
        elif key in zooms:
            self.viewport.zoom(zooms[key], QPointF(self.width() / 2, self.height() / 2))
        elif key == Qt.Key.Key_0:
            self.viewport.fit()
        elif key == Qt.Key.Key_Space:
            self.pick_at(self.viewport.centre)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.field is not None:
            self.field_wanted.emit(self.field)
        else:
            super().keyPressEvent(event)
            return
        self._ask()

    def _click(self, place: QPointF) -> None:
        if self.tool == "field":
            self.pick_at(place)
        elif (number := self._result_at(place)) is not None:
            self.result_clicked.emit(number)

    def _result_at(self, place: QPointF) -> int | None:
        return None if self._predictions is None else self._predictions.number_at(place)

    def _chosen_place(self) -> QRectF | None:
        """Return which part of the slide the chosen prediction is of."""
        if self._predictions is None or self._chosen is None:
            return None
        return rectangle(self._predictions.results[self._chosen].region)

    def _drawn_area(self, to: QPointF, since: QPointF | None = None) -> Region | None:
        """Return the rectangle between where the button went down and a place of the view, within the slide."""
        start = since or self._pressed
        if start is None:
            return None
        drawn = QRectF(self.viewport.position(start), self.viewport.position(to)).normalized()
        drawn = drawn.intersected(self.viewport.extent)
        if drawn.width() < 1 or drawn.height() < 1:
            return None
        return Region(int(drawn.left()), int(drawn.top()), int(drawn.width()), int(drawn.height()))

    def _go_by_overview(self, at: QPointF) -> bool:
        """Look at a place that is pointed at on the overview; return whether the point is on it."""
        if self._overview is None or self.viewport.visible().contains(self.viewport.extent):
            return False
        place = orientation.overview_place(QRectF(self.rect()), self._overview)
        if not place.contains(at) and not self._from_overview:
            return False
        across, down = orientation.place_in(place, at)
        extent = self.viewport.extent
        self.viewport.centre_on(QPointF(across * extent.width(), down * extent.height()))
        self._ask()
        return True
