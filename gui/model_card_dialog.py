"""A model's card, to be read."""

from __future__ import annotations

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
        self.text.setMarkdown(model_facts(bundle.card))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(buttons)
