"""Takes a stranger's model in: says whose it is before anything is copied, and has it verified in another process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.errors import BundleError
from core.models.bundle import CARD_FILE
from core.models.catalogue import Provenance, read_provenance
from core.system.subprocesses import own_command
from gui.common.threads import Background
from gui.engine.analyst import Interrupted
from gui.engine.conversion import LOOK_SECONDS

if TYPE_CHECKING:
    from gui.window.main_window import MainWindow


class ModelImport(QObject):
    """The command *Import model*; what goes wrong is said in the window's banner.

    Args:
        window: the window that gets the model.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def choose(self) -> None:
        """Let a person choose a bundle."""
        title = "Choose a model: its card.json, or a .zip"
        kinds = "Models (card.json *.zip);;All files (*)"
        chosen, _kind = QFileDialog.getOpenFileName(self._window, title, "", kinds)
        if chosen:
            path = Path(chosen)
            self.offer(path.parent if path.name == CARD_FILE else path)

    def offer(self, source: Path) -> None:
        """Say whose the bundle in a folder or .zip is, and take it if the person wants it."""
        job = Background(lambda: read_provenance(source), self)
        job.done.connect(lambda origin: self._offered(source, origin))
        job.failed.connect(self._window.notifications.show_error)
        job.begin()

    def wanted(self, origin: Provenance) -> bool:
        """Ask whether this model is to be installed."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Import model")
        box.setTextFormat(Qt.TextFormat.PlainText)  # the words are a stranger's
        box.setText(f"Install {origin.name} as {origin.id}?")
        replaced = {
            "bundled": "It takes the place of the one that came with Twinlens, until it is removed.",
            "own": "It takes the place of one of your own, which will be gone.",
        }
        lines = [
            f"Made by {origin.made_by}, {origin.made_on}",
            f"Trained on {origin.data}",
            f"Licence: {origin.licence}",
            f"SHA-256 of the weights: {origin.digest}",
            "",
            "So its card says. A model can be wrong on purpose: take only those of people whom you trust.",
            replaced.get(origin.replaces, ""),
        ]
        box.setInformativeText("\n".join(lines).strip())
        take = box.addButton("&Install", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        box.deleteLater()
        return box.clickedButton() is take

    def _offered(self, source: Path, origin: Provenance) -> None:
        if not self.wanted(origin):
            return
        self._window.banner.say(f"Checking {origin.name}: its files, its checksums, and the network")
        job = Background(lambda: install(source, job.isInterruptionRequested), self)
        job.done.connect(lambda _nothing: self._installed(origin))
        job.failed.connect(self._failed)
        job.begin()

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, Interrupted):
            self._window.notifications.show_error(error)

    def _installed(self, origin: Provenance) -> None:
        self._window.take_models()
        self._window.banner.say(f"Installed: {origin.id}")


def install(source: Path, unwanted: Callable[[], bool] = lambda: False) -> None:
    """Verify a bundle and copy it to the user's own, in a process of its own: torch reads the network for it.

    Args:
        source: a folder or .zip.
        unwanted: asked all the time; the process is ended when it is true.

    Raises:
        BundleError: if it fails verification; nothing is left behind then.
        Interrupted: if it is no longer wanted.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        own_command("core", "import", str(source)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while True:
        try:
            _nothing, said = process.communicate(timeout=LOOK_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if unwanted():
                process.kill()
                process.communicate()
                raise Interrupted from None
    if process.returncode:
        reason = f"\n{said.strip()}".rpartition("\nError: ")[2].strip()
        raise BundleError(reason or "The process that takes it in has ended.", path=None if reason else source)
