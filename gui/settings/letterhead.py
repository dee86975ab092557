"""Institution, reader and logo of the reports: a part of the settings, and how they are remembered."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from core.errors import ImageError, TwinlensError, UsageError
from core.reports.letterhead import LONGEST, REMEDY, Letterhead, letterhead, logo_png, read_bounded
from core.system.atomic_files import bytes_written_whole, make_folder
from core.system.paths import data_folder
from gui.common import theme
from gui.common.input_boxes import LineEdit
from gui.common.threads import Background
from gui.settings.preferences import Preferences

SEEN = 40  # height of the logo in the settings, logical pixels
KINDS = "Logos (*.png *.svg *.jpg *.jpeg)"


def logo_file() -> Path:
    """Return where the logo is stored."""
    return data_folder() / "logo.png"


def read_letterhead(preferences: Preferences) -> Letterhead:
    """Return what stands on reports; a logo that can't be read is left out."""
    logo = logo_file() if logo_file().is_file() else None
    try:
        return letterhead(preferences.institution, preferences.reader, logo)
    except UsageError:
        return letterhead(preferences.institution, preferences.reader, None)


def read_logo(path: Path) -> bytes:
    """Return a PNG, JPEG or SVG file as a PNG on white.

    Raises:
        ImageError: if it can't be read, is too large or of another kind.
    """
    data = read_bounded(path)
    return logo_png(_drawn(data, path) if path.suffix.lower() == ".svg" else data, path)


def _drawn(data: bytes, path: Path) -> bytes:
    """Return an SVG drawing as a PNG file of ``LONGEST`` pixels."""
    drawing = QSvgRenderer()
    drawing.load(QByteArray(data))
    shape = drawing.viewBoxF().size() if drawing.viewBoxF().isValid() else drawing.defaultSize().toSizeF()
    if not drawing.isValid() or shape.isEmpty():
        raise ImageError("The logo is no SVG drawing that can be shown.", path=path, remedy=REMEDY)
    size = shape.scaled(LONGEST, LONGEST, Qt.AspectRatioMode.KeepAspectRatio).toSize()
    picture = QImage(max(1, size.width()), max(1, size.height()), QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    drawing.render(painter, QRectF(picture.rect()))
    painter.end()
    written = QBuffer()
    written.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(written, "PNG")  # type: ignore[call-overload]
    return bytes(written.data().data())


class LetterheadBox(QWidget):
    """Two fields, and the logo with buttons that choose and remove it; what is chosen counts once it is saved.

    Args:
        preferences: what is set now.
        owner: lives at least as long as the workers, e.g. the window.
    """

    def __init__(self, preferences: Preferences, owner: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._owner = owner
        self._logo = read_letterhead(preferences).logo
        self._changed = False
        self.institution = self._field("Institution", preferences.institution, "Department or hospital")
        self.reader = self._field("Reader", preferences.reader, "Who reads the images")
        self.picture = QLabel()
        self.picture.setAccessibleName("Logo")
        self.choose = QPushButton("Logo…")
        self.choose.setToolTip("A PNG, SVG or JPEG file of at most 5 MB")
        self.remove = QPushButton("Remove")
        self.remove.setAccessibleName("Remove the logo")
        self.words = QLabel()
        self.words.setWordWrap(True)
        theme.styled(self.words, "small", "warning")
        self.choose.clicked.connect(self._choose)
        self.remove.clicked.connect(lambda: self._take(None))
        for button in (self.choose, self.remove):
            button.setAutoDefault(False)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        for widget in (self.choose, self.remove, self.picture):
            row.addWidget(widget)
        row.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.GRID)
        grid.setVerticalSpacing(4)
        for column, field in enumerate((self.institution, self.reader)):
            name = QLabel(field.accessibleName())
            grid.addWidget(theme.styled(name, "small", "dim"), 0, column)
            grid.addWidget(field, 1, column)
        grid.addLayout(row, 2, 0, 1, 2)
        grid.addWidget(self.words, 3, 0, 1, 2)
        self._show()

    def take_file(self, path: Path) -> None:
        """Read a logo in a worker; what is wrong with it is shown here."""
        self.words.setText("")
        job = Background(lambda: read_logo(path), self._owner)
        job.done.connect(self._take)
        job.failed.connect(self.refuse)
        job.begin()

    def save(self) -> None:
        """Store the logo, or remove the one that is stored.

        Raises:
            WriteError: if it can't be written.
        """
        if not self._changed:
            return
        if self._logo is None:
            logo_file().unlink(missing_ok=True)
            return
        make_folder(data_folder())
        with bytes_written_whole(logo_file()) as file:
            file.write(self._logo)

    def _field(self, name: str, value: str, hint: str) -> LineEdit:
        field = LineEdit()
        field.setText(value)
        field.setAccessibleName(name)
        field.setPlaceholderText(hint)
        field.setMaxLength(120)
        return field

    def _choose(self) -> None:
        chosen, _kind = QFileDialog.getOpenFileName(self, "Choose a logo", "", KINDS)
        if chosen:
            self.take_file(Path(chosen))

    def _take(self, logo: bytes | None) -> None:
        self._logo, self._changed = logo, True
        self.words.setText("")
        self._show()

    def refuse(self, error: BaseException) -> None:
        """Say what is wrong with a logo.

        Raises:
            BaseException: the error itself where it is not meant to be read.
        """
        if not isinstance(error, TwinlensError):
            raise error
        self.words.setText(f"⚠ {error}")
        self._show()

    def _show(self) -> None:
        self.words.setVisible(bool(self.words.text()))
        self.remove.setEnabled(self._logo is not None)
        self.picture.setVisible(self._logo is not None)
        if self._logo is not None:
            drawn, scale = QPixmap(), self.devicePixelRatioF()
            drawn.loadFromData(self._logo)
            height = round(SEEN * scale)
            drawn = drawn.scaledToHeight(height, Qt.TransformationMode.SmoothTransformation)
            drawn.setDevicePixelRatio(scale)
            self.picture.setPixmap(drawn)
