"""The page on drift: the weeks of the history beside its first ones, a chart for each figure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.models.architectures import model_name
from core.monitoring.monitor import Rule, Stream, monitor_history
from core.monitoring.quantities import QUANTITIES
from core.records.history import History
from core.tasks import TASKS
from gui.common import theme
from gui.common.input_boxes import ComboBox
from gui.common.placement import fitted
from gui.common.wording import plural
from gui.monitor.chart import TrendChart

COLUMNS = 3
SHOWN = 4  # alarms that are listed

Ask = Callable[[Callable[[History], Any], Callable[[Any], object]], object]


class MonitorView(QDialog):
    """Shows whether the analyses change over the weeks.

    Args:
        ask: has something done with the history in its thread, and hands the result over in the window's.
        parent: the window.
    """

    drawn = Signal()  # all charts of a stream

    def __init__(self, ask: Ask, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Monitoring")
        self.resize(fitted(self, QSize(1180, 800)))
        self._alive = True
        self._rule = Rule()
        self._streams: list[Stream] = []
        self.stream_box = ComboBox()
        self.stream_box.setAccessibleName("Task and models")
        self.stream_box.currentIndexChanged.connect(lambda _index: self._show())
        self.words = _label("dim")
        self.alarms = _label("warning")
        self.alarms.setAccessibleName("Alarms")
        rule = _label("small", "dim")
        rule.setText(f"{self._rule.words()} Rings mark alarms; the dashed line is the reference.")
        self.charts: list[TrendChart] = []
        self._drawn = 0  # of the charts
        self._drawing = QTimer(self, interval=0)  # one chart at a time, so that the window stays awake
        self._drawing.timeout.connect(self._draw_next)
        self._inside = QWidget()
        self._grid = grid = QGridLayout(self._inside)
        grid.setContentsMargins(theme.GRID, theme.GRID, theme.GRID, 0)
        grid.setHorizontalSpacing(3 * theme.GRID)
        grid.setVerticalSpacing(2 * theme.GRID)
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        area = QScrollArea()
        area.setWidget(self._inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        page = QVBoxLayout(self)
        page.setContentsMargins(*[3 * theme.GRID] * 4)
        page.setSpacing(theme.GRID)
        for widget in (self.stream_box, self.words, self.alarms):
            page.addWidget(widget)
        page.addWidget(area, 1)
        page.addWidget(rule)
        page.addWidget(buttons)
        self.words.setText("Reading the history …")
        self._show_charts(False)
        ask(lambda history: monitor_history(history, self._rule), self._on_found)

    def done(self, result: int) -> None:
        """Close; what was asked of the history is dropped."""
        self._alive = False
        self._drawing.stop()
        super().done(result)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "words"):
            self._show()

    def _on_found(self, streams: list[Stream]) -> None:
        if not self._alive:
            return
        self._streams = streams
        self.stream_box.blockSignals(True)
        self.stream_box.addItems(list(map(_name, streams)))
        self.stream_box.blockSignals(False)
        if not streams:
            self.words.setText("Nothing has been recorded yet. Each analysed image adds to the history.")
        self._show()

    def _show(self) -> None:
        if not self._streams:
            return
        stream = self._shown()
        images, weeks = (plural(n, what) for n, what in ((stream.images, "image"), (len(stream.weeks), "week")))
        self.words.setText(f"{images} in {weeks} since {_day(stream.weeks[0])}")
        self.alarms.setText("\n".join(f"⚠ {alarm}" for alarm in stream.alarms[:SHOWN]))
        if (more := len(stream.alarms) - SHOWN) > 0:
            self.alarms.setText(f"{self.alarms.text()}\nand {more} more: see the charts.")
        self._show_charts(True)
        self.alarms.setVisible(bool(stream.alarms))
        self._drawn = 0
        self._drawing.start()

    def _draw_next(self) -> None:
        stream, number = self._shown(), self._drawn
        if number == len(self.charts):
            self.charts.append(TrendChart(QUANTITIES[number]))
            self._grid.addWidget(self.charts[number], *divmod(number, COLUMNS))
        self.charts[number].show_trend(stream.trends[number], stream.weeks)
        self._drawn += 1
        if self._drawn == len(QUANTITIES):
            self._drawing.stop()
            self.drawn.emit()

    def _shown(self) -> Stream:
        return self._streams[max(0, self.stream_box.currentIndex())]

    def _show_charts(self, shown: bool) -> None:
        self._inside.setVisible(shown)
        self.alarms.setVisible(shown)
        self.stream_box.setVisible(len(self._streams) > 1)


def _name(stream: Stream) -> str:
    known = TASKS.get(stream.task)
    models = (identifier.rpartition("/")[2].partition("-")[2] for identifier in (stream.teacher, stream.student))
    task = stream.task if known is None else known.name
    return f"{task}: {' and '.join(map(model_name, models))}, since {_day(stream.weeks[0])}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _label(*look: str) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    theme.styled(label, *look)
    return label
