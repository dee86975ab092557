"""Starts the window, and ends the program when it has been closed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import cast

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from core.errors import TwinlensError
from core.system.paths import cache_folder, cache_notice, data_notice
from gui.common.focus_ring import FocusRings
from gui.common.icons import window_icon
from gui.export.quick import save_picture
from gui.window.main_window import FIRST_SIZE, MainWindow

# the interpreter hands the GIL over after this many seconds: the window's thread asks for it hundreds of times while
# it paints, and each time would otherwise wait 5 ms for a worker that runs Python
SWITCH_INTERVAL = 0.001


def make_application() -> QApplication:
    """Return the one application of this process."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("Twinlens")
    app.setApplicationDisplayName("Twinlens")
    app.setDesktopFileName("twinlens")
    app.setWindowIcon(window_icon())
    if app.findChild(FocusRings) is None:
        FocusRings(app)
    return app


def start(paths: list[Path], screenshot: Path | None) -> int:
    """Open the window and run until it is closed.

    Args:
        paths: files and folders to open; the last session if there are none.
        screenshot: if given, where a picture of the window is saved once the first image has been analysed; the
            program then ends.

    Returns:
        The program's exit code: 1 if the image for the screenshot could not be compared.
    """
    app = make_application()
    window = MainWindow()
    window.apply_theme()
    if screenshot is not None:
        window.resize(FIRST_SIZE)
    window.show()
    code = 0

    def save(compared: bool) -> None:
        nonlocal code
        code = 0 if compared else 1
        try:
            save_picture(cast(Path, screenshot), window.grab().toImage())
        except TwinlensError as error:
            print(f"Error: {error}", file=sys.stderr)
            code = 1
        window.close()

    if screenshot is not None:
        window.controller.settled.connect(lambda compared: QTimer.singleShot(0, lambda: save(compared)))
        if not paths:
            window.controller.models_ready.connect(lambda: QTimer.singleShot(0, lambda: save(True)))
    cache_folder()
    if notice := " ".join(filter(None, (data_notice(), cache_notice()))):
        window.banner.say(notice, warning=True)
    QTimer.singleShot(0, lambda: window.begin(paths))  # after the window has been painted
    app.exec()
    stopped = window.all_stopped
    window.deleteLater()
    app.processEvents()
    if not stopped:  # a network is being compiled, which can't be interrupted; nothing half written has its name yet
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
