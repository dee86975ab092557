"""The dialog *Export model*: a model as a file for other programs and small machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.deploy.export import default_folder, missing_packages
from core.deploy.format import ModelFormat, Precision
from core.deploy.formats import MODEL_FORMATS
from core.deploy.wsinfer import suits_wsinfer
from core.models.bundle import Bundle
from core.names import readable
from gui.common import theme
from gui.common.tooltips import wrapped
from gui.export.model_writer import ModelWriter

PRECISION_NAMES: dict[Precision, str] = {
    "float32": "float32: as it is",
    "float16": "float16: half the size",
    "int8": "int8: a quarter of the size, accuracy controlled",
}


class FolderLine(QWidget):
    """A folder that may be chosen, typed or left out."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self._title = title
        self.line = QLineEdit()
        self.line.setPlaceholderText(hint)
        self.line.setAccessibleName(title)
        self.browse = QPushButton("Browse…")
        self.browse.setAutoDefault(False)
        self.browse.setAccessibleName(f"Browse for {title.lower()}")
        self.browse.clicked.connect(self._browse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.browse)
        self.setFocusProxy(self.line)

    @property
    def folder(self) -> str:
        """The folder, empty for none."""
        return self.line.text().strip()

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self._title, self.folder)
        if chosen:
            self.line.setText(chosen)


