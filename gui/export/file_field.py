"""The file that a report is saved as: a suggestion beside the images, which can be typed over or chosen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from core.names import readable
from gui.common.input_boxes import LineEdit
from gui.common.places import free_file
from gui.common.save_dialog import ask_where, may_replace

TITLE, KIND = "Save report", {"PDF": (".pdf",)}


class FileField(QWidget):
    """A field with a button that chooses another file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._replaced: Path | None = None  # a file that is written over without asking
        self.field = LineEdit()
        self.field.setAccessibleName("File that is saved")
        self.button = QToolButton()
        self.button.setText("…")
        self.button.setAccessibleName("Choose another file")
        self.button.setToolTip("Save elsewhere")
        self.button.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        self.setFocusProxy(self.field)

    def suggest(self, folder: Path, name: str) -> None:
        """Name a file that does not exist yet, unless the person has named one."""
        if not self.field.isModified():
            self._show(free_file(folder, name))

    def confirmed(self) -> Path | None:
        """Return the file, None where it is there and the person wants to keep it."""
        path = Path(self.field.text().strip()).expanduser().absolute()
        if path.suffix.lower() != ".pdf":
            path = path.with_name(f"{path.name}.pdf")
        if path.exists() and path != self._replaced and not may_replace(self, TITLE, path):
            return None
        self._take(path)  # what was written here is written anew the next time
        return path

    def _choose(self) -> None:
        now = Path(self.field.text())
        chosen = ask_where(self, TITLE, now.name, KIND, now.parent)
        if chosen is not None:
            self._take(chosen[0])  # the dialog has asked

    def _take(self, path: Path) -> None:
        self._replaced = path
        self._show(path)
        self.field.setModified(True)

    def _show(self, path: Path) -> None:
        self.field.setText(readable(path))
        self.field.setToolTip(readable(path))
        self.field.setCursorPosition(len(self.field.text()))
