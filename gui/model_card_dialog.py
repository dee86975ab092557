"""A model's card, to be read."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from core.bundle import Bundle
from gui import theme


class ModelCardDialog(QDialog):
    """Shows what a model is for, how it was made, how it scored, and what it can't do.

    Args:
        name: the model's name.
        markdown: the card in Markdown.
    """

    def __init__(self, name: str, markdown: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Model card: {0}").format(name))
        self.resize(720, 640)
        self.text = QTextBrowser(self)
        self.text.setAccessibleName(self.tr("Model card"))
        self.text.setOpenExternalLinks(True)
        self.text.document().setDocumentMargin(2 * theme.GRID)
        self.text.setMarkdown(markdown)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(buttons)


def card_markdown(bundle: Bundle) -> str:
    """Return a bundle's card in Markdown."""
    card = bundle.card
    parts = [
        f"# {bundle.name}",
        f"{card.role} for {card.task} · {card.parameters:,} parameters · {card.macs:,} multiply-accumulates",
        f"## Intended use\n{card.intended_use}",
        f"## Training\n{card.training.data}\n\n{card.training.method}",
    ]
    if card.scores:
        rows = [
            f"| {s.dataset} | {s.images} | {100 * s.accuracy:.1f} % | {100 * s.macro_f1:.1f} % | {100 * s.ece:.1f} % |"
            for s in card.scores
        ]
        head = "| Data | Images | Accuracy | Macro F1 | Calibration error |\n|---|---|---|---|---|\n"
        parts.append("## Scores\n" + head + "\n".join(rows))
        parts += [s.caution for s in card.scores if s.caution]
    if card.limits:
        parts.append("## Limits\n" + "\n".join(f"- {limit}" for limit in card.limits))
    parts.append(f"## Licence\n{card.licence}")
    return "\n\n".join(parts)
