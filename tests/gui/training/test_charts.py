"""The curves of a run: told apart without colour and without dashes, on axes that fit."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from gui.common import theme
from gui.training.charts import TrainingCharts


def row(epoch, loss=0.5, accuracy=0.8):
    return {"epoch": epoch, "train_loss": loss - 0.1, "val_loss": loss, "val_accuracy": accuracy,
            "val_macro_f1": accuracy - 0.05}  # fmt: skip


@pytest.fixture
def charts(qtbot):
    made = TrainingCharts()
    qtbot.addWidget(made)
    return made


def heights(chart):
    return chart.plot.getViewBox().viewRange()[1]


@pytest.mark.parametrize("look", ["dark", "light"])
def test_each_line_has_a_colour_and_dashes_of_its_own(look, charts, qapp):
    theme.apply(QApplication.instance(), look)
    charts.begin("student", 3, [row(0)])
    for chart in (charts.loss, charts.scores):
        pens = [curve.opts["pen"] for curve in chart.curves.values()]
        assert len({pen.color().name() for pen in pens}) == len(pens)
        assert len({pen.style() for pen in pens}) == len(pens)
    accented = charts.loss.curves["val_loss"].opts["pen"]
    assert accented.color() == theme.colour("student")
    assert accented.style() is Qt.PenStyle.SolidLine
    assert all(name in charts.loss._key.text().replace("&nbsp;", " ") for name in ("validation", "running mean"))


def test_the_axes_fit_the_lines_and_not_the_untrained_network(charts):
    charts.begin("teacher", 5, [])
    for step in range(40):
        charts.add_step(step / 40, 30.0 if step < 2 else 1.0)
    charts.add_epoch(row(0))
    low, high = heights(charts.loss)
    assert low < 0.4
    assert 1.0 < high < 1.2, "the first two steps do not flatten all others"
    low, high = heights(charts.scores)
    assert low < 75
    assert 80 < high < 90


def test_a_share_has_no_room_above_a_hundred_per_cent_nor_a_loss_below_zero(charts):
    charts.begin("student", 2, [row(0, loss=0.12, accuracy=0.99), row(1, loss=0.1, accuracy=1.0)])
    assert heights(charts.scores)[1] <= 101
    assert heights(charts.loss)[0] >= 0
    charts.begin("student", 2, [row(0, accuracy=0.9), row(1, accuracy=0.9)])
    assert np.ptp(heights(charts.scores)) >= 5, "hardly any change looks like hardly any"
