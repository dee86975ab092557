"""A figure over the weeks: dots, the reference as a dashed line, alarms ringed in amber, and a sentence below."""

from __future__ import annotations

from datetime import date

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from core.monitoring.monitor import Trend
from core.monitoring.quantities import Quantity
from gui.common import theme
from gui.common.plots import dress
from gui.common.tooltips import wrapped

LEFT = 44  # pixels of the axis, so that charts below each other stand in line
HEIGHT = 136
FLATTEST = {"share": 10.0, "mean": 0.05}  # smallest height, so that hardly any change looks like hardly any


class TrendChart(QWidget):
    """The chart of one quantity.

    Args:
        quantity: which one.
    """

    def __init__(self, quantity: Quantity) -> None:
        super().__init__()
        self.quantity = quantity
        unit = "%" if quantity.kind == "share" else quantity.unit
        head = QLabel(f"{quantity.name}, {unit}" if unit else quantity.name)
        head.setToolTip(wrapped(quantity.meaning))
        theme.styled(head, "bold")
        self.plot = pg.PlotWidget(axisItems={"bottom": _Weeks("bottom")})
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setFixedHeight(HEIGHT)
        self.plot.getAxis("bottom").setStyle(hideOverlappingLabels=False)  # the first and last one reach over the edge
        self.plot.setToolTip(wrapped(quantity.meaning))
        self.plot.getViewBox().setLimits(minYRange=FLATTEST[quantity.kind])
        self.plot.getAxis("left").setWidth(LEFT)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.line = self.plot.plot([], [])
        self.alarms = self.plot.plot([], [])
        self.reference = pg.InfiniteLine(angle=0)
        self.plot.addItem(self.reference)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for widget in (head, self.plot, self.words):
            column.addWidget(widget)
        column.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # all as wide as each other

    def show_trend(self, trend: Trend, weeks: tuple[date, ...]) -> None:
        """Draw a trend in the present theme.

        Args:
            trend: of this chart's quantity.
            weeks: all weeks of the stream, which charts have in common.
        """
        scale = 100.0 if self.quantity.kind == "share" else 1.0
        self._dress()
        at = [(week.begins.toordinal(), scale * week.value) for week in trend.weeks]
        self.line.setData([x for x, _y in at], [y for _x, y in at])
        marked = [point for point, week in zip(at, trend.weeks, strict=True) if week.alarm]
        self.alarms.setData([x for x, _y in marked], [y for _x, y in marked])
        self.reference.setVisible(trend.reference is not None)
        self.reference.setValue(scale * (trend.reference or 0))
        self.plot.setXRange(weeks[0].toordinal(), max(weeks[-1], weeks[0]).toordinal() + 1, padding=0.06)
        self.plot.getViewBox().enableAutoRange(y=True)
        alarm = any(week.alarm for week in trend.weeks)
        self.words.setText(f"⚠ {trend.note}" if alarm else trend.note)
        theme.styled(self.words, "small", "warning" if alarm else "dim")
        self.setAccessibleName(f"{self.quantity.name}: {trend.note}")

    def _dress(self) -> None:
        dress(self.plot)
        self.line.setPen(pg.mkPen(theme.colour("dim"), width=1.3))
        self.line.setSymbol("o")
        self.line.setSymbolSize(5)
        self.line.setSymbolPen(None)
        self.line.setSymbolBrush(theme.colour("text"))
        self.alarms.setPen(None)
        self.alarms.setSymbol("o")
        self.alarms.setSymbolSize(13)
        self.alarms.setSymbolBrush(None)
        self.alarms.setSymbolPen(pg.mkPen(theme.colour("warning"), width=2))
        self.reference.setPen(pg.mkPen(theme.colour("dim"), width=1, style=Qt.PenStyle.DashLine))


class _Weeks(pg.AxisItem):  # type: ignore[misc]
    """An axis of days, with marks at Mondays."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[int]]]:
        """Return the Mondays that have room, evenly spaced."""
        first = int(low) + (1 - int(low)) % 7  # day 1 of the calendar is a Monday
        mondays = list(range(first, int(high) + 1, 7))
        step = max(1, -(-len(mondays) * 64 // max(1, int(size))))  # a date takes 64 pixels
        return [(7.0 * step, mondays[::step])]

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        """Return dates."""
        days = (date.fromordinal(int(value)) for value in values)
        return [f"{day.day} {day:%b}" for day in days]
