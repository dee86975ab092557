"""How heat maps and images are shown: the actions of the tool bar, and the controls of the heat map."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from core.explain.rendering import COLOUR_MAPS, ColourMap
from gui.common import theme
from gui.common.icons import icon
from gui.common.input_boxes import ComboBox, Slider
from gui.common.tab_order import in_order
from gui.comparison.image_view import Tool
from gui.comparison.measuring import KINDS


@dataclass(frozen=True)
class Display:
    """What is laid over the images, and how.

    Attributes:
        overlay: whether the heat map is shown.
        contour: whether the outline of its highest 20 % is shown.
        colour_map: the colours of the heat map.
        opacity: opacity of the highest values, in [0, 1].
        threshold: values below it are left out, in [0, 1].
        tool: what a drag with the left button does; it measures only for a while, so that is not remembered.
    """

    overlay: bool = True
    contour: bool = False
    colour_map: ColourMap = "inferno"
    opacity: float = 0.6
    threshold: float = 0.0
    tool: Tool = "pan"

    @classmethod
    def from_settings(cls, settings: dict[str, object], usual: Display | None = None) -> Display:
        """Return the display that settings describe; what they lack or what makes no sense stays as it usually is."""
        kept: dict[str, Any] = {}
        for field in fields(cls):
            value = settings.get(field.name)
            if field.name in ("overlay", "contour"):
                sound = isinstance(value, bool)
            elif field.name == "colour_map":
                sound = value in COLOUR_MAPS
            elif field.name == "tool":
                sound = value in ("pan", "zoom", "window")
            else:
                sound = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
            if sound:
                kept[field.name] = value
        return replace(usual or cls(), **kept)

    def as_settings(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)


COLOURED = Display(overlay=False, contour=True)  # the colours of a heat map would drown a stain


class DisplayControls(QWidget):
    """Colours, opacity and threshold of the heat map, and the actions that change how images are shown.

    Attributes:
        display: what they are set to.
        overlay_action, contour_action: what is laid over the images.
        reset_action: whole image, its own window.
        tool_actions: what the left button does; ``window_level_action``, ``zoom_action`` and ``pan_action`` among them.
    """

    changed = Signal()
    reset_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display = Display()
        self._coloured = False  # whether it is the one of coloured images
        self._other = COLOURED
        self._drawn: list[tuple[QAction, str]] = []  # what has an icon, and which
        self.overlay_action = self._action("Heat map", "I", "overlay", "Show or hide the heat map")
        self.contour_action = self._action("Contour", "C", "contour", "Outline the highest 20 % of the heat map")
        self.reset_action = self._action("Reset view", "Esc", "reset", "Whole image in its own window")
        self.reset_action.triggered.connect(self.reset_asked)
        for toggle in (self.overlay_action, self.contour_action):
            toggle.setCheckable(True)
        tools = QActionGroup(self)
        self.pan_action = self._action("Pan", "T", "pan", "Drag moves the image")
        self.zoom_action = self._action("Zoom", "Z", "zoom", "Drag up or down zooms; so does the wheel")
        self.window_level_action = self._action(
            "Window/level",
            "W",
            "window",
            "Drag changes window (across) and level (down); so does the right button with any tool",
        )
        self.tool_actions: dict[Tool, QAction] = {
            "pan": self.pan_action,
            "zoom": self.zoom_action,
            "window": self.window_level_action,
            "distance": self._action("Distance", "L", "distance", "Drag, or click both ends"),
            "angle": self._action("Angle", "G", "angle", "Click the end of one arm, the corner, the end of the other"),
            "ellipse": self._action("Ellipse", "O", "ellipse", "Drag: mean and deviation of the file's values inside"),
        }
        for action in self.tool_actions.values():
            action.setCheckable(True)
            tools.addAction(action)

        self.colour_maps = ComboBox(self)
        self.colour_maps.setAccessibleName("Colour map")
        theme.styled(self.colour_maps, "small")
        self.colour_maps.setToolTip("Colour map; all but jet are even and safe for colour-blind readers")
        for name in COLOUR_MAPS:
            self.colour_maps.addItem(name.capitalize(), name)
        self.opacity = self._slider("Opacity of the heat map")
        self.threshold = self._slider("Threshold: lower values of the heat map are left out")
        self._lay_out()
        self._show_display()
        for toggle in (self.overlay_action, self.contour_action, *self.tool_actions.values()):
            toggle.toggled.connect(self._read)
        self.colour_maps.currentIndexChanged.connect(self._read)
        for slider in (self.opacity, self.threshold):
            slider.valueChanged.connect(self._read)

    def set_display(self, display: Display) -> None:
        """Set all controls."""
        self.display = display
        self._show_display()
        self.changed.emit()

    def end_measuring(self) -> bool:
        """Let the left button pan again where it measures; return whether it did."""
        measures = self.display.tool in KINDS
        if measures:
            self.pan_action.setChecked(True)
        return measures

    def _read(self) -> None:
        if self._setting:
            return
        self.display = Display(
            overlay=self.overlay_action.isChecked(),
            contour=self.contour_action.isChecked(),
            colour_map=self.colour_maps.currentData(),
            opacity=self.opacity.value() / 100,
            threshold=self.threshold.value() / 100,
            tool=next(tool for tool, action in self.tool_actions.items() if action.isChecked()),
        )
        self.changed.emit()

    def _show_display(self) -> None:
        display = self.display
        self._setting = True  # what changes now is not read back half done
        self.overlay_action.setChecked(display.overlay)
        self.contour_action.setChecked(display.contour)
        self.tool_actions[display.tool].setChecked(True)
        self.opacity.setValue(round(100 * display.opacity))
        self.threshold.setValue(round(100 * display.threshold))
        self.colour_maps.setCurrentIndex(COLOUR_MAPS.index(display.colour_map))
        self._setting = False

    def _action(self, text: str, key: str, picture: str | None, tip: str) -> QAction:
        action = QAction(text, self)
        action.setShortcut(key)
        action.setToolTip(f"{tip} ({key})")
        if picture is not None:
            self._draw(action, picture)
        return action

    def _draw(self, owner: QAction, picture: str) -> None:
        self._drawn.append((owner, picture))
        owner.setIcon(icon(picture))

    def _slider(self, name: str) -> Slider:
        slider = Slider(Qt.Orientation.Horizontal, self)
        slider.setRange(0, 100)
        slider.setPageStep(10)
        slider.setAccessibleName(name)
        slider.setToolTip(name)
        return slider

    def _lay_out(self) -> None:
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setHorizontalSpacing(theme.GRID)
        rows.setVerticalSpacing(4)
        rows.setColumnStretch(1, 1)
        for row, (text, control) in enumerate(
            (("Colours", self.colour_maps), ("Opacity", self.opacity), ("Threshold", self.threshold))
        ):
            label = QLabel(text, self)
            theme.styled(label, "small", "dim")
            label.setBuddy(control)
            rows.addWidget(label, row, 0)
            rows.addWidget(control, row, 1)
        in_order(self.colour_maps, self.opacity, self.threshold)

    def refresh_icons(self) -> None:
        """Draw the icons in the colours of the present theme."""
        for owner, picture in self._drawn:
            owner.setIcon(icon(picture))

    def set_coloured(self, coloured: bool) -> None:
        """Take the display of coloured images, or that of grey ones; the tool stays."""
        if coloured != self._coloured:
            other, self._other, self._coloured = self._other, self.display, coloured
            self.set_display(replace(other, tool=self.display.tool))

    def settings(self) -> dict[str, object]:
        """Return both displays, fit for JSON."""
        grey, coloured = (self._other, self.display) if self._coloured else (self.display, self._other)
        return {**grey.as_settings(), "coloured": coloured.as_settings()}

    def restore(self, settings: dict[str, object]) -> None:
        """Take both displays again; what is missing or makes no sense stays at its default."""
        grey, stored = Display.from_settings(settings), settings.get("coloured")
        coloured = Display.from_settings(stored if isinstance(stored, dict) else {}, COLOURED)
        self._other = grey if self._coloured else coloured
        self.set_display(coloured if self._coloured else grey)
