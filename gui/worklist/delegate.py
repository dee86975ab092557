"""How a line of the worklist is drawn: thumbnail, name, both predictions, and whether they agree; or the thumbnail."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTextLayout
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.names import readable
from core.records.review import Review
from gui.common import theme
from gui.common.wording import review_words
from gui.engine.result import ModelSummary
from gui.worklist.model import ENTRY_ROLE, Entry
from gui.worklist.thumbnails import Thumbnails

HEIGHT = 72
THUMBNAIL, ALONE = 48, 56  # pixels, beside words and alone
SIGN = 18  # height and width of the sign in a thumbnail's corner
MARGIN = 8
DOT = 8


class WorklistDelegate(QStyledItemDelegate):
    """Draws an entry as ``▣ name / T ● COVID-19 91 % / S ○ Normal 55 %  ≠``; ○ means uncertain.

    Attributes:
        wide: whether there is room for the words; else the thumbnail is drawn with the sign in its corner.
    """

    wide = True

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
        side = THUMBNAIL if self.wide else ALONE
        picture = QRect(rect.left() + MARGIN, rect.top() + (HEIGHT - side) // 2, side, side)
        self._draw_thumbnail(painter, picture, entry)
        if not self.wide:
            _draw_sign(painter, picture, entry)
            painter.restore()
            return
        left = rect.left() + 2 * MARGIN + THUMBNAIL
        area = QRect(left, rect.top() + 6, rect.right() - left - MARGIN, HEIGHT - 12)
        self._draw_words(painter, area, entry)
        painter.restore()

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
            name.setRight(self._draw_review(painter, name, entry.review) - 4)
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
        painter.drawText(mark, Qt.AlignmentFlag.AlignCenter, "✓" if result.agree else "≠")

    def _draw_review(self, painter: QPainter, rect: QRect, review: Review) -> int:
        """Draw the reader's opinion at the right end of a line; return where it begins."""
        words = review_words(review.opinion).lower() if review.opinion is not None else ""
        words = f"{words} ✎".strip() if review.note else words
        painter.setFont(theme.font(theme.SMALL, bold=True))
        painter.setPen(theme.colour("text"))
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
    result = entry.file_result
    if result is None:
        sign, colour = "", theme.colour("dim")
    elif result.teacher.novel or result.student.novel:
        sign, colour = "⊘", theme.colour("warning")
    else:
        sign, colour = ("✓", theme.colour("text")) if result.agree else ("≠", theme.colour("warning"))
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
