"""How charts look: pyqtgraph's plots in the colours and type of the theme."""

from __future__ import annotations

import pyqtgraph as pg

from gui.common import theme


def dress(plot: pg.PlotWidget) -> None:
    """Give a plot's background, axes and grid the present theme."""
    plot.setBackground(theme.colour("window"))
    for name in ("left", "bottom"):
        axis = plot.getAxis(name)
        axis.setPen(theme.colour("line"))
        axis.setTextPen(theme.colour("dim"))
        axis.setTickFont(theme.font(theme.SMALL))
        axis.label.setFont(theme.font(theme.SMALL))
    plot.showGrid(x=False, y=True, alpha=0.25)
