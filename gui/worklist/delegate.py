"""How a line of the worklist is drawn: thumbnail, name, both predictions, and whether they agree; or the thumbnail."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTextLayout
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.names import readable
from gui.common import theme
from gui.engine.result import ModelSummary
from gui.worklist.entry import Entry, Grouping, group_of
from gui.worklist.model import ENTRY_ROLE
from gui.worklist.thumbnails import Thumbnails

HEIGHT = 72
THUMBNAIL, ALONE = 48, 56  # pixels, beside words and alone
SIGN = 18  # height and width of the sign in a thumbnail's corner
MARGIN = 8
DOT = 8
HEADING = 16  # height of the name of a group, over its first file


class WorklistDelegate(QStyledItemDelegate):
    """Draws an entry as ``▣ name / T ● COVID-19 91 % / S ○ Normal 55 %  ≠``; ○ means uncertain.

    Attributes:
        wide: whether there is room for the words; else the thumbnail is drawn with the sign in its corner.
        grouping: what files stand together by; the first of each group has the group's name above it.
    """

    wide = True
    grouping = Grouping.NONE

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the one size of all lines."""
        return QSize(200, HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one line."""
        entry: Entry = index.data(ENTRY_ROLE)
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.colour("raised"))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme.colour("focus"), 1))
            painter.drawRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5))
        if heading := self._heading(index, entry):
            band = QRect(rect.left(), rect.top(), rect.width(), HEADING)
            rect = rect.adjusted(0, HEADING - 2, 0, 0)
            _draw_heading(painter, band, heading)
        side = min(THUMBNAIL if self.wide else ALONE, rect.height() - 4)
        picture = QRect(rect.left() + MARGIN, rect.top() + (rect.height() - side) // 2, side, side)
        self._draw_thumbnail(painter, picture, entry)
        if not self.wide:
            _draw_sign(painter, picture, entry)
            painter.restore()
            return
        left = rect.left() + 2 * MARGIN + THUMBNAIL
        edge = 6 if rect.height() == HEIGHT else 2
        area = QRect(left, rect.top() + edge, rect.right() - left - MARGIN, rect.height() - 2 * edge)
        self._draw_words(painter, area, entry)
        painter.restore()

    def _heading(self, index: QModelIndex | QPersistentModelIndex, entry: Entry) -> str:
        """Return the name of a file's group where the file is the first of it, else nothing."""
        group = group_of(entry, self.grouping)
        above = index.sibling(index.row() - 1, 0)
        if not group or (above.isValid() and group_of(above.data(ENTRY_ROLE), self.grouping) == group):
            return ""
        return group[-1]

    def _draw_thumbnail(self, painter: QPainter, rect: QRect, entry: Entry) -> None:
        picture = self._thumbnails.get(entry.path)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(rect), 4, 4)
        painter.fillPath(outline, theme.colour("raised"))
        if picture is not None:
            painter.save()
            painter.setClipPath(outline)
            painter.drawPixmap(rect, picture)
            painter.restore()
        elif entry.error:
            painter.setPen(theme.colour("warning"))
            painter.setFont(theme.font(theme.TITLE))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, "⚠")

    def _draw_words(self, painter: QPainter, area: QRect, entry: Entry) -> None:
        line = area.height() // 3
        name = QRect(area.left(), area.top(), area.width(), line)
        if entry.review:
            name.setRight(self._draw_review(painter, name, entry) - 4)
        _text(painter, name, readable(entry.path.name), theme.colour("text"), theme.BODY, Qt.TextElideMode.ElideMiddle)
        second = name.translated(0, line)
        if entry.error:
            reason = entry.error.removeprefix(f"{readable(entry.path)}: ")
            box = QRect(area.left(), second.top(), area.width(), 2 * line)
            _paragraph(painter, box, f"Failed: {reason}", theme.colour("warning"))
            return
        result = entry.file_result
        if result is None:
            _text(painter, second, "Not analysed yet", theme.colour("dim"), theme.SMALL)
            return
        mark = QRect(area.right() - 20, second.top(), 20, 2 * line)
        second.setRight(mark.left() - 4)
        self._draw_prediction(painter, second, "T", result.teacher, theme.colour("teacher"))
        self._draw_prediction(painter, second.translated(0, line), "S", result.student, theme.colour("student"))
        if result.teacher.novel or result.student.novel:
            return  # a hidden prediction neither agrees nor disagrees
        painter.setFont(theme.font(theme.TITLE))
        painter.setPen(theme.colour("dim" if result.agree else "warning"))
        painter.drawText(mark, Qt.AlignmentFlag.AlignCenter, entry.sign)

    def _draw_review(self, painter: QPainter, rect: QRect, entry: Entry) -> int:
        """Draw the reading at the right end of a line, in amber where a prediction differs; return where it begins."""
        painter.setFont(theme.font(theme.SMALL, bold=True))
        painter.setPen(theme.colour("warning" if entry.against_reading else "text"))
        words = f"{entry.reading_words} ✎".strip() if entry.review.note else entry.reading_words
        words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, rect.width() * 3 // 5)
        width = painter.fontMetrics().horizontalAdvance(words)
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        return rect.right() - width

    def _draw_prediction(self, painter: QPainter, rect: QRect, letter: str, one: ModelSummary, colour: QColor) -> None:
        _text(painter, rect, letter, colour, theme.SMALL)
        centre = QPointF(rect.left() + 20, rect.center().y() + 0.5)
        painter.setPen(QPen(colour, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush if one.uncertain or one.novel else colour)
        painter.drawEllipse(centre, DOT / 2, DOT / 2)
        words = rect.adjusted(32, 0, 0, 0)
        if one.novel:
            _text(painter, words, "not assessable", theme.colour("dim"), theme.SMALL)
            return
        # the figure first, so that a long name is what is cut
        figure = painter.fontMetrics().horizontalAdvance("100 %")
        _text(painter, words, f"{100 * one.confidence:.0f} %", theme.colour("dim"), theme.SMALL)
        _text(painter, words.adjusted(figure + MARGIN, 0, 0, 0), one.name, theme.colour("dim"), theme.SMALL)


def _draw_sign(painter: QPainter, picture: QRect, entry: Entry) -> None:
    """Draw in a thumbnail's corner what is known of the file; a pencil where it was reviewed."""
    sign = entry.sign
    colour = theme.colour("text" if sign == "✓" else "warning")
    if entry.review:
        sign += "✎"
    if not sign:
        return
    corner = QRect(0, 0, SIGN * len(sign), SIGN)
    corner.moveBottomRight(picture.bottomRight())
    painter.fillRect(corner, theme.colour("window"))
    painter.setFont(theme.font(theme.BODY, bold=True))
    painter.setPen(colour)
    painter.drawText(corner, Qt.AlignmentFlag.AlignCenter, sign)


def _draw_heading(painter: QPainter, band: QRect, name: str) -> None:
    painter.fillRect(band, theme.colour("window"))
    painter.fillRect(band.left(), band.top(), band.width(), 1, theme.colour("line"))
    words = band.adjusted(MARGIN, 1, -MARGIN, 0)
    _text(painter, words, name, theme.colour("dim"), theme.SMALL, Qt.TextElideMode.ElideLeft)


def _paragraph(painter: QPainter, rect: QRect, words: str, colour: QColor) -> None:
    """Draw words in as many lines as there is room for; the last one ends in … where there are more."""
    painter.setFont(theme.font(theme.SMALL))
    painter.setPen(colour)
    height, layout = painter.fontMetrics().height(), QTextLayout(words, painter.font())
    lines = max(1, rect.height() // height)
    layout.beginLayout()
    for number in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(rect.width())
        rest = words[line.textStart() :]
        shown = rest[: line.textLength()] if number < lines - 1 else rest
        shown = painter.fontMetrics().elidedText(shown.rstrip(), Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect.left(), rect.top() + number * height + painter.fontMetrics().ascent(), shown)
    layout.endLayout()


def _text(
    painter: QPainter,
    rect: QRect,
    words: str,
    colour: QColor,
    size: int,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> None:
    painter.setFont(theme.font(size))
    painter.setPen(colour)
    fitted = painter.fontMetrics().elidedText(words, elide, rect.width())
    painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, fitted)
