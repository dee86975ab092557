"""The commands that copy, paste and print pictures, and show a file in its folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPageLayout, QPainter
from PySide6.QtWidgets import QDialog, QWidget

from core.errors import UsageError, WriteError
from core.system.cache import PASTED_IMAGES
from gui.common.notifications import Banner
from gui.common.reveal import show_in_folder
from gui.comparison.controller import ComparisonController
from gui.comparison.saved_picture import Shown, composed

if TYPE_CHECKING:
    from PySide6.QtPrintSupport import QPrinter


class PictureCommands(QObject):
    """Pictures between this program and others.

    Args:
        parent: the window of the dialogs.
        open_paths: adds files to the worklist.
        controller: knows the file on screen.
        banner: reports what was copied.
    """

    def __init__(
        self,
        parent: QWidget,
        open_paths: Callable[[list[Path]], object],
        controller: ComparisonController,
        banner: Banner,
    ) -> None:
        super().__init__(parent)
        self._parent, self._open_paths = parent, open_paths
        self._controller, self._banner = controller, banner

    def copy(self, shown: Shown | None) -> None:
        """Put the comparison on screen on the clipboard, as it would be saved.

        Raises:
            UsageError: if there is none.
        """
        QGuiApplication.clipboard().setImage(composed(_demanded(shown)))
        self._banner.say("Copied: picture of the comparison.")

    def paste(self) -> None:
        """Open the files or the picture that are on the clipboard.

        Raises:
            UsageError: if there are none.
            WriteError: if the picture can't be written to the disk.
        """
        clipboard = QGuiApplication.clipboard()
        data, image = clipboard.mimeData(), clipboard.image()
        urls = [] if data is None else data.urls()  # there is none where the clipboard was cleared
        files = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        if files:
            self._open_paths(files)
        elif not image.isNull():
            self._open_paths([pasted_file(image)])
        else:
            raise UsageError("There is no image on the clipboard.", remedy="Copy a picture or a file first.")

    def print(self, shown: Shown | None) -> None:
        """Print the comparison on screen, as it would be saved, on a page.

        Raises:
            UsageError: if there is none.
        """
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter  # not needed to start

        picture = composed(_demanded(shown))
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setPageOrientation(QPageLayout.Orientation.Landscape)
        if QPrintDialog(printer, self._parent).exec() == QDialog.DialogCode.Accepted:
            print_picture(picture, printer)

    def show_in_folder(self) -> None:
        """Show the file on screen in its folder.

        Raises:
            UsageError: if nothing is open, or the folder can't be shown.
        """
        if self._controller.path is None:
            raise UsageError("No image is open.", remedy="Open an image first.")
        show_in_folder(self._controller.path)


def pasted_file(image: QImage) -> Path:
    """Write a picture from the clipboard to the disk, pixel for pixel, and return where; the same picture once.

    Raises:
        WriteError: if it can't be written.
    """
    grey = image.allGray()
    plain = image.convertToFormat(QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    pixels = rows[:, : plain.width() * (1 if grey else 3)]  # without what pads the rows
    digest = hashlib.sha256(f"{plain.width()} {grey} ".encode() + pixels.tobytes()).hexdigest()
    name = f"pasted-{digest[:12]}.png"
    if (found := PASTED_IMAGES.find(name)) is not None:
        return found
    with PASTED_IMAGES.new(name) as path:
        if not plain.save(str(path), "PNG"):  # type: ignore[call-overload]  # PySide's stubs want bytes
            raise WriteError("The picture can't be written.", path=path, remedy="Free space on the disk.")
    return PASTED_IMAGES.entry(name)


def print_picture(picture: QImage, printer: QPrinter) -> None:
    """Print a picture as large as the page allows.

    Raises:
        UsageError: if the printer does not take it.
    """
    painter = QPainter()
    if not painter.begin(printer):
        raise UsageError("The printer can't be used.", remedy="Choose another printer.")
    page = QRectF(painter.viewport())
    size = picture.size().scaled(page.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(QRectF((page.width() - size.width()) / 2, 0, size.width(), size.height()), picture)
    painter.end()


def _demanded(shown: Shown | None) -> Shown:
    if shown is None:
        raise UsageError("There is no comparison yet.", remedy="Open an image and wait for the predictions.")
    return shown
