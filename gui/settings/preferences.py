"""What the program remembers, and the dialog in which a person sets it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, cast, get_args

from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication, Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QWidget

from core.runtimes.base import RUNTIME_CHOICES, RuntimeChoice
from core.system.paths import data_folder
from gui.common import theme
from gui.common.input_boxes import ComboBox, SpinBox
from gui.settings.storage_box import KeptBox

ThemeChoice = Literal["auto", "dark", "light"]


@dataclass(frozen=True)
class Preferences:
    """What a person has set.

    Attributes:
        theme: ``auto`` follows the system.
        runtime: which runtime computes.
        threads: CPU threads, 0 for the runtime's own choice.
        cam: how a heat map is made at the start: ``fast``, ``exact`` or ``none``.
        maps_in_batch: whether "Analyse all" makes heat maps as well, to measure their overlap.
        history: whether analyses and reviews are recorded, and files, selection and recent files remembered.
    """

    theme: ThemeChoice = "dark"
    runtime: RuntimeChoice = "auto"
    threads: int = 0
    cam: str = "fast"
    maps_in_batch: bool = False
    history: bool = True


_ALLOWED: dict[str, tuple[str, ...]] = {
    "theme": get_args(ThemeChoice),
    "runtime": RUNTIME_CHOICES,
    "cam": ("fast", "exact", "none"),
}


def store() -> QSettings:
    """Return the file in which the program remembers, in the user's data folder."""
    return QSettings(str(data_folder() / "settings.ini"), QSettings.Format.IniFormat)


def read_preferences(settings: QSettings) -> Preferences:
    """Return what was set; what is missing or not allowed has its default."""
    found: dict[str, Any] = {}
    for item in fields(Preferences):
        value = settings.value(f"preferences/{item.name}", item.default, type=type(item.default))
        found[item.name] = value if value in _ALLOWED.get(item.name, (value,)) else item.default
    found["threads"] = min(max(found["threads"], 0), 256)
    return Preferences(**found)


def write_preferences(settings: QSettings, preferences: Preferences) -> None:
    """Remember what was set."""
    for item in fields(Preferences):
        settings.setValue(f"preferences/{item.name}", getattr(preferences, item.name))


def resolved_theme(choice: ThemeChoice) -> theme.Theme:
    """Return the theme that a choice means on this system."""
    if choice == "auto":
        scheme = QGuiApplication.styleHints().colorScheme()
        return "light" if scheme == Qt.ColorScheme.Light else "dark"
    return choice


class SettingsDialog(QDialog):
    """Lets a person change the preferences; ``preferences`` holds what was chosen."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._theme = self._box({"auto": "As the system", "dark": "Dark", "light": "Light"}, preferences.theme)
        self._runtime = self._box(
            {"auto": "The fastest that agrees", "openvino": "OpenVINO", "torch": "torch"}, preferences.runtime
        )
        self._cam = self._box(
            {
                "fast": "Score-CAM, fast",
                "exact": "Score-CAM, exact",
                "none": "No heat map",
            },
            preferences.cam,
        )
        self._threads = SpinBox()
        self._threads.setRange(0, 256)
        self._threads.setSpecialValueText("Automatic")
        self._threads.setValue(preferences.threads)
        self._maps_in_batch = QCheckBox("Measure the overlap of the heat maps as well (slower)")
        self._maps_in_batch.setChecked(preferences.maps_in_batch)
        self._history = QCheckBox("Record analyses and reviews; remember files for the next start")
        self._history.setChecked(preferences.history)

        self.kept = KeptBox(parent or self)
        form = QFormLayout(self)
        form.setContentsMargins(24, 24, 24, 24)
        form.setSpacing(16)
        form.addRow("&Theme", self._theme)
        form.addRow("&Heat map at the start", self._cam)
        form.addRow("Analyse &all", self._maps_in_batch)
        form.addRow("&Runtime", self._runtime)
        form.addRow("CPU th&reads", self._threads)
        form.addRow("H&istory", self._history)
        privacy = QLabel("Everything stays on this machine; no image leaves it.")
        theme.styled(privacy, "small", "dim")
        form.addRow("", privacy)
        form.addRow("Kept here", self.kept)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    @property
    def preferences(self) -> Preferences:
        """What is chosen in the dialog."""
        return Preferences(
            theme=cast(ThemeChoice, self._theme.currentData()),
            runtime=cast(RuntimeChoice, self._runtime.currentData()),
            threads=self._threads.value(),
            cam=self._cam.currentData(),
            maps_in_batch=self._maps_in_batch.isChecked(),
            history=self._history.isChecked(),
        )

    def _box(self, choices: dict[str, str], chosen: str) -> ComboBox:
        box = ComboBox()
        for value, words in choices.items():
            box.addItem(words, value)
        box.setCurrentIndex(box.findData(chosen))
        return box
