"""What the training window asks before something is ended, replaced or published."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from core.models.bundle import Bundle
from core.system.paths import user_weights
from gui.common import theme

RunChoice = Literal["stop", "go on", "cancel"]


class Leaving(Enum):
    """What becomes of the training window when the program is to end."""

    STAYS = "the person wants to stay"
    ENDED = "everything here has ended"
    RUN_LEFT = "a run is still under way, in its own process"


def ask_about_run(window: QWidget) -> RunChoice:
    """Ask what is to become of the run that is under way."""
    box = QMessageBox(QMessageBox.Icon.Question, window.windowTitle(), "A run is under way.", parent=window)
    box.setInformativeText(
        "It can continue in the background and be opened again here, or stop: it then writes a checkpoint, from "
        "which it can be resumed, and ends by itself."
    )
    go_on = box.addButton("&Continue in the background", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("&Stop it", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(go_on)
    box.exec()
    return "go on" if box.clickedButton() is go_on else "stop" if box.clickedButton() is stop else "cancel"


def ask_to_replace(window: QWidget, installed: Bundle) -> bool:
    """Ask whether a run may take the place of a model of the same name."""
    words = f"The model {installed.id} is installed already. The new one replaces it."
    box = QMessageBox(QMessageBox.Icon.Question, window.windowTitle(), words, parent=window)
    box.setInformativeText(
        "It is one of your own and will be deleted."
        if installed.directory.is_relative_to(user_weights())
        else "It came with Twinlens, stays on disk, and is back once the new one is removed."
    )
    take = box.addButton("&Replace", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return box.clickedButton() is take


def ask_for_card(window: QWidget, data_name: str) -> dict[str, str] | None:
    """Ask for what only a person can state on a model's card.

    Args:
        window: its parent.
        data_name: what the data set is called as far as is known.

    Returns:
        The texts by the option of ``publish`` that takes them, without those left empty; None where a person cancels.
    """
    dialog = QDialog(window)
    dialog.setWindowTitle("For the model's card")
    words = QLabel("What is left empty stands on the card as “not stated”.")
    theme.styled(words, "dim")
    fields = {
        "--data-name": ("&Data set", QLineEdit(data_name)),
        "--intended-use": ("&Intended use", QLineEdit()),
        "--licence": ("&Licence of the weights", QLineEdit()),
    }
    form = QFormLayout()
    for label, field in fields.values():
        field.setMinimumWidth(320)
        form.addRow(label, field)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    buttons.addButton("&Add to the models", QDialogButtonBox.ButtonRole.AcceptRole)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    page = QVBoxLayout(dialog)
    page.setSpacing(16)
    page.addWidget(words)
    page.addLayout(form)
    page.addWidget(buttons)
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    texts = {option: field.text().strip() for option, (_label, field) in fields.items() if field.text().strip()}
    dialog.deleteLater()
    return texts if accepted else None
