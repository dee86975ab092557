"""The commands that open files, take them off the worklist and search among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QFileDialog, QWidget

from core.images.demo import demonstration_radiograph
from core.names import readable
from gui.common.changes import Change
from gui.common.notifications import Banner
from gui.common.places import folder_of
from gui.comparison.controller import ComparisonController
from gui.worklist.entry import Entry
from gui.worklist.view import WorklistView

KINDS = (
    "Images and slides (*.dcm *.dicom *.png *.jpg *.jpeg *.tif *.tiff *.bmp *.jp2 *.j2k *.jxl *.webp "
    "*.svs *.ndpi *.mrxs *.scn *.bif *.vms *.vmu);;All files (*)"
)


class FileCommands(QObject):
    """Opens files and edits the worklist.

    Args:
        parent: the window of the file dialogs.
        open_paths: adds files and folders to the worklist.
        listed: the worklist on screen.
        show_list: makes the worklist visible.
        controller: controls the analysis, and continues without files that were removed.
        banner: shows what was removed.
        changes: what can be undone.
    """

    def __init__(
        self,
        parent: QWidget,
        open_paths: Callable[[list[Path]], object],
        listed: WorklistView,
        show_list: Callable[[], object],
        controller: ComparisonController,
        banner: Banner,
        changes: QUndoStack,
    ) -> None:
        super().__init__(parent)
        self._parent, self._open_paths = parent, open_paths
        self._listed, self._show_list = listed, show_list
        self._controller, self._banner = controller, banner
        self._changes = changes
        self._offered = ""  # the banner's words on the last removal, while its button would undo that
        changes.indexChanged.connect(self._withdraw)

    def open(self) -> None:
        """Let a person choose images, and open them."""
        chosen, _kind = QFileDialog.getOpenFileNames(self._parent, "Open images", self._folder(), KINDS)
        if chosen:
            self._open_paths([Path(name) for name in chosen])

    def open_folder(self) -> None:
        """Let a person choose a folder, and open the images in it."""
        chosen = QFileDialog.getExistingDirectory(self._parent, "Open folder", self._folder())
        if chosen:
            self._open_paths([Path(chosen)])

    def open_demonstration(self) -> None:
        """Open the demonstration radiograph."""
        self._open_paths([demonstration_radiograph()])

    def remove_selected(self) -> None:
        """Take the selected files off the worklist."""
        self.remove(self._listed.selected_paths())

    def clear(self) -> None:
        """Take all files off the worklist."""
        self.remove(self._listed.all_paths())

    def remove(self, paths: list[Path]) -> None:
        """Take files off the worklist; they stay on disk."""
        if not paths:
            return
        removed: list[tuple[int, Entry]] = []
        one = len(paths) == 1
        what = readable(paths[0].name) if one else f"{len(paths):,} files"

        def remove() -> None:
            removed[:] = self._listed.remove(paths)
            self._controller.leave_out(paths)

        self._changes.push(Change(f"removing {what}", remove, lambda: self._listed.put_back(removed)))
        stays = "It stays on disk." if one else "They stay on disk."
        self._offered = f"Removed from the worklist: {what}. {stays}"
        self._banner.say(self._offered, button="Undo", action=self._changes.undo)

    def next_disagreement(self) -> None:
        """Choose the next file on which the two models disagree."""
        if not self._listed.next_disagreement():
            self._banner.say("No disagreement is known yet. Analyse all compares the remaining files.")

    def filter(self) -> None:
        """Put the cursor into the worklist's filter."""
        self._show_list()
        self._listed.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def folder(self) -> Path:
        """Return where something is saved unless the person wants it elsewhere: beside the images."""
        return folder_of(self._listed.all_paths())

    def _withdraw(self) -> None:
        """Take the banner on a removal away when its button would undo something else."""
        if self._offered and self._banner.words.text() == self._offered:
            self._banner.hide()
        self._offered = ""

    def _folder(self) -> str:
        path = self._controller.path
        return "" if path is None else str(path.parent)
