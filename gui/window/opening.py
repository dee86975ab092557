"""Opens files and folders: searches in threads, adds images to the worklist, and shows whole slides in their window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject

from core.images.reader import SUPPORTED
from gui.common.notifications import Banner
from gui.worklist.file_search import FileSearch
from gui.worklist.model import Worklist
from gui.worklist.view import WorklistView


class Opening(QObject):
    """Searches that are under way.

    Args:
        worklist: gets what is found.
        listed: the worklist on screen.
        show_slides: opens whole slides in their own window.
        banner: shows where no image was found.
        parent: lives at least as long as the searches.

    Attributes:
        searches: the threads that are under way.
    """

    def __init__(
        self,
        worklist: Worklist,
        listed: WorklistView,
        show_slides: Callable[[list[Path]], object],
        banner: Banner,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._show_slides = show_slides
        self._worklist, self._listed, self._banner = worklist, listed, banner
        self._found_first = False
        self.searches: list[FileSearch] = []

    def open(self, paths: list[Path]) -> None:
        """Add files, and the images in folders, to the worklist; the first of them is shown at once."""
        self._found_first = False
        search = FileSearch([path.absolute() for path in paths], self)
        self.searches.append(search)
        search.found.connect(self._on_found)
        search.slides_found.connect(self._show_slides)
        search.nothing.connect(self._on_nothing)
        search.finished.connect(self._on_finished)
        search.start()

    def _on_found(self, paths: list[Path]) -> None:
        self._worklist.add(paths)
        if not self._found_first:
            self._found_first = True
            self._listed.choose(paths[0])
            self._listed.view().setFocus()

    def _on_nothing(self, where: str) -> None:
        self._banner.say(f"There are no images in {where}. {SUPPORTED}", warning=True)

    def _on_finished(self) -> None:
        for search in [search for search in self.searches if search.isFinished()]:
            self.searches.remove(search)
            search.deleteLater()
