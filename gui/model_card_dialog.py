"""A model's card, to be read."""

from __future__ import annotations

from PySide6.QtGui import QBrush, QTextCharFormat, QTextCursor, QTextDocument, QTextFrameFormat, QTextTable
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from core.bundle import Bundle
from core.model_facts import model_facts
from gui import theme


class ModelCardDialog(QDialog):
    """Shows what a model is for, how it was made, how it scored, and what it can't do.

    Args:
        bundle: the model.
    """

    def __init__(self, bundle: Bundle, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Model card: {0}").format(bundle.name))
        self.resize(720, 640)
        self.text = QTextBrowser(self)
        self.text.setAccessibleName(self.tr("Model card"))
        self.text.setOpenExternalLinks(True)
        self.text.document().setDocumentMargin(2 * theme.GRID)
        self.text.document().setIndentWidth(3 * theme.GRID)
        self.text.setMarkdown(model_facts(bundle.card))
        _set_type(self.text.document())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(buttons)


def _set_type(document: QTextDocument) -> None:
    """Give headings, lists and tables the window's sizes and distances in place of Qt's own."""
    block = document.begin()
    while block.isValid():
        level = block.blockFormat().headingLevel()
        cursor = QTextCursor(block)
        place = block.blockFormat()
        if level:
            look = QTextCharFormat()
            look.setFont(theme.font(theme.TITLE if level < 3 else theme.BODY, bold=level != 2))
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.setCharFormat(look)
            place.setTopMargin({1: 0, 2: 3 * theme.GRID}.get(level, 2 * theme.GRID))
            place.setBottomMargin(theme.GRID)
        elif cursor.currentTable() is None:
            place.setTopMargin(0)
            place.setBottomMargin(theme.GRID / 2)
        cursor.setBlockFormat(place)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            table = frame.format().toTableFormat()
            table.setBorder(1)
            table.setBorderCollapse(True)
            table.setBorderBrush(QBrush(theme.colour("line")))
            table.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            table.setCellPadding(6)
            table.setTopMargin(theme.GRID)
            table.setBottomMargin(theme.GRID)
            frame.setFormat(table)
