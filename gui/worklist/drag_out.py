"""Files that are dragged out of the worklist into other programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, Qt, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication

from core.names import readable
from gui.worklist.view import WorklistView


class DragOut(QObject):
    """Starts a drag where the mouse is pressed on a row and moved; the files are offered to be copied, never moved.

    Args:
        listed: the worklist on screen.
    """

    def __init__(self, listed: WorklistView) -> None:
        super().__init__(listed)
        self._listed = listed
        self._pressed: QPoint | None = None  # where, while a drag may come of it
        listed.list.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the mouse over the rows."""
        if isinstance(event, QMouseEvent):
            if event.type() == QEvent.Type.MouseButtonPress:
                at = event.position().toPoint()
                on_row = event.button() == Qt.MouseButton.LeftButton and self._listed.list.indexAt(at).isValid()
                self._pressed = at if on_row else None
            elif event.type() == QEvent.Type.MouseMove and self._pressed is not None and event.buttons():
                far = (event.position().toPoint() - self._pressed).manhattanLength()
                if far >= QApplication.startDragDistance():
                    self._pressed = None
                    self.start()
                return True
            elif event.type() == QEvent.Type.MouseButtonRelease:
                self._pressed = None
        return super().eventFilter(watched, event)

    def start(self) -> None:
        """Drag the files that are selected."""
        drag = QDrag(self._listed)
        drag.setMimeData(files_to_copy(self._listed.selected_paths()))
        drag.exec(Qt.DropAction.CopyAction)


def files_to_copy(paths: Iterable[Path]) -> QMimeData:
    """Return files as other programs take them: as files, or as their paths."""
    paths = list(paths)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    data.setText("\n".join(readable(path) for path in paths))
    return data
