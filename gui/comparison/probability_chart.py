"""The calibrated probability of each class as horizontal bars on one scale, with exact figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QRadioButton, QSizePolicy, QWidget

from core.tasks import ClassLabel
from gui.common import theme

ROW = 22  # height of a class, in pixels
THICK = 0.42  # thickness of a bar, as a share of a row


class ProbabilityChart(QWidget):
    """A row a class: a button that has its map shown, a bar from 0 to 100 %, and the figure.

    Args:
        side: whose accent the bars have.
    """

    class_chosen = Signal(int)

    def __init__(self, side: theme.Role, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side = side
        self._values: npt.NDArray[np.float64] | None = None
        self._small = False
        self.names: list[QRadioButton] = []
        self.figures: list[QLabel] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.GRID)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        self._plot = _Bars(self)
        self._plot.class_chosen.connect(self._choose)
        self._track = pg.BarGraphItem(x0=[], y=[], width=[], height=THICK, pen=None)
        self.bars = pg.BarGraphItem(x0=[], y=[], width=[], height=THICK, pen=None)
        for item in (self._track, self.bars):
            self._plot.addItem(item)

    def set_classes(self, labels: Sequence[ClassLabel]) -> None:
        """Make a row for each class, in the order of the network's outputs, without figures."""
        for widget in (*self.names, *self.figures):
            self._grid.removeWidget(widget)
            widget.setParent(None)
            widget.deleteLater()
        self.names, self.figures = [], []
        for index, label in enumerate(labels):
            name = QRadioButton(label.name, self)
            name.setToolTip(f"Show the heat map for this class. The data set calls it “{label.id}”.")
            name.setAccessibleDescription("Show the heat map for this class")
            name.clicked.connect(lambda _checked, chosen=index: self.class_chosen.emit(chosen))
            figure = QLabel("–", self)
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            figure.setMinimumWidth(figure.fontMetrics().horizontalAdvance("100.0 %") + 4)
            for widget in (name, figure):
                widget.setFixedHeight(ROW)
            self._grid.addWidget(name, index, 0)
            self._grid.addWidget(figure, index, 2)
            self.names.append(name)
            self.figures.append(figure)
        rows = len(labels)
        self._grid.addWidget(self._plot, 0, 1, rows, 1)
        self._plot.setFixedHeight(rows * ROW)
        self.setFixedHeight(rows * ROW)
        self._plot.setRange(xRange=(0, 100), yRange=(-0.5, rows - 0.5), padding=0, disableAutoRange=True)
        self.clear()

    def clear(self) -> None:
        """Show no figures."""
        self._values = None
        for figure in self.figures:
            figure.setText("–")
        self._style()
        self._draw()

    def show_probabilities(self, probabilities: npt.NDArray[np.float64], explained: int | None) -> None:
        """Show the probability of each class, and which class the map is for.

        Args:
            probabilities: shape (C,), in [0, 1], in the order of the task's classes.
            explained: index of the class whose map is shown, if any.
        """
        self._values = probabilities
        for index, (name, figure) in enumerate(zip(self.names, self.figures, strict=True)):
            figure.setText(f"{100 * probabilities[index]:.1f} %")
            figure.setAccessibleName(f"{name.text()}: {figure.text()}")
            if index == explained:
                name.setChecked(True)
        self._style()
        self._draw()

    def set_small(self, small: bool) -> None:
        """Write smaller where long names would be cut, or not."""
        self._small = small
        self._style()

    def _style(self) -> None:
        """Set the words of the most probable class in bold."""
        top = None if self._values is None else int(self._values.argmax())
        for index, (name, figure) in enumerate(zip(self.names, self.figures, strict=True)):
            looks = [*(["small"] if self._small else []), *(["bold"] if index == top else [])]
            for widget in (name, figure):
                theme.styled(widget, *looks)

    def _choose(self, index: int) -> None:
        if 0 <= index < len(self.names):
            self.names[index].setChecked(True)
            self.class_chosen.emit(index)

    def _draw(self) -> None:
        rows = np.arange(len(self.names))
        zeros = np.zeros(len(rows))
        values = zeros if self._values is None else 100 * self._values
        self._plot.setBackground(theme.colour("window"))
        self._track.setOpts(x0=zeros, y=rows, width=zeros + 100, height=THICK, brush=theme.colour("raised"), pen=None)
        top = int(values.argmax()) if len(rows) else 0
        brushes = [self._tint(index == top) for index in rows]
        self.bars.setOpts(x0=zeros, y=rows, width=values, height=THICK, brushes=brushes, pen=None)

    def _tint(self, full: bool) -> QColor:
        tint = theme.colour(self._side)
        tint.setAlphaF(1.0 if full else 0.55)
        return tint

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "bars"):
            self._draw()


class _Bars(pg.PlotWidget):  # type: ignore[misc]
    """The bars, without axes; a click chooses the class of its row."""

    class_chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.hideAxis("left")
        self.hideAxis("bottom")
        self.setMouseEnabled(x=False, y=False)
        self.getPlotItem().setContentsMargins(0, 0, 0, 0)
        self.getViewBox().invertY(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for widget in (self, self.viewport()):
            widget.setAccessibleName("Probabilities as bars")
        self.setMinimumWidth(64)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the class that was clicked."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.class_chosen.emit(int(QPointF(event.position()).y() // ROW))

    def wheelEvent(self, event: object) -> None:
        """Leave the scale as it is."""
