"""A model's card, to be read."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, QUrl
from PySide6.QtGui import QBrush, QImage, QTextCharFormat, QTextCursor, QTextDocument, QTextFrameFormat, QTextTable
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from core.errors import TwinlensError
from core.models.bundle import Bundle
from core.models.card import Card
from core.names import readable
from core.reports.document import RELIABILITY_CAPTION, Paragraph, Reliability, markdown
from core.reports.layout import PAPER, PaperSize
from core.reports.model_card import facts, write_model_facts
from gui.common import theme
from gui.common.placement import fitted
from gui.common.save_dialog import ask_where
from gui.common.threads import Background
from gui.models.map_quality_dialog import add_map_quality
from gui.models.reliability_plot import reliability_picture


class ModelCardDialog(QDialog):
    """Shows what a model is for, how it was made, how it scored, and what it can't do; writes it as PDF or Markdown.

    Args:
        bundle: the model.
        parent: the window.
        folder: where the card is saved unless the person wants it elsewhere.
    """

    def __init__(self, bundle: Bundle, parent: QWidget | None = None, folder: Path | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Model card: {bundle.name}")
        self.resize(fitted(self, QSize(800, 680)))
        self._bundle, self._folder = bundle, folder
        self._job: Background | None = None
        self._leaving: int | None = None
        self.text = CardText(self)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAccessibleName("What became of the file")
        theme.styled(self.words, "small", "dim")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        self.save: QPushButton = buttons.addButton("&Save…", QDialogButtonBox.ButtonRole.ActionRole)
        self.save.setAutoDefault(False)
        self.save.setToolTip("Write this card as PDF or Markdown")
        self.save.clicked.connect(self._save)
        add_map_quality(buttons, bundle.card)
        foot = QHBoxLayout()
        foot.setSpacing(2 * theme.GRID)
        foot.addWidget(self.words, 1)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addLayout(foot)
        self.text.show_card(bundle.card)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "save"):
            self.text.show_card(self._bundle.card)

    def done(self, result: int) -> None:
        """Close, once a file that is being written is there."""
        if self._job is None:
            super().done(result)
        else:
            self._leaving = result

    def _save(self) -> None:
        papers = {f"PDF, {size}": size for size in PAPER}
        kinds = {**dict.fromkeys(papers, (".pdf",)), "Markdown": (".md",)}
        name = f"{self._bundle.id.replace('/', ' ')} card.pdf"
        chosen = ask_where(self, "Save model card", name, kinds, self._folder)
        if chosen is not None:
            path, kind = chosen
            self._write(path, papers.get(kind, "A4"))

    def _write(self, path: Path, paper: PaperSize) -> None:
        self.save.setEnabled(False)
        self._job = Background(lambda: write_model_facts(path, self._bundle.card, paper), self)
        self._job.done.connect(lambda _none: self._say(f"Written: {readable(path)}", "dim"))
        self._job.failed.connect(self._on_failed)
        self._job.finished.connect(self._on_finished)
        self._job.begin()

    def _on_failed(self, error: Exception) -> None:
        self._leaving = None  # it has to be read first
        if isinstance(error, TwinlensError):
            self._say(f"⚠ {error}", "warning")
        else:
            self._say("⚠ " + "Something went wrong; nothing was written.", "warning")
            raise error

    def _on_finished(self) -> None:
        self._job = None
        self.save.setEnabled(True)
        if self._leaving is not None:
            super().done(self._leaving)

    def _say(self, words: str, look: str) -> None:
        self.words.setText(words)
        self.words.setAccessibleName(words)
        theme.styled(self.words, "small", look)


class CardText(QTextBrowser):
    """The text of a card with its diagrams; it loads nothing else, whatever the card names."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.pictures: dict[str, QImage] = {}
        self.setAccessibleName("Model card")
        self.setOpenExternalLinks(True)

    def show_card(self, card: Card) -> None:
        """Show a card in the present theme."""
        self.pictures.clear()
        page = []
        for block in facts(card):
            if isinstance(block, Reliability):
                name = f"reliability:{len(self.pictures)}"
                self.pictures[name] = reliability_picture(block.curves, card.role, self.devicePixelRatioF())
                page += [f"![{'Reliability diagram'}]({name})\n", markdown([Paragraph(RELIABILITY_CAPTION)])]
            page.append(markdown([block]))
        self.document().setDocumentMargin(2 * theme.GRID)
        self.document().setIndentWidth(3 * theme.GRID)
        self.setMarkdown("\n".join(page))
        _set_type(self.document())

    def loadResource(self, _kind: int, name: QUrl | str) -> QImage | None:
        """Return a diagram."""
        return self.pictures.get(QUrl(name).toString())


def _set_type(document: QTextDocument) -> None:
    """Give headings, lists and tables the window's sizes and distances in place of Qt's own."""
    whole = QTextCursor(document)
    whole.beginEditBlock()  # it is laid out once
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
    whole.endEditBlock()
