"""Export of data: tables, overlays, raw heat maps and DICOM results of many images, into a folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core.exports.format import ExportFormat, Wanted
from core.exports.formats import FORMATS
from core.exports.formats.heat_maps import FORMAT as MAPS
from core.exports.formats.heat_maps import PICTURES, PictureKind
from gui.common import theme
from gui.common.places import folder_of
from gui.common.tooltips import wrapped
from gui.export.base_dialog import OutputDialog
from gui.export.job import Offer

ELSEWHERE = ("report",)  # formats that a dialog of their own writes


def _offered() -> dict[str, ExportFormat | PictureKind]:
    """Return what can be chosen: the formats, and in place of the heat maps each kind of file of them."""
    found: dict[str, ExportFormat | PictureKind] = {}
    for known in FORMATS.values():
        if known is MAPS:
            found |= PICTURES
        elif known.id not in ELSEWHERE:
            found[known.id] = known
    return found


class ExportDialog(OutputDialog):
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
        for kind, what in _offered().items():
            box = QCheckBox(what.title)
            box.setToolTip(wrapped(what.tip))
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

    def _for_dicom(self) -> set[str]:
        """Return the formats that can hold DICOM images only."""
        return {name for name in self.kinds if name in FORMATS and FORMATS[name].for_dicom}

    def _on_changed(self) -> None:
        paths = self.offer.scopes[self.contents.scope]
        dicom = any(path in self.offer.dicom for path in paths)
        for name in self._for_dicom():
            self.kinds[name].setEnabled(dicom)
        self._why_no_dicom.setVisible(not dicom)
        self.export.setEnabled(bool(paths) and bool(self.chosen()) and self.bar.job is None)

    def _export(self) -> None:
        start = folder_of(item.path for item in self.offer.items(self.contents.scope))
        chosen = QFileDialog.getExistingDirectory(self, "Export into this folder", str(start))
        if not chosen:
            return
        folder = Path(chosen) / f"twinlens {datetime.now().astimezone():%Y-%m-%d %H%M%S}"
        kinds = self.chosen()
        items = self.offer.items(self.contents.scope)
        if kinds <= self._for_dicom():  # nothing can be written of the others
            items = [item for item in items if item.path in self.offer.dicom]
        pictures = frozenset(kinds & PICTURES.keys())
        if pictures:
            kinds.add(MAPS.id)
        wanted = Wanted(
            {name: folder / FORMATS[name].name for name in FORMATS if name in kinds},
            pictures=pictures,
            hide_names=self.contents.hide_names.isChecked(),
            with_identity=self.contents.with_identity.isChecked(),
            with_hidden=self.contents.with_hidden.isChecked(),
        )
        self._show_running(True)
        self.bar.write(folder, items, self.offer.words, wanted, new_folder=True)

    def _show_running(self, running: bool) -> None:
        self.contents.setEnabled(not running)
        for box in self.kinds.values():
            box.setEnabled(not running)
        if running:
            self.export.setEnabled(False)
        else:
            self._on_changed()

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
            "All is written into a new folder. Every file states that it is for research use only; the manual's "
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
