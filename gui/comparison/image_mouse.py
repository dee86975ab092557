"""The mouse and the keys over an image: they zoom, pan, change the window, step to other images and measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt

if TYPE_CHECKING:
    from pyqtgraph.GraphicsScene.mouseEvents import HoverEvent, MouseClickEvent, MouseDragEvent
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QGraphicsSceneWheelEvent

    from gui.comparison.image_view import ImageView

ZOOM_STEP = 1.2  # a notch of the wheel
NOTCH = 120  # of the wheel, in Qt's units
NEAR = 8  # pixels of the screen within which a line or its end is meant


class ImageBox(pg.ViewBox):  # type: ignore[misc]
    """Turns the mouse into zoom, pan, window and level of its view, steps, measurements and the context menu."""

    def __init__(self, view: ImageView) -> None:
        super().__init__(enableMenu=False, lockAspect=True, invertY=True, defaultPadding=0)
        self._view = view
        self._turned = 0  # of the wheel, what is left of the last whole notch
        self._measures = False  # whether the drag under way does
        self.setAcceptHoverEvents(True)

    def wheelEvent(self, event: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        """Step through images or zoom about the pointer, as the settings say; with Ctrl the other one."""
        event.accept()
        if self._view.wheel_zooms != bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier):
            self._view.zoom(ZOOM_STEP ** (event.delta() / NOTCH), self.mapToView(event.pos()))
            return
        self._turned += event.delta()
        notches = int(self._turned / NOTCH)
        if notches:
            self._turned -= NOTCH * notches
            self._view.stepped.emit(-notches)

    def mouseDragEvent(self, event: MouseDragEvent, axis: int | None = None) -> None:
        """Pan with the middle button, window and level with the right one, and the chosen tool with the left."""
        event.accept()
        if event.button() == Qt.MouseButton.LeftButton:
            if event.isStart():
                self._measures = self._view.press(self.mapToView(event.buttonDownPos()), self._near())
            if self._measures:
                self._view.drag(self.mapToView(event.pos()), event.isFinish())
                return
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

    def mouseClickEvent(self, event: MouseClickEvent) -> None:
        """Set or choose a measurement with the left button; ask for the context menu with the right one."""
        event.accept()
        if event.button() == Qt.MouseButton.LeftButton:
            self._view.click(self.mapToView(event.pos()), self._near())
        elif event.button() == Qt.MouseButton.RightButton:
            self._view.menu_wanted.emit(event.screenPos().toPoint())

    def hoverEvent(self, event: HoverEvent) -> None:
        """Tell the view where the pointer is."""
        if not event.isExit():
            self._view.point(self.mapToView(event.pos()))

    def _near(self) -> float:
        """Return how far away on the plane something is still meant."""
        return float(NEAR * self.viewRect().width() / max(self.width(), 1))


def press_key(view: ImageView, event: QKeyEvent) -> bool:
    """Zoom with plus and minus, pan with the arrows, move the swipe with Shift; return whether the key means one."""
    key, seen = event.key(), view.visible()
    step = 0.1 * seen.width()
    pans = {
        Qt.Key.Key_Left: QPointF(step, 0),
        Qt.Key.Key_Right: QPointF(-step, 0),
        Qt.Key.Key_Up: QPointF(0, step),
        Qt.Key.Key_Down: QPointF(0, -step),
    }
    zooms = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}
    if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
        view.swipe.move(-0.05 if key == Qt.Key.Key_Left else 0.05)
    elif key in pans:
        view.pan(pans[Qt.Key(key)])
    elif key in zooms:
        view.zoom(zooms[Qt.Key(key)], seen.center())
    else:
        return False
    return True
