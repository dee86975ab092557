"""The main window's slide window: made when the first slide is opened, and closed with the main window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from core.compare.session import Choice
from core.models.catalogue import Catalogue
from gui.common.threads import load

if TYPE_CHECKING:
    from gui.slides.window import SlideWindow

PAUSE_MS = 10  # between making and showing the window, in which the event loop comes round


class Slides:
    """Opens whole slides.

    Args:
        choice: returns what is compared in the main window.
        catalogue: returns the installed models.
        main: the main window, which comes to the front when a field is opened.
        open_paths: opens fields as images in it.

    Attributes:
        window: the window of slides, None before there is one.
    """

    def __init__(
        self,
        choice: Callable[[], Choice],
        catalogue: Callable[[], Catalogue],
        main: QWidget,
        open_paths: Callable[[list[Path]], object],
    ) -> None:
        self._choice, self._catalogue, self._main, self._open_paths = choice, catalogue, main, open_paths
        self.window: SlideWindow | None = None

    def show(self, paths: list[Path]) -> None:
        """Show the first of some slides; the others can be chosen in its window."""
        load("gui.slides.window", lambda: self._make(paths), self._main)

    def _make(self, paths: list[Path]) -> None:
        from gui.slides.window import SlideWindow

        if self.window is None:
            self.window = SlideWindow(self._choice, self._catalogue)
            self.window.field_opened.connect(self._open_field)
        QTimer.singleShot(PAUSE_MS, self.window, lambda: self._open(paths))

    def _open(self, paths: list[Path]) -> None:
        if self.window is not None:
            self.window.open(paths)

    def _open_field(self, path: Path) -> None:
        self._open_paths([path])
        self._main.activateWindow()

    def close(self) -> bool:
        """Close the window of slides; return whether all its threads have ended."""
        window, self.window = self.window, None
        if window is None:
            return True
        ended = window.close_all()
        window.deleteLater()
        return ended
