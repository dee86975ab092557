"""The preferences: what a person has set, read and written."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication, Qt

from core.runtimes.base import RuntimeChoice
from core.runtimes.load import runtime_choices
from core.system.paths import data_folder
from gui.common import theme

ThemeChoice = Literal["auto", "dark", "light"]
Wheel = Literal["step", "zoom"]


@dataclass(frozen=True)
class Preferences:
    """What a person has set.

    Attributes:
        theme: ``auto`` follows the system.
        runtime: which runtime computes.
        threads: CPU threads, 0 for the runtime's own choice.
        cam: how a heat map is made at the start: ``fast``, ``exact`` or ``none``.
        maps_in_batch: whether "Analyse all" makes heat maps as well, to measure their overlap.
        history: whether analyses and readings are recorded, and files, selection and recent files remembered.
        wheel: whether the wheel over an image steps through images, as in Weasis, or zooms; with Ctrl it is the other.
        institution: the name at the head of reports.
        reader: the name beside their signature.
    """

    theme: ThemeChoice = "dark"
    runtime: RuntimeChoice = "auto"
    threads: int = 0
    cam: str = "fast"
    maps_in_batch: bool = False
    history: bool = True
    wheel: Wheel = "step"
    institution: str = ""
    reader: str = ""


_ALLOWED: dict[str, tuple[str, ...]] = {
    "theme": get_args(ThemeChoice),
    "runtime": runtime_choices(),
    "cam": ("fast", "exact", "none"),
    "wheel": get_args(Wheel),
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
