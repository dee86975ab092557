"""Writes reports and exports in a worker, and shows the progress, the time left and a button that stops it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.compare.session import Interrupted
from core.errors import TwinlensError
from core.exports.format import Wanted
from core.names import readable
from gui.common import theme
from gui.common.reveal import open_file, show_in_folder
from gui.common.threads import Background
from gui.common.wording import duration
from gui.export.job import Item, Source, write_results

REMARKS_SHOWN = 4


class ExportBar(QWidget):
    """One job at a time.

    Args:
        source: compares.
        owner: lives at least as long as a job, e.g. the window.
    """

    ended = Signal(bool)  # whether all was written
    failed = Signal(object)  # an unexpected error
    _told = Signal(int, int, object)

    def __init__(self, source: Source, owner: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source, self._owner = source, owner
        self.job: Background | None = None
        self._target = Path()
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Progress")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress")
        self.stop_button = QPushButton("Stop")
        self.stop_button.clicked.connect(self.stop)
        self.open_button = self._button("Open", open_file)
        self.folder_button = self._button("Show in folder", show_in_folder)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.bar, 1)
        line.addWidget(self.stop_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.words)
        column.addLayout(line)
        after = QHBoxLayout()
        after.setSpacing(8)
        after.addWidget(self.open_button)
        after.addWidget(self.folder_button)
        after.addStretch(1)
        column.addLayout(after)
        self._told.connect(self._on_told)
        self._show_running(False)

    def write(
        self, target: Path, items: Sequence[Item], words: dict[Path, str], wanted: Wanted, *, new_folder: bool = False
    ) -> None:
        """Begin; the message at the end names ``target``, which may be a folder that is made first."""
        self._target = target
        folder = target if new_folder else None
        job = Background(
            lambda: write_results(
                self._source, items, words, wanted, self._told.emit, job.isInterruptionRequested, folder
            ),
            self._owner,
        )
        job.done.connect(self._on_done)
        job.failed.connect(self._on_failed)
        self.job = job
        self.bar.setMaximum(0 if len(items) == 1 else len(items))
        self.bar.setValue(0)
        self._say("Writing…")
        self._show_running(True)
        job.begin()

    def _button(self, words: str, act: Callable[[Path], None]) -> QPushButton:
        button = QPushButton(words)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: act(self._target))
        return button

    def stop(self) -> None:
        """Stop after the batch of forwards that is under way."""
        if self.job is not None:
            self.job.requestInterruption()
            self._say("Stopping…")

    def _on_told(self, done: int, total: int, left: float | None) -> None:
        self.bar.setValue(done)
        if done < total:
            words = f"{done:,} of {total:,} images"
            self._say(words if left is None else f"{words} · {duration(left)} left")

    def _on_done(self, remarks: list[str]) -> None:
        lines = [f"Written: {readable(self._target)}", *remarks[:REMARKS_SHOWN]]
        if len(remarks) > REMARKS_SHOWN:
            lines.append(f"… and {len(remarks) - REMARKS_SHOWN} more remarks")
        self._say("\n".join(lines))
        self._end(True)

    def _on_failed(self, error: BaseException) -> None:
        if isinstance(error, Interrupted):
            self._say("Stopped. Unfinished tables and reports were not written.")
        elif isinstance(error, TwinlensError):
            self._say(f"⚠ {error}", "warning")
        else:
            self._say("⚠ " + "Something went wrong; nothing was written.", "warning")
            self.failed.emit(error)
        self._end(False)

    def _end(self, written: bool) -> None:
        self.job = None
        self._show_running(False)
        for button in (self.open_button, self.folder_button):
            button.setVisible(written)
        self.ended.emit(written)

    def _say(self, words: str, *looks: str) -> None:
        self.words.setText(words)
        theme.styled(self.words, "small", *(looks or ("dim",)))

    def _show_running(self, running: bool) -> None:
        for button in (self.open_button, self.folder_button):
            button.setVisible(False)
        self.bar.setVisible(running)
        self.stop_button.setVisible(running)
