"""The curves of a run: loss and scores over the epochs, drawn while it runs, in the accent of what is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.common import theme
from gui.common.plots import dress
from training.runs.folder import Row

FEW = 40  # epochs up to which each has a dot
SETTLED = 20  # of this many steps the first one does not decide the height
SAMPLES = {Qt.PenStyle.SolidLine: "━━", Qt.PenStyle.DashLine: "╌╌", Qt.PenStyle.DotLine: "┈┈"}


@dataclass(frozen=True)
class Line:
    """How a line looks: apart from the others in colour and in dashes.

    Attributes:
        words: what it shows.
        style: its dashes.
        role: its colour; None for the accent of what is trained.
    """

    words: str
    style: Qt.PenStyle
    role: theme.Role | None


class TrainingCharts(QWidget):
    """Two charts on one scale of epochs, and a line with the figures of the best epoch or the one under the pointer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side: theme.Role = "student"
        self._rows: list[Row] = []
        self._steps: tuple[list[float], list[float]] = ([], [])
        self._epochs = 1
        self._dressed: tuple[theme.Theme, theme.Role, int] | None = None
        self._best: int | None = None
        self.loss = Chart(
            "Loss",
            {
                "steps": Line("training, running mean", Qt.PenStyle.DotLine, "dim"),
                "train_loss": Line("training", Qt.PenStyle.DashLine, "text"),
                "val_loss": Line("validation", Qt.PenStyle.SolidLine, None),
            },
            flattest=0.1,
        )
        self.scores = Chart(
            "On the validation images, %",
            {
                "val_macro_f1": Line("macro F1", Qt.PenStyle.DashLine, "text"),
                "val_accuracy": Line("accuracy", Qt.PenStyle.SolidLine, None),
            },
            flattest=5.0,
            highest=100.0,
        )
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAccessibleName("Figures of an epoch")
        charts = QHBoxLayout()
        charts.setSpacing(24)
        for chart in (self.loss, self.scores):
            charts.addWidget(chart, 1)
            chart.plot.scene().sigMouseMoved.connect(lambda point, chart=chart: self._point_at(chart, point))
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 8, 0, 0)
        page.setSpacing(8)
        page.addLayout(charts, 1)
        page.addWidget(self.words)
        self.begin("student", 1, [])

    @property
    def rows(self) -> Sequence[Row]:
        """The epochs that are drawn."""
        return self._rows

    def begin(self, side: theme.Role, epochs: int, rows: Sequence[Row]) -> None:
        """Start anew, with the epochs that a resumed run has behind it.

        Args:
            side: ``teacher`` or ``student``: whose accent the curves have.
            epochs: how many there will be.
            rows: those that are done.
        """
        self._side, self._epochs = side, max(1, epochs)
        self._rows, self._steps = list(rows), ([], [])
        self._dress()
        self._draw()

    def add_step(self, epoch: float, loss: float) -> None:
        """Add the mean training loss of an epoch so far, at a place between epochs, e.g. 2.5 in the third."""
        self._steps[0].append(epoch)
        self._steps[1].append(loss)
        self.loss.set_curve("steps", *self._steps)

    def add_epoch(self, row: Row) -> None:
        """Add an epoch that has been validated; one of the same number is replaced."""
        self._rows = [old for old in self._rows if old["epoch"] < row["epoch"]] + [row]
        self._draw()

    def _dress(self) -> None:
        """Have both charts take colours and scale, unless they have them: all of them is then painted anew."""
        wanted = (theme.current(), self._side, self._epochs)
        if wanted != self._dressed:
            self._dressed = wanted
            for chart in (self.loss, self.scores):
                chart.dress(self._side, self._epochs)

    def _draw(self) -> None:
        ends = [row["epoch"] + 1 for row in self._rows]
        for chart, scale in ((self.loss, 1.0), (self.scores, 100.0)):
            chart.show_dots(len(ends) <= FEW)
            for name in chart.curves:
                if name != "steps":
                    chart.set_curve(name, ends, [scale * row[name] for row in self._rows])
        self.loss.set_curve("steps", *self._steps)
        best = max(
            range(len(self._rows)),
            key=lambda i: (self._rows[i]["val_accuracy"], -self._rows[i]["val_loss"]),
            default=None,
        )
        self._best = best
        if best is not None:
            row = self._rows[best]
            self.loss.mark(ends[best], row["val_loss"])
            self.scores.mark(ends[best], 100 * row["val_accuracy"])
        else:
            self.loss.mark(None, 0)
            self.scores.mark(None, 0)
        self._say(best)

    def _say(self, place: int | None) -> None:
        if place is None:
            self.words.setText("The curves begin with the first epoch.")
            theme.styled(self.words, "dim")
            return
        row = self._rows[place]
        head = "Best so far, epoch {0}" if place == self._best else "Epoch {0}"
        figures = (
            f"accuracy {100 * row['val_accuracy']:.1f} %, macro F1 {100 * row['val_macro_f1']:.1f} %, loss "
            f"{row['val_loss']:.3f}, training loss {row['train_loss']:.3f}"
        )
        self.words.setText(f"{head.format(int(row['epoch']) + 1)}:  {figures}")
        theme.styled(self.words)

    def _point_at(self, chart: Chart, point: QPointF) -> None:
        inside = chart.plot.getViewBox().sceneBoundingRect().contains(point)
        if not inside or not self._rows:
            self._say(self._best)
            return
        x = chart.plot.getViewBox().mapSceneToView(point).x()
        self._say(min(range(len(self._rows)), key=lambda i: abs(self._rows[i]["epoch"] + 1 - x)))

    def leaveEvent(self, event: QEvent) -> None:
        """Name the best epoch again."""
        super().leaveEvent(event)
        self._say(self._best)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "words"):
            self._dress()


