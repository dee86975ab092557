"""About: what the program is, its version, and whose work it is built on."""

from __future__ import annotations

from importlib import metadata

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from core import __version__
from gui.common import theme, wording
from gui.common.placement import fitted
from gui.common.tables import set_up_table

# what the program stands on, as the packages are called; versions and licences are read from what is installed
PACKAGES = (
    "PySide6-Essentials", "pyqtgraph", "torch", "torchvision", "timm", "ofa", "openvino", "grad-cam", "safetensors",
    "numpy", "scipy", "opencv-python-headless", "pillow", "tifffile", "imagecodecs", "pydicom", "highdicom",
    "reportlab", "uharfbuzz", "python-bidi", "pydantic",
)  # fmt: skip


def installed() -> list[tuple[str, str, str]]:
    """Return name, version and licence of each package that is installed."""
    found = []
    for name in PACKAGES:
        try:
            facts = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        classifiers = [c for c in facts.get_all("Classifier") or [] if c.startswith("License ::")]
        named = [facts[key].strip().split("\n")[0][:60] for key in ("License-Expression", "License") if key in facts]
        licence = next(filter(None, [*named[:1], *(c.rsplit(" :: ", 1)[-1] for c in classifiers), *named]), "")
        found.append((facts["Name"], facts["Version"], licence))
    return found


class AboutDialog(QDialog):
    """Version, purpose and the packages with their licences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Twinlens")
        head = QLabel(f"Twinlens {__version__}")
        theme.styled(head, "title")
        words = QLabel(
            "A large teacher network and the small student distilled from it, side by side on medical images, with "
            "heat maps of both. After arXiv "
            f"2508.15251.\n\n{wording.notice()} Everything "
            "runs on this machine; no image leaves it. Twinlens is under the MIT licence."
        )
        words.setWordWrap(True)
        rows = installed()
        table = QTableWidget(len(rows), 3)
        set_up_table(table, "Packages with version and licence")
        table.setHorizontalHeaderLabels(["Package", "Version", "Licence"])
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                item = QTableWidgetItem(cell)
                item.setToolTip(cell)  # a long licence is seen in part only
                table.setItem(row, column, item)
        table.resizeColumnsToContents()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(16)
        for widget in (head, words, table, buttons):
            page.addWidget(widget)
        self.resize(fitted(self, QSize(760, 560)))
