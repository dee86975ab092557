"""The actions that change how an image is seen: zoom, turning, inversion, windows, magnifier, measurements."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QInputDialog, QWidget

from gui.comparison.image_pair import ImagePair
from gui.comparison.image_view import ImageView
from gui.comparison.presets import FIXED, MOST, Preset, presets_of
from gui.engine.image_pyramid import ScreenPicture

Change = Callable[[ImagePair], object]
LEAST_ZOOM, MOST_ZOOM = 1, 20_000  # per cent that can be typed; the view has bounds of its own
# what each does to a pair, by name, with its words
CHANGES: dict[str, tuple[str, Change]] = {
    "fit": ("Fit to the window", ImagePair.fit),
    "actual_size": ("Actual pixels (100 %)", lambda pair: pair.zoom_to(100)),
    "invert": ("Invert", ImagePair.invert),
    "rotate_right": ("Rotate right", lambda pair: pair.turn(lambda now: now.rotated(1))),
    "rotate_left": ("Rotate left", lambda pair: pair.turn(lambda now: now.rotated(-1))),
    "flip_across": ("Flip left to right", lambda pair: pair.turn(lambda now: now.flipped(across=True))),
    "flip_down": ("Flip top to bottom", lambda pair: pair.turn(lambda now: now.flipped(across=False))),
    "delete_measurement": ("Delete measurement", lambda pair: pair.measurements.delete()),
}


class ViewingActions(QObject):
    """Actions for menus and keys; what they change is emitted, and whoever holds the images does it.

    Args:
        parent: the window of their dialog.

    Attributes:
        changes: those of ``CHANGES``.
        zoom_percent: asks for the zoom.
        magnifier: whether a glass follows the pointer.
        presets: windows by number; those that the image does not have are hidden.
        linked: whether two images in one layout move together.
        keep_below: keeps the image on screen as the second one.
    """

    wanted = Signal(object)  # Change: what is to be done to each image that is meant

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self._presets: list[Preset] = []
        self.changes: dict[str, QAction] = {}
        for name, (words, change) in CHANGES.items():
            action = QAction(words, self)
            action.triggered.connect(lambda _checked=False, change=change: self.wanted.emit(change))
            self.changes[name] = action
        self.zoom_percent = QAction("Zoom in per cent…", self)
        self.zoom_percent.triggered.connect(lambda: self.wanted.emit(self._ask_zoom))
        self.magnifier = self._toggle("Magnifier", "A round glass under the pointer, without the heat map")
        self.linked = self._toggle("Link both images", "Zoom, position and turning of both images move together")
        self.linked.setChecked(True)
        self.keep_below = QAction("Keep as second image", self)
        self.presets = [QAction(f"Window preset {number}", self) for number in range(1, MOST + 1)]
        for number, action in enumerate(self.presets):
            action.triggered.connect(lambda _checked=False, number=number: self._take_preset(number))
        self.show_picture(None)

    def show_picture(self, picture: ScreenPicture | None) -> None:
        """Offer the windows of an image."""
        self._presets = presets_of(picture)
        for number, action in enumerate(self.presets):
            there = number < len(self._presets)
            action.setVisible(there)
            action.setEnabled(there)
            if there and number >= FIXED:  # the others have their names from the table of commands
                action.setText(self._presets[number].name.replace("&", "&&"))
                action.setToolTip(f"{self._presets[number].tip} ({number + 1})")

    def has_preset(self, number: int) -> bool:
        """Return whether the image has so many windows."""
        return number <= len(self._presets)

    def _take_preset(self, number: int) -> None:
        """Show each image in its own window of this number, as far as it has one."""

        def change(pair: ImagePair) -> None:
            windows = presets_of(pair.picture)
            if number < len(windows):
                pair.each(lambda view: view.set_window(windows[number].window))

        self.wanted.emit(change)

    def _ask_zoom(self, pair: ImagePair) -> None:
        now = round(pair.view.zoom_percent)
        percent, chosen = QInputDialog.getInt(
            self._parent, "Zoom", "Pixels of the screen for 100 of the image (per cent)", now, LEAST_ZOOM, MOST_ZOOM
        )
        if chosen:
            pair.zoom_to(percent)

    def magnify(self, views: tuple[ImageView, ...]) -> None:
        """Let views have a glass or none, as is chosen."""
        for view in views:
            view.magnifies = self.magnifier.isChecked()
            view.mark(None)

    def _toggle(self, words: str, tip: str) -> QAction:
        action = QAction(words, self)
        action.setCheckable(True)
        action.setToolTip(tip)
        return action
