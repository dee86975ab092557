"""Thumbnails, made in the background for the rows that are seen, newest wish first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from core.errors import ImageError
from core.images.preprocessing import resize
from core.images.reader import read_image
from gui.common.threads import Worker

SIDE = 96  # pixels, for 48 on screens of twice the density
KEPT = 600
WISHES = 64  # older wishes are of rows that have been scrolled away


class Thumbnails(QObject):
    """Gives the thumbnail of a file, or None while it is being made."""

    ready = Signal(object)  # path
    _made = Signal(object, object)  # path, QImage or None

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[Path, QPixmap | None] = OrderedDict()
        self._wishes: OrderedDict[Path, None] = OrderedDict()
        self._wake = threading.Condition()
        self._closing = False
        self._made.connect(self._keep)
        self._thread = Worker("thumbnails", self.run, self)

    def start(self) -> None:
        """Start the thread."""
        self._thread.begin()

    def close(self, milliseconds: int = 1500) -> bool:
        """Stop the thread; return whether it has ended within a time."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        return self._thread.wait(milliseconds)

    def get(self, path: Path) -> QPixmap | None:
        """Return a file's thumbnail; None while there is none, or where the file can't be opened."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        with self._wake:
            self._wishes[path] = None
            self._wishes.move_to_end(path)
            while len(self._wishes) > WISHES:
                self._wishes.popitem(last=False)
            self._wake.notify()
        return None

    def _keep(self, path: Path, picture: QImage | None) -> None:
        self._kept[path] = None if picture is None else QPixmap.fromImage(picture)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(path)

    def run(self) -> None:
        """Make what is wished for until closed; runs in the thread."""
        while True:
            with self._wake:
                while not (self._wishes or self._closing):
                    self._wake.wait()
                if self._closing:
                    return
                path, _ = self._wishes.popitem()
            if path not in self._kept:  # it may have been wished for again while it was made
                self._made.emit(path, thumbnail(path))


def thumbnail(path: Path) -> QImage | None:
    """Return a file as a square picture of ``SIDE`` pixels, its middle where it is not square; None if it can't be."""
    try:
        image = read_image(path)
    except ImageError:
        return None
    picture = image.square_pixels(image.displayed())
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    picture = resize(picture[top : top + side, left : left + side], SIDE, SIDE)
    pixels = np.ascontiguousarray(np.rint(picture * 255), dtype=np.uint8)
    kind = QImage.Format.Format_Grayscale8 if pixels.ndim == 2 else QImage.Format.Format_RGB888
    return QImage(pixels.data, SIDE, SIDE, pixels.strides[0], kind).copy()
