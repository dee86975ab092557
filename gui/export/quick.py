"""Exports that need no models: the worklist as a table, the comparison as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from core.compare.ground_truth import Labels
from core.compare.record import ExportRecord, Record
from core.errors import UsageError
from core.exports.batch import reading_of
from core.exports.format import Result, Wanted
from core.exports.formats import FORMATS
from core.names import path_from, readable
from core.records.review import Review
from core.system.atomic_files import bytes_written_whole
from gui.common.notifications import Banner, Notifications
from gui.common.places import folder_of
from gui.common.save_dialog import ask_where
from gui.common.threads import Background
from gui.comparison.saved_picture import Shown, composed
from gui.worklist.entry import Entry

PICTURE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
OPTIONS: dict[str, dict[str, int | str]] = {
    "JPEG": {"quality": 92, "subsampling": 0},
    "TIFF": {"compression": "tiff_lzw"},
}


class Exports(QObject):
    """Asks for a file and writes it in the background; a file is there whole or not at all.

    Args:
        window: the window that dialogs belong to.
        banner: reports that a file has been written.
        notifications: where errors go.
    """

    def __init__(self, window: QWidget, banner: Banner, notifications: Notifications) -> None:
        super().__init__(window)
        self._window = window
        self._banner = banner
        self._notifications = notifications

    def table(self, entries: list[Entry]) -> None:
        """Write the table of the files that have a prediction or an error, as CSV or JSON lines."""
        rows = [(record, entry.review) for entry in entries if (record := entry.record()) is not None]
        if not rows:
            raise UsageError("Nothing has been analysed yet.", remedy="Open images and take Analyse all first.")
        kinds = {"Tables": (".csv",), "JSON lines": (".jsonl",)}
        place = folder_of(entry.path for entry in entries)
        chosen = ask_where(self._window, "Export table", "twinlens.csv", kinds, place)
        if chosen is not None:
            path, _kind = chosen
            self._write(path, lambda: write_table(path, rows))

    def picture(self, shown: Shown | None) -> None:
        """Write the comparison that is on screen as a picture.

        Raises:
            UsageError: if there is none.
        """
        if shown is None:
            raise UsageError(
                "There is no comparison to save yet.",
                remedy="Open an image and wait for the predictions.",
            )
        kinds = {"PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "TIFF": (".tif", ".tiff")}
        name = f"{shown.image.path.stem} comparison.png"
        chosen = ask_where(self._window, "Save picture", name, kinds, folder_of([shown.image.path]))
        if chosen is not None:
            path, _kind = chosen
            self._write(path, lambda: save_picture(path, composed(shown)))

    def _write(self, path: Path, job: Callable[[], object]) -> None:
        running = Background(job, self)
        running.done.connect(lambda _result: self._banner.say_written(path))
        running.failed.connect(self._notifications.show_error)
        running.begin()


def write_table(path: Path, rows: list[tuple[Record, Review]]) -> None:
    """Write records, each with its review, as JSON lines where the file's name ends so, else as CSV.

    Raises:
        WriteError: if the file can't be written.
    """
    labels = Labels()
    tasks = {record.task for record, _review in rows if record.task is not None}
    wanted = Wanted(task=tasks.pop() if len(tasks) == 1 else None)
    kind = "jsonl" if path.suffix.lower() == ".jsonl" else "csv"
    with FORMATS[kind].open(path, wanted) as write:
        for record, review in rows:
            exported = ExportRecord(record, reading_of(record, review, labels))
            write(Result(path_from(record.path), exported, image=None, shown=None))


def save_picture(path: Path, picture: QImage) -> None:
    """Write a picture in the format that the file's name ends in: PNG, JPEG or TIFF.

    Raises:
        UsageError: if it names another one.
        WriteError: if the file can't be written.
    """
    kind = PICTURE_FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"No picture can be written as {readable(path.name)}.", remedy="Let its name end in .png.")
    plain = picture.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    pixels = rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3)
    with bytes_written_whole(path) as file:
        Image.fromarray(pixels).save(file, kind, **OPTIONS.get(kind, {}))
