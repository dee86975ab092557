"""Data to take away: tables, overlays, raw heat maps and DICOM results of many images, into a folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core.exports.batch import Wanted
from gui.common import theme
from gui.export.base_dialog import TakeawayDialog
from gui.export.job import Offer

MAPS = ("overlay", "legend", "npy", "tiff")  # names of core.exports.tables_and_maps.PICTURES


class ExportDialog(TakeawayDialog):
    """Exports into a new folder, so that nothing is overwritten."""

    def __init__(self, offer: Offer, window: QWidget) -> None:
        if offer.choice.cam == "none":  # maps are what is exported here
            ready = offer.ready
            if ready is not None and ready.comparison is not None and ready.comparison.teacher.heat_map is None:
                ready = None
            offer = replace(offer, choice=replace(offer.choice, cam="fast"), ready=ready)
        super().__init__(offer, window)
        self.setWindowTitle("Export data")
        self.kinds: dict[str, QCheckBox] = {}
        for kind, (name, tip) in self._names().items():
            box = QCheckBox(name)
            box.setToolTip(tip)
            box.setChecked(kind in ("csv", "overlay", "legend"))
            box.toggled.connect(self._on_changed)
            self.kinds[kind] = box
        self._why_no_dicom = QLabel("None of these images is a DICOM file, to which DICOM results refer.")
        self._why_no_dicom.setWordWrap(True)
        theme.styled(self._why_no_dicom, "small", "dim")
        self.export = QPushButton("Export…")
        self.export.setDefault(True)
        self.export.clicked.connect(self._export)
        self.leave = QPushButton("Close")
        self.leave.setAutoDefault(False)
        self.leave.clicked.connect(self.reject)
        self.bar.stop_button.setAutoDefault(False)
        self.bar.ended.connect(lambda _written: self._show_running(False))
        self._lay_out()
        self.contents.changed.connect(self._on_changed)
        self._on_changed()

    def chosen(self) -> set[str]:
        """Return what is to be written."""
        return {kind for kind, box in self.kinds.items() if box.isChecked() and box.isEnabled()}

    def _on_changed(self) -> None:
        paths = self.offer.scopes[self.contents.scope]
        dicom = any(path in self.offer.dicom for path in paths)
        self.kinds["dicom"].setEnabled(dicom)
        self._why_no_dicom.setVisible(not dicom)
        self.export.setEnabled(bool(paths) and bool(self.chosen()) and self.bar.job is None)

    def _export(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export into this folder")
        if not chosen:
            return
        folder = Path(chosen) / f"twinlens {datetime.now().astimezone():%Y-%m-%d %H%M%S}"
        kinds = self.chosen()
        items = self.offer.items(self.contents.scope)
        if kinds == {"dicom"}:  # nothing can be written of the others
            items = [item for item in items if item.path in self.offer.dicom]
        maps = frozenset(kinds & set(MAPS))
        wanted = Wanted(
            csv=folder / "twinlens.csv" if "csv" in kinds else None,
            jsonl=folder / "twinlens.jsonl" if "jsonl" in kinds else None,
            pictures=folder / "maps" if maps else None,
            picture_kinds=maps,
            dicom=folder / "dicom" if "dicom" in kinds else None,
            hide_names=self.contents.hide_names.isChecked(),
            with_identity=self.contents.with_identity.isChecked(),
            with_refused=self.contents.with_refused.isChecked(),
        )
        self._show_running(True)
        self.bar.write(folder, items, self.offer.words, wanted)

    def _show_running(self, running: bool) -> None:
        self.contents.setEnabled(not running)
        for box in self.kinds.values():
            box.setEnabled(not running)
        if running:
            self.export.setEnabled(False)
        else:
            self._on_changed()

    def _names(self) -> dict[str, tuple[str, str]]:
        maps = "One file for each model and image, in the folder maps"
        raw = "The heat map as float32 in [0, 1], at the resolution of its layer"
        return {
            "csv": ("Table (CSV)", "A row for each image with everything that was measured"),
            "jsonl": ("Records (JSON lines)", "The same, nested, a line for each image"),
            "overlay": ("Overlays (PNG)", maps),
            "legend": ("Overlays with legend (PNG)", maps),
            "npy": ("Raw heat maps (NumPy)", raw),
            "tiff": ("Raw heat maps (TIFF)", raw),
            "dicom": (
                "DICOM results",
                "Structured Report, Secondary Capture and Parametric Map that refer to the image",
            ),
        }

    def _lay_out(self) -> None:
        what = QVBoxLayout()
        what.setSpacing(6)
        what.addWidget(theme.styled(QLabel("What"), "bold"))
        for box in self.kinds.values():
            what.addWidget(box)
        what.addWidget(self._why_no_dicom)
        what.addStretch(1)
        which = QVBoxLayout()
        which.addWidget(self.contents)
        which.addStretch(1)
        halves = QHBoxLayout()
        halves.setSpacing(48)
        halves.addLayout(which, 1)
        halves.addLayout(what, 1)
        words = QLabel(
            "All is written into a new folder. Every file says that it is for research use only; the manual's "
                    "page on exports explains the columns."
        )  # fmt: skip
        words.setWordWrap(True)
        theme.styled(words, "small", "dim")
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.export)
        buttons.addWidget(self.leave)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(16)
        page.addLayout(halves)
        page.addWidget(words)
        page.addWidget(self.bar)
        page.addLayout(buttons)
        self.setMinimumWidth(640)
