"""What is taken away at once, without asking the models again: the worklist as a table, the comparison as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QObject
from PySide6.QtGui import QImage, QImageWriter
from PySide6.QtWidgets import QFileDialog, QWidget

from core.batch import Record
from core.errors import UsageError
from core.export import CsvTable, JsonLines
from core.files import bytes_written_whole, written_whole
from core.history import Review
from core.labels import Labels
from core.outputs import read_by
from gui.background import Background
from gui.notifications import Banner, Notifications
from gui.worklist import Entry


class Exports(QObject):
    """Asks for a file and writes it in the background; a file is there whole or not at all.

    Args:
        window: the window that dialogs belong to.
        banner: where it is said that a file has been written.
        notifications: where errors go.
    """

    def __init__(self, window: QWidget, banner: Banner, notifications: Notifications) -> None:
        super().__init__(window)
        self._window = window
        self._banner = banner
        self._notifications = notifications

    def table(self, entries: list[Entry]) -> None:
        """Write the table of the files that have an answer or a reason why not, as CSV or JSON lines."""
        rows = [(record, entry.review) for entry in entries if (record := entry.record()) is not None]
        if not rows:
            raise UsageError(
                self.tr("Nothing has been analysed yet."), remedy=self.tr("Open images and take Analyse all first.")
            )
        kinds = self.tr("Tables (*.csv);;JSON lines (*.jsonl)")
        path = self._ask(self.tr("Export table"), "twinlens.csv", kinds)
        if path is not None:
            self._write(path, lambda: write_table(path, rows))

    def picture(self, widget: QWidget) -> None:
        """Write the comparison as it stands on the screen."""
        picture = widget.grab().toImage()
        path = self._ask(self.tr("Save picture"), "comparison.png", self.tr("Pictures (*.png)"))
        if path is not None:
            self._write(path, lambda: save_picture(path, picture))

    def _ask(self, title: str, name: str, kinds: str) -> Path | None:
        chosen, kind = QFileDialog.getSaveFileName(self._window, title, name, kinds)
        if not chosen:
            return None
        path = Path(chosen)
        return path if path.suffix else path.with_suffix(".jsonl" if "jsonl" in kind else Path(name).suffix)

    def _write(self, path: Path, job: Callable[[], object]) -> None:
        running = Background(job, self)
        running.done.connect(lambda _result: self._banner.say(self.tr("Written: {0}").format(path)))
        running.failed.connect(self._notifications.show_error)
        running.begin()


def write_table(path: Path, rows: list[tuple[Record, Review]]) -> None:
    """Write records, each with its review, as JSON lines where the file's name ends so, else as CSV.

    Raises:
        WriteError: if the file can't be written.
    """
    labels = Labels()
    tasks = {record["task"] for record, _review in rows if record["task"] is not None}
    with written_whole(path) as file:
        table = JsonLines(file) if path.suffix == ".jsonl" else CsvTable(file, tasks.pop() if len(tasks) == 1 else None)
        for record, review in rows:
            table.add(read_by(record, review, labels))


def save_picture(path: Path, picture: QImage) -> None:
    """Write a picture as PNG.

    Raises:
        WriteError: if the file can't be written.
    """
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(picture)
    with bytes_written_whole(path) as file:
        file.write(buffer.data().data())
