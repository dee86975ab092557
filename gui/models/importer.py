"""Imports a model: says who made it before anything is copied, and has it verified in another process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from core.cli.own_models import OWN_MODELS
from core.compare.session import Interrupted
from core.errors import BundleError
from core.models.bundle import CARD_FILE, LABEL_MARK
from core.models.catalogue import Provenance, read_catalogue, read_provenance
from core.models.labels import free_label
from core.system.subprocesses import own_command
from gui.common.notifications import Banner, Notifications
from gui.common.threads import Background
from gui.models.own_model_form import OwnModelForm

LOOK_SECONDS = 0.05


class Answer(Enum):
    """What a person wants done with a model that is offered."""

    INSTALL = "install"
    BESIDE = "beside"
    NO = "no"


class ModelImport(QObject):
    """The command *Import model*; what goes wrong is said in the window's banner.

    Args:
        parent: the window of the dialogs.
        banner: says what is under way and what was installed.
        notifications: where errors go.
    """

    installed = Signal()  # there is another model than before

    def __init__(self, parent: QWidget, banner: Banner, notifications: Notifications) -> None:
        super().__init__(parent)
        self._parent, self._banner, self._notifications = parent, banner, notifications

    def choose(self) -> None:
        """Let a person choose a bundle."""
        title = "Choose a model: its card.json, a .zip, or a network of your own (.onnx, .safetensors)"
        kinds = "Models (card.json *.zip *.onnx *.safetensors);;All files (*)"
        chosen, _kind = QFileDialog.getOpenFileName(self._parent, title, "", kinds)
        if chosen:
            path = Path(chosen)
            if path.suffix.lower() in OWN_MODELS:
                self.look_into(path)
            else:
                self.offer(path.parent if path.name == CARD_FILE else path)

    def look_into(self, source: Path) -> None:
        """Find out what a network of the user's own is, in a process of its own, and show the form for it."""
        self._banner.say(f"Reading {source.name}")
        job = Background(lambda: run_core(["import", str(source), "--inspect"], job.isInterruptionRequested), self)
        job.done.connect(lambda output: self._ask(source, json.loads(output)))
        job.failed.connect(self._failed)
        job.begin()

    def _ask(self, source: Path, about: dict[str, Any]) -> None:
        form = OwnModelForm(source, about, self._parent)
        form.accepted.connect(lambda: self._import_own(source, form.arguments()))
        form.open()

    def _import_own(self, source: Path, stated: list[str]) -> None:
        self._banner.say(f"Importing {source.name}: its weights, its feature maps, a first prediction")
        job = Background(lambda: run_core(["import", str(source), *stated], job.isInterruptionRequested), self)
        job.done.connect(self._own_installed)
        job.failed.connect(self._failed)
        job.begin()

    def _own_installed(self, output: str) -> None:
        self.installed.emit()
        first, *others = output.splitlines()
        self._banner.say(first)
        box = QMessageBox(self._parent)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Model imported")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(first)
        box.setInformativeText("\n".join(line.strip() for line in others))
        box.open()

    def offer(self, source: Path) -> None:
        """Say who made the bundle in a folder or .zip, and install it if the person wants it."""
        job = Background(lambda: read_provenance(source), self)
        job.done.connect(lambda origin: self._offered(source, origin))
        job.failed.connect(self._notifications.show_error)
        job.begin()

    def wanted(self, origin: Provenance) -> Answer:
        """Ask whether this model is to be installed, and beside one that it would replace or in its place."""
        box = QMessageBox(self._parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Import model")
        box.setTextFormat(Qt.TextFormat.PlainText)  # a card may hold any text
        box.setText(f"Install {origin.name} as {origin.id}?")
        replaced = {
            "bundled": "It replaces the one that came with Twinlens, until it is removed.",
            "own": "It replaces one of your own, which will be deleted.",
        }
        lines = [
            f"Made by {origin.made_by}, {origin.made_on}",
            f"Trained on {origin.data}",
            f"Licence: {origin.licence}",
            f"SHA-256 of the weights: {origin.digest}",
            "",
            "All this is from its card. A model can be wrong on purpose: import only from people whom you trust.",
            replaced.get(origin.replaces, ""),
        ]
        box.setInformativeText("\n".join(lines).strip())
        answers = {box.addButton("&Install", QMessageBox.ButtonRole.AcceptRole): Answer.INSTALL}
        if origin.replaces:
            beside = box.addButton("Keep &both", QMessageBox.ButtonRole.AcceptRole)
            beside.setToolTip("Install it beside the other, under a label that File › Models can change")
            answers[beside] = Answer.BESIDE
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        box.deleteLater()
        return next((answer for button, answer in answers.items() if button is box.clickedButton()), Answer.NO)

    def _offered(self, source: Path, origin: Provenance) -> None:
        answer = self.wanted(origin)
        if answer is Answer.NO:
            return
        label = free_label(origin.id, read_catalogue().bundles.values()) if answer is Answer.BESIDE else ""
        self._banner.say(f"Checking {origin.name}: its files, its checksums, and the network")
        job = Background(lambda: install(source, job.isInterruptionRequested, label), self)
        job.done.connect(lambda _nothing: self._installed(origin.id + (LABEL_MARK + label if label else "")))
        job.failed.connect(self._failed)
        job.begin()

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, Interrupted):
            self._notifications.show_error(error)

    def _installed(self, bundle_id: str) -> None:
        self.installed.emit()
        self._banner.say(f"Installed: {bundle_id}")


def install(source: Path, unwanted: Callable[[], bool] = lambda: False, label: str = "") -> None:
    """Verify a bundle and copy it to the user's own, in a process of its own, where its network runs once.

    Args:
        source: a folder or .zip.
        unwanted: asked all the time; the process is ended when it is true.
        label: tells it from installed models of its network, which otherwise it would replace.

    Raises:
        BundleError: if it fails verification; nothing is left behind then.
        Interrupted: if it is no longer wanted.
    """
    run_core(["import", str(source), *(["--label", label] if label else [])], unwanted, source)


def run_core(arguments: list[str], unwanted: Callable[[], bool] = lambda: False, about: Path | None = None) -> str:
    """Run a command of ``core`` in a process of its own, which a hostile file may end, and return what it prints.

    Args:
        arguments: the command with its arguments.
        unwanted: asked all the time; the process is ended when it is true.
        about: the file that it is about, for the error.

    Raises:
        BundleError: if the command fails.
        Interrupted: if it is no longer wanted.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        own_command("core", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while True:
        try:
            printed, errors = process.communicate(timeout=LOOK_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if unwanted():
                process.kill()
                process.communicate()
                raise Interrupted from None
    if process.returncode:
        reason = f"\n{errors.strip()}".rpartition("\nError: ")[2].strip()
        raise BundleError(reason or "The process that imports it has ended.", path=None if reason else about)
    return printed
