"""What the training window asks before something is ended or replaced."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from core.bundle import Bundle
from core.folders import user_weights

Answer = Literal["stop", "go on", "cancel"]


def ask_about_run(window: QWidget) -> Answer:
    """Ask what is to become of the run that is under way."""
    box = QMessageBox(QMessageBox.Icon.Question, window.windowTitle(), tr("A run is under way."), parent=window)
    box.setInformativeText(
        tr(
            "It can go on in the background and be opened again here, or stop: it then writes a checkpoint, from "
            "which it can be resumed, and ends by itself."
        )
    )
    go_on = box.addButton(tr("&Go on in the background"), QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton(tr("&Stop it"), QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(go_on)
    box.exec()
    return "go on" if box.clickedButton() is go_on else "stop" if box.clickedButton() is stop else "cancel"


def ask_to_replace(window: QWidget, installed: Bundle) -> bool:
    """Ask whether a run may take the place of a model of the same name."""
    words = tr("The model {0} is installed already. The new one takes its place.").format(installed.id)
    box = QMessageBox(QMessageBox.Icon.Question, window.windowTitle(), words, parent=window)
    box.setInformativeText(
        tr("It is one of your own and will be gone.")
        if installed.directory.is_relative_to(user_weights())
        else tr("It came with Twinlens, stays on disk, and is back once the new one is removed.")
    )
    take = box.addButton(tr("&Take the new one"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return box.clickedButton() is take


def tr(text: str) -> str:
    """Return the translation of a text of this file."""
    return QCoreApplication.translate("training_questions", text)
