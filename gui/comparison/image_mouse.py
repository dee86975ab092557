"""The mouse over an image: wheel and drags become zoom, pan, window and level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from pyqtgraph.GraphicsScene.mouseEvents import HoverEvent, MouseDragEvent
    from PySide6.QtWidgets import QGraphicsSceneWheelEvent

    from gui.comparison.image_view import ImageView

ZOOM_STEP = 1.2  # a notch of the wheel


class ImageBox(pg.ViewBox):  # type: ignore[misc]
    """Turns the mouse into zoom, pan, window and level of its view."""

    def __init__(self, view: ImageView) -> None:
        super().__init__(enableMenu=False, lockAspect=True, invertY=True, defaultPadding=0)
        self._view = view
        self.setAcceptHoverEvents(True)

    def wheelEvent(self, event: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        """Zoom about the pointer."""
        about = self.mapToView(event.pos())
        self._view.zoom(ZOOM_STEP ** (event.delta() / 120), about)
        event.accept()

    def mouseDragEvent(self, event: MouseDragEvent, axis: int | None = None) -> None:
        """Pan with the middle button, window and level with the right one, and the chosen tool with the left."""
        event.accept()
        tool = {Qt.MouseButton.MiddleButton: "pan", Qt.MouseButton.RightButton: "window"}.get(
            event.button(), self._view.tool
        )
        moved = event.scenePos() - event.lastScenePos()  # pixels of the screen
        if tool == "window":
            self._view.drag_window(moved.x(), moved.y())
        elif tool == "zoom":
            self._view.zoom(1.01 ** -moved.y(), self.mapToView(event.buttonDownPos()))
        else:
            self._view.pan(self.mapToView(event.pos()) - self.mapToView(event.lastPos()))

    def hoverEvent(self, event: HoverEvent) -> None:
        """Tell the view where the pointer is."""
        if not event.isExit():
            self._view.point(self.mapToView(event.pos()))
