"""The right end of the status line: how far "Analyse all" has come, time left, pause and stop."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from gui.common import theme
from gui.common.icons import icon
from gui.common.wording import duration
from gui.engine.events import BatchProgress


class BatchBar(QWidget):
    """Progress in words and as a line; visible only while "Analyse all" runs.

    Args:
        pause: pauses or resumes.
        cancel: stops.
    """

    def __init__(self, pause: QAction, cancel: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paused = False
        self.words = QLabel()
        theme.styled(self.words, "small", "dim")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(160, 4)
        self.bar.setAccessibleName("Progress of Analyse all")
        self._pause = self._button(pause)
        self._cancel = self._button(cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(8)
        for widget in (self.words, self.bar, self._pause, self._cancel):
            row.addWidget(widget)
        self.show_progress(BatchProgress(0, 0, False, None))

    def show_progress(self, progress: BatchProgress) -> None:
        """Show how far it has come."""
        running = progress.running
        for widget in (self.bar, self._pause, self._cancel):
            widget.setVisible(running)
        self._paused = progress.paused
        self._draw()
        self.bar.setMaximum(max(1, progress.total))
        self.bar.setValue(progress.done)
        if not running:
            self.words.setText("")
            return
        counted = f"{progress.done:,} / {progress.total:,}"
        if progress.failed:
            counted += f", {progress.failed:,} failed"
        if progress.paused:
            self.words.setText(f"Paused at {counted}")
        elif progress.preparing:
            self.words.setText(f"Preparing {progress.preparing} · {counted}")
        elif progress.seconds_left is None:
            self.words.setText(f"Analysing {counted}")
        else:
            left = duration(progress.seconds_left)
            self.words.setText(f"Analysing {counted} · {left} left")

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_cancel"):
            self._draw()

    def _draw(self) -> None:
        self._pause.setIcon(icon("go_on" if self._paused else "pause"))
        self._cancel.setIcon(icon("stop"))

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        theme.styled(button, "slim")
        button.setToolTip(action.toolTip())
        button.setAccessibleName(action.text().replace("&", ""))
        button.clicked.connect(action.trigger)
        return button