class ModelExportDialog(QDialog):
    """Asks what is to be written, has it written, and says what was measured of it.

    Args:
        bundles: the models that can be exported.
        first: the identifier of the one that is proposed.
    """

    def __init__(self, bundles: list[Bundle], first: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export model")
        self.setMinimumWidth(680)
        self._bundles = {bundle.id: bundle for bundle in bundles}
        self.writer = ModelWriter(self)
        self.model, self.format, self.precision = QComboBox(), QComboBox(), QComboBox()
        for bundle in bundles:
            self.model.addItem(f"{bundle.name}, {bundle.card.role}: {bundle.id}", bundle.id)
        self.model.setCurrentIndex(max(0, self.model.findData(first)))
        for known in MODEL_FORMATS.values():
            self.format.addItem(f"{known.title}: {known.tip}", known.id)
        self.validation = FolderLine("Validation images", "labelled, not trained on: int8 needs them")
        self.test = FolderLine("Test images", "none: the demonstration radiograph")
        self.scale = QDoubleSpinBox()
        self.scale.setRange(0, 100)
        self.scale.setDecimals(3)
        self.scale.setSpecialValueText("not known")
        self.scale.setToolTip(
            wrapped("Micrometres per pixel of the tiles that it was trained on; WSInfer and QuPath need it")
        )
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAccessibleName("What became of the export")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress")
        self.stop_button, self.export, self.leave = QPushButton("Stop"), QPushButton("Export…"), QPushButton("Close")
        self.export.setDefault(True)
        for button, does in ((self.stop_button, self.stop), (self.export, self._export), (self.leave, self.reject)):
            button.clicked.connect(does)
        self.stop_button.setAutoDefault(False)
        self.leave.setAutoDefault(False)
        self._lay_out()
        self.model.currentIndexChanged.connect(self._on_changed)
        self.format.currentIndexChanged.connect(self._on_format)
        self.precision.currentIndexChanged.connect(self._on_changed)
        self.validation.line.textChanged.connect(self._on_changed)
        self.writer.said.connect(self._say)
        self.writer.written.connect(self._on_written)
        self.writer.failed.connect(self._on_failed)
        self._show_running(False)
        self._on_format()

    @property
    def bundle(self) -> Bundle:
        """The chosen model."""
        return self._bundles[self.model.currentData()]

    @property
    def made(self) -> ModelFormat:
        """The chosen format."""
        return MODEL_FORMATS[self.format.currentData()]

    def stop(self) -> None:
        """Stop what is under way; nothing is left of it."""
        self.writer.stop()

    def done(self, result: int) -> None:
        """Close, once the process has ended."""
        self.stop()
        super().done(result)

    def _on_format(self) -> None:
        before = self.precision.currentData()
        self.precision.clear()
        for precision in self.made.precisions:
            self.precision.addItem(PRECISION_NAMES[precision], precision)
        self.precision.setCurrentIndex(max(0, self.precision.findData(before)))
        self._on_changed()

    def _on_changed(self) -> None:
        precision = self.precision.currentData()
        if precision is None or self.writer.busy:
            return
        is_int8 = precision == "int8"
        self.validation.setEnabled(is_int8)
        self._form.setRowVisible(self.scale, self.made.id == "torchscript" and suits_wsinfer(self.bundle.card))
        missing = missing_packages(self.made, precision)
        self._say("" if missing is None else f"⚠ {missing}", "dim" if missing is None else "warning")
        self.export.setEnabled(missing is None and bool(self.validation.folder or not is_int8))

    def _export(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export into this folder")
        if not chosen:
            return
        precision: Precision = self.precision.currentData()
        folder = Path(chosen) / default_folder(self.bundle, self.made, precision)
        words = ["--to", self.made.id, "--precision", precision]
        if precision == "int8":
            words += ["--validation", self.validation.folder]
        if self.test.folder:
            words += ["--test", self.test.folder]
        if not self.scale.isHidden() and self.scale.value():
            words += ["--um-per-pixel", str(self.scale.value())]
        self._say("Starting")
        self.writer.write([str(self.bundle.directory), *words], folder)
        self._show_running(True)

    def _on_written(self, found: dict[str, Any]) -> None:
        compared = found["compared"]
        lines = [
            f"Written: {readable(found['folder'])}",
            f"{found['bytes'] / 1e6:.1f} MB (as float32 {found['bytes_float32'] / 1e6:.1f} MB). "
            f"Same class on {compared['same_class']} of {compared['images']} images; probabilities differ by at most "
            f"{compared['largest_probability_difference']:.2g}.",
        ]
        lines += [
            f"Accuracy on {scored['images']} images ({scored['source']}): {100 * scored['accuracy']:.2f} %, "
            f"before {100 * scored['accuracy_before']:.2f} %."
            for scored in found["scored"]
        ]
        self._show_running(False)
        self._say("\n".join([*lines, *found["notices"]]))

    def _on_failed(self, reason: str) -> None:
        self._show_running(False)
        self._say(f"⚠ {reason}" if reason else "Stopped. Nothing was written.", "warning" if reason else "dim")

    def _say(self, words: str, look: str = "dim") -> None:
        self.words.setText(words)
        theme.styled(self.words, "small", look)

    def _show_running(self, running: bool) -> None:
        self.bar.setVisible(running)
        self.stop_button.setVisible(running)
        for widget in self._inputs:
            widget.setEnabled(not running)
        if not running:
            self._on_changed()

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(3 * theme.GRID)
        self._form.setVerticalSpacing(theme.GRID)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: dict[str, QWidget] = {
            "&Model": self.model, "&Format": self.format, "&Precision": self.precision,
            "&Validation images": self.validation, "&Test images": self.test, "µm per pi&xel": self.scale,
        }  # fmt: skip
        for name, widget in rows.items():
            self._form.addRow(name, widget)
        self._inputs = [*rows.values(), self.export]
        about = QLabel(
            "The file is run and compared with the model on real images before it is called done. The gate for images "
            "outside the training data and the heat maps stay in Twinlens."
        )
        about.setWordWrap(True)
        theme.styled(about, "small", "dim")
        buttons = QHBoxLayout()
        buttons.addWidget(self.stop_button)
        buttons.addStretch(1)
        buttons.addWidget(self.export)
        buttons.addWidget(self.leave)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(16)
        page.addLayout(self._form)
        page.addWidget(about)
        page.addWidget(self.bar)
        page.addWidget(self.words)
        page.addLayout(buttons)
