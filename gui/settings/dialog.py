"""The dialog in which a person sets the preferences."""

from __future__ import annotations

from typing import cast

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QWidget

from core.errors import WriteError
from core.runtimes.load import RUNTIMES
from core.system.extras import missing_extra
from gui.common import theme
from gui.common.input_boxes import ComboBox, SpinBox
from gui.common.placement import keep_inside
from gui.settings.letterhead import LetterheadBox
from gui.settings.preferences import Preferences, ThemeChoice
from gui.settings.storage_box import StorageBox


class SettingsDialog(QDialog):
    """Lets a person change the preferences; ``preferences`` holds what was chosen."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._theme = self._box({"auto": "As the system", "dark": "Dark", "light": "Light"}, preferences.theme)
        self._runtime = self._box(
            {"auto": "Automatic", **{kind.id: kind.name for kind in RUNTIMES.values()}}, preferences.runtime
        )
        for kind in RUNTIMES.values():
            if kind.extra and (missing := missing_extra(kind.extra, f"The runtime {kind.name}")):
                self._runtime.grey_out(self._runtime.findData(kind.id), str(missing))
        self._cam = self._box(
            {
                "fast": "Score-CAM, fast",
                "exact": "Score-CAM, exact",
                "none": "No heat map",
            },
            preferences.cam,
        )
        self._wheel = self._box(
            {"step": "Next and previous image; zooms with Ctrl", "zoom": "Zooms; next and previous image with Ctrl"},
            preferences.wheel,
        )
        self._threads = SpinBox()
        self._threads.setRange(0, 256)
        self._threads.setSpecialValueText("Automatic")
        self._threads.setValue(preferences.threads)
        self._maps_in_batch = QCheckBox("Measure the overlap of the heat maps as well (slower)")
        self._maps_in_batch.setChecked(preferences.maps_in_batch)
        self._history = QCheckBox("Record analyses and readings; remember files for the next start")
        self._history.setChecked(preferences.history)

        self.letterhead = LetterheadBox(preferences, parent or self)
        self.storage = StorageBox(parent or self)
        form = QFormLayout(self)
        form.setContentsMargins(24, 24, 24, 24)
        form.setSpacing(16)
        form.addRow("&Theme", self._theme)
        form.addRow("&Heat map at the start", self._cam)
        form.addRow("&Wheel over an image", self._wheel)
        form.addRow("Analyse &all", self._maps_in_batch)
        form.addRow("&Runtime", self._runtime)
        form.addRow("CPU th&reads", self._threads)
        form.addRow("Re&ports", self.letterhead)
        form.addRow("H&istory", self._history)
        privacy = QLabel("Everything stays on this machine; no image leaves it.")
        theme.styled(privacy, "small", "dim")
        form.addRow("", privacy)
        form.addRow("Storage", self.storage)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    @property
    def preferences(self) -> Preferences:
        """What is chosen in the dialog."""
        return Preferences(
            theme=cast(ThemeChoice, self._theme.currentData()),
            runtime=self._runtime.currentData(),
            threads=self._threads.value(),
            cam=self._cam.currentData(),
            maps_in_batch=self._maps_in_batch.isChecked(),
            history=self._history.isChecked(),
            wheel=self._wheel.currentData(),
            institution=self.letterhead.institution.text(),
            reader=self.letterhead.reader.text(),
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay inside the screen when what is stored has been measured."""
        super().resizeEvent(event)
        if self.isVisible():
            keep_inside(self)

    def accept(self) -> None:
        """Store the logo, and close; where it can't be written the dialog stays and says why."""
        try:
            self.letterhead.save()
        except WriteError as error:
            self.letterhead.refuse(error)
            return
        super().accept()

    def _box(self, choices: dict[str, str], chosen: str) -> ComboBox:
        box = ComboBox()
        for value, words in choices.items():
            box.addItem(words, value)
        box.setCurrentIndex(box.findData(chosen))
        return box