class Chart(QWidget):
    """One chart: its title, its lines named beside a sample of each, and the curves.

    Args:
        title: what the height means.
        lines: the lines by name, the last one uppermost.
        flattest: the smallest height of the chart, so that hardly any change looks like hardly any.
        highest: the highest value that there can be.
    """

    def __init__(self, title: str, lines: dict[str, Line], flattest: float, highest: float = math.inf) -> None:
        super().__init__()
        self._lines, self._flattest, self._highest = lines, flattest, highest
        self.setAccessibleName(title)
        head = QLabel(title)
        head.setWordWrap(True)
        theme.styled(head, "bold")
        self._key = QLabel()
        self._key.setWordWrap(True)
        self._key.setTextFormat(Qt.TextFormat.RichText)
        theme.styled(self._key, "small", "dim")
        self.plot = pg.PlotWidget(axisItems={"bottom": _Epochs("bottom")})
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMinimumSize(200, 160)
        self.plot.getAxis("left").setWidth(44)
        self.plot.getAxis("bottom").setLabel("epoch")
        self.plot.getAxis("bottom").enableAutoSIPrefix(False)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.curves = {name: self.plot.plot([], []) for name in lines}
        self._mark = self.plot.plot([], [])
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(2)
        for widget in (head, self._key, self.plot):
            page.addWidget(widget)
        page.setStretch(2, 1)

    def dress(self, side: theme.Role, epochs: int) -> None:
        """Take the theme's colours, an accent, and a scale of so many epochs."""
        dress(self.plot)
        self.plot.setXRange(0, max(1, epochs), padding=0.04)
        for name, line in self._lines.items():
            curve = self.curves[name]
            solid, tint = line.style is Qt.PenStyle.SolidLine, theme.colour(line.role or side)
            curve.setPen(pg.mkPen(tint, width=2 if solid else 1.3, style=line.style))
            curve.setSymbolSize(5)
            curve.setSymbolPen(None)
            curve.setSymbolBrush(tint)
        self._mark.setPen(None)
        self._mark.setSymbol("o")
        self._mark.setSymbolSize(12)
        self._mark.setSymbolBrush(None)
        self._mark.setSymbolPen(pg.mkPen(theme.colour("text"), width=1.5))
        self._key.setText(self._key_words(side))

    def show_dots(self, dots: bool) -> None:
        """Have the solid lines show their points, or not."""
        for name, line in self._lines.items():
            if line.style is Qt.PenStyle.SolidLine:
                self.curves[name].setSymbol("o" if dots else None)

    def set_curve(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        """Draw a line anew."""
        self.curves[name].setData(list(x), list(y))
        self._fit()

    def _fit(self) -> None:
        """Let the height fit the lines: not the first steps of all, whose loss is that of an untrained network."""
        heights = [curve.getData()[1] for name, curve in self.curves.items() if name != "steps"]
        steps = self.curves["steps"].getData()[1] if "steps" in self.curves else None
        if steps is not None and len(steps):
            heights.append(steps if len(steps) < SETTLED else steps[len(steps) // SETTLED :])
        known = np.concatenate([found for found in heights if found is not None] or [[]])
        if not len(known):
            self.plot.setYRange(0, min(1.0, self._highest), padding=0)
            return
        low, high = float(known.min()), float(known.max())
        spare = max(0.06 * (high - low), (self._flattest - (high - low)) / 2)
        self.plot.setYRange(max(0.0, low - spare), min(self._highest * 1.01, high + spare), padding=0)

    def mark(self, x: float | None, y: float) -> None:
        """Put a ring around the best epoch, or none."""
        self._mark.setData([] if x is None else [x], [] if x is None else [y])

    def _key_words(self, side: theme.Role) -> str:
        parts = []
        for line in reversed(self._lines.values()):
            tint, words = theme.colour(line.role or side).name(), line.words.replace(" ", "&nbsp;")
            parts.append(f'<span style="color:{tint}">{SAMPLES[line.style]}</span>&nbsp;{words}')
        parts.append("◯&nbsp;best&nbsp;epoch")
        return " &nbsp; ".join(parts)


class _Epochs(pg.AxisItem):  # type: ignore[misc]
    """An axis with marks at whole epochs only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        """Return the distances of marks, none below an epoch."""
        found = [(space, offset) for space, offset in super().tickSpacing(low, high, size) if space >= 1]
        return found or [(1, 0)]
