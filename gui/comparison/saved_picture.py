"""The comparison as a picture to be saved: drawn for it at full width, not copied from the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF, QTransform

from core.compare.comparison import Comparison, ModelResult
from core.explain import rendering
from core.explain.heatmap import FloatArray
from core.explain.overlays import shown
from core.images.medical_image import MedicalImage
from core.models.card import Role
from core.names import readable
from core.tasks import Task
from gui.common import theme, wording
from gui.comparison.display_controls import Display
from gui.comparison.image_marks import paint_edges
from gui.comparison.image_plane import ImagePlane
from gui.comparison.measurements import Measurement
from gui.comparison.measuring import paint
from gui.comparison.orientation import AS_IN_FILE, Orientation

LONGEST = 640  # pixels of a picture's longer side
COLUMN, GAP, MARGIN = 640, 24, 32  # pixels
HIGHEST = 4000  # of the sheet, more than its words can need
INK, DIM, LINE = QColor(0, 0, 0), QColor(90, 90, 90), QColor(210, 210, 210)
TINTS = {"teacher": rendering.TEACHER_RGB, "student": rendering.STUDENT_RGB}


@dataclass(frozen=True)
class Shown:
    """What is on screen.

    Attributes:
        image: the opened image.
        comparison: both results; one that is hidden is ``withheld`` and has no heat map, nor has one whose map is not
            shown.
        task: the task.
        display: how maps are laid over.
        window: the pixel values shown black and white, None for the file's own way.
        inverted: whether bright is shown dark.
        orientation: how the image is turned; heat maps and measurements are turned with it.
        measurements: what was measured on it.
    """

    image: MedicalImage
    comparison: Comparison
    task: Task
    display: Display
    window: tuple[float, float] | None
    inverted: bool = False
    orientation: Orientation = AS_IN_FILE
    measurements: tuple[Measurement, ...] = ()

    @property
    def plane(self) -> ImagePlane:
        """The geometry of the image as it is turned."""
        return ImagePlane(self.image, self.orientation)

    @property
    def how(self) -> str:
        """How the image was changed for the eye, in words; empty where it was not."""
        return " · ".join(filter(None, ("inverted" if self.inverted else "", self.orientation.words)))

    def picture(self) -> FloatArray:
        """Return the image as it is shown, not yet turned, in [0, 1]."""
        return shown(replace(self.image, inverted=self.image.inverted != self.inverted), self.window, LONGEST)


def composed(what: Shown) -> QImage:
    """Return image, both maps, names, predictions and the research notice on a white sheet; nothing of the study."""
    sheet = _Sheet(3 * COLUMN + 2 * GAP + 2 * MARGIN)
    sheet.words(readable(what.image.path.name), size=22, bold=True)
    sheet.down(GAP // 2)
    picture = what.picture()
    top = sheet.y
    sheet.column(0)
    sheet.words("Image", bold=True)
    sheet.picture(rendering.blended(picture, np.zeros((*picture.shape[:2], 4), np.uint8)), what, [])
    ends = [sheet.y]
    for place, (role, result) in enumerate(_sides(what.comparison), start=1):
        sheet.column(place, top)
        _draw_side(sheet, what, picture, role, result)
        ends.append(sheet.y)
    sheet.whole(max(ends) + GAP // 2)
    sheet.rule()
    if not what.comparison.is_withheld:
        sheet.words(wording.agreement(what.task, what.comparison), bold=True)
    if what.how:
        sheet.words(f"Shown {what.how}; the networks got the image as in the file.", colour=DIM)
    for notice in (*what.image.notices, *what.comparison.notices):
        sheet.words(f"⚠ {notice}")
    sheet.words("⚠  " + wording.notice(), bold=True)
    sheet.words(f"Twinlens, {datetime.now().astimezone():%Y-%m-%d %H:%M %z}", colour=DIM)
    return sheet.finished()


def _sides(comparison: Comparison) -> tuple[tuple[Role, ModelResult], tuple[Role, ModelResult]]:
    return ("teacher", comparison.teacher), ("student", comparison.student)


def _draw_side(sheet: _Sheet, what: Shown, picture: FloatArray, role: Role, result: ModelResult) -> None:
    kind = "Teacher" if role == "teacher" else "Student"
    sheet.words(f"{kind} · {result.bundle.name}", bold=True, colour=QColor(*TINTS[role]).darker(150))
    display, found = what.display, result.heat_map
    values = None if found is None else found.resized(*picture.shape[:2])
    layer = np.zeros((*picture.shape[:2], 4), np.uint8)
    if values is not None:
        layer = rendering.coloured(values, display.colour_map, display.opacity, display.threshold)
    outlines = rendering.contours(values) if values is not None and display.contour else []
    sheet.picture(rendering.blended(picture, layer), what, outlines, TINTS[role])
    if result.withheld:
        sheet.words("⚠ Not assessable: outside the training data.", bold=True)
        return
    prediction = result.prediction
    if found is not None:
        sheet.bar(np.ascontiguousarray(np.rot90(rendering.colour_bar(display.colour_map, 256, 6), -1)))
        name = wording.class_name(what.task, prediction.class_ids[found.class_index])
        sheet.words(wording.method(name, found), colour=DIM)
    sheet.words(wording.top_class(what.task, prediction), size=20, bold=True)
    if doubt := wording.doubt(what.task, prediction):
        sheet.words(f"⚠ {doubt}")
    for label, chance in zip(prediction.class_ids, prediction.probabilities, strict=True):
        sheet.words(f"{wording.class_name(what.task, label)}: {100 * float(chance):.1f} %")
    if prediction.is_out_of_distribution:
        sheet.words("⚠ Shown anyway: the image is outside the training data.")


class _Sheet:
    """A white page that is written from top to bottom, over its whole width or in one of three columns."""

    def __init__(self, width: int) -> None:
        self._page = QImage(width, HIGHEST, QImage.Format.Format_RGB888)
        self._page.fill(Qt.GlobalColor.white)
        self._painter = QPainter(self._page)
        self._painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self.whole(MARGIN)

    def whole(self, y: float) -> None:
        """Continue over the whole width."""
        self._left, self._width, self.y = float(MARGIN), float(self._page.width() - 2 * MARGIN), y

    def column(self, number: int, top: float | None = None) -> None:
        """Continue in a column, from a place on or from where the pen is."""
        self._left, self._width = float(MARGIN + number * (COLUMN + GAP)), float(COLUMN)
        self.y = self.y if top is None else top

    def down(self, pixels: float) -> None:
        """Leave room."""
        self.y += pixels

    def words(self, text: str, *, size: int = 16, bold: bool = False, colour: QColor = INK) -> None:
        """Write words, in several lines where they do not fit in one."""
        flags = int(Qt.TextFlag.TextWrapAnywhere) | int(Qt.AlignmentFlag.AlignLeft)
        self._painter.setFont(theme.font(size, bold))
        self._painter.setPen(colour)
        place = QRectF(self._left, self.y, self._width, HIGHEST)
        height = self._painter.boundingRect(place, flags, text).height()
        self._painter.drawText(QRectF(self._left, self.y, self._width, height), flags, text)
        self.y += height + 4

    def picture(
        self,
        rgb: rendering.Bytes,
        what: Shown,
        outlines: list[FloatArray],
        tint: tuple[int, int, int] = rendering.TEACHER_RGB,
    ) -> None:
        """Draw a picture in the middle of the column, turned as it is on screen, with what is drawn over it.

        Args:
            rgb: the image, not yet turned, RGB of shape (H, W, 3).
            what: what is shown.
            outlines: polygons in pixels of the picture.
            tint: their colour.
        """
        turned = what.orientation.applied(rgb)
        height, width = turned.shape[:2]
        place = QRectF(self._left + (self._width - width) / 2, self.y, width, height)
        self._painter.drawImage(place, QImage(turned.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888))
        plane = what.plane
        to_page = QTransform.fromScale(width / plane.seen_extent.width(), height / plane.seen_extent.height())
        to_page *= QTransform.fromTranslate(place.left(), place.top())
        from_pixels = QTransform.fromScale(plane.extent.width() / rgb.shape[1], plane.extent.height() / rgb.shape[0])
        for colour, wide in ((QColor(0, 0, 0, 170), 4.0), (QColor(*tint), 2.0)):
            self._painter.setPen(QPen(colour, wide))
            for polygon in outlines:
                points = QPolygonF([QPointF(x + 0.5, y + 0.5) for x, y in polygon.tolist()])
                self._painter.drawPolygon((from_pixels * plane.transform * to_page).map(points))
        paint(self._painter, what.measurements, plane, to_page)
        paint_edges(self._painter, place, what.orientation.edges(what.image.directions))
        self.y += height + GAP / 2

    def bar(self, rgb: rendering.Bytes) -> None:
        """Draw the colour bar with its ends in words."""
        height, width = rgb.shape[:2]
        bar = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self._painter.drawImage(QRectF(self._left, self.y, self._width, height), bar)
        self._painter.setFont(theme.font(12))
        self._painter.setPen(DIM)
        place = QRectF(self._left, self.y + height, self._width, 18)
        for flag, text in ((Qt.AlignmentFlag.AlignLeft, "low"), (Qt.AlignmentFlag.AlignRight, "high")):
            self._painter.drawText(place, int(flag), text)
        self.y += height + 22

    def rule(self) -> None:
        """Draw a line over the whole width."""
        self._painter.fillRect(QRectF(self._left, self.y, self._width, 1), LINE)
        self.y += GAP / 2

    def finished(self) -> QImage:
        """Return the page as far as it is written."""
        self._painter.end()
        return self._page.copy(QRect(0, 0, self._page.width(), round(self.y + MARGIN)))
