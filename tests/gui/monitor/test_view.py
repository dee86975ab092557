from itertools import pairwise

import history_samples as made
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core.monitoring.monitor import monitor
from core.monitoring.quantities import QUANTITIES
from core.records.history import History, history_path
from gui.common import theme
from gui.history.recorder import Recorder
from gui.monitor.view import MonitorView


class Waiting:
    """Asks of the history wait here until they are answered."""

    def __init__(self, rows):
        self.rows = rows
        self.asked = []

    def ask(self, job, then):
        self.asked.append((job, then))

    def find(self, _query):
        return iter(self.rows)

    def answer(self):
        job, then = self.asked.pop()
        then(job(self))


@pytest.fixture
def shown(qtbot):
    def show(rows):
        source = Waiting(rows)
        view = MonitorView(source.ask)
        qtbot.addWidget(view)
        view.show()
        if rows:
            with qtbot.waitSignal(view.drawn):
                source.answer()
        else:
            source.answer()
        return view

    return show


def drawn(chart, scale):
    x, y = chart.line.getData()
    return [(int(day), pytest.approx(float(value) / scale)) for day, value in zip(x, y, strict=True)]


def test_the_charts_are_the_weeks_of_the_history(shown):
    rows = made.history(3, 9, images=40, drift={7: {"brightness": 0.58}})
    (stream,) = monitor(rows)
    view = shown(rows)
    assert len(view.charts) == len(stream.trends)
    for chart, trend in zip(view.charts, stream.trends, strict=True):
        scale = 100 if trend.quantity.kind == "share" else 1
        if trend.weeks:
            assert drawn(chart, scale) == [(week.begins.toordinal(), week.value) for week in trend.weeks]
            assert chart.reference.value() == pytest.approx(scale * trend.reference)
            ringed = chart.alarms.getData()[0]
            assert ([] if ringed is None else [*ringed]) == [w.begins.toordinal() for w in trend.weeks if w.alarm]
        assert trend.note in chart.words.text()
        assert trend.note in chart.accessibleName()
    (alarm,) = stream.alarms
    assert view.alarms.text() == f"⚠ {alarm}"
    assert view.alarms.isVisible()
    assert "360 images in 9 weeks since 5 January 2026" in view.words.text()
    assert not view.stream_box.isVisible()


def test_the_axis_names_mondays(shown):
    chart = shown(made.history(0, 9)).charts[0]
    axis = chart.plot.getAxis("bottom")
    ((_spacing, days),) = axis.tickValues(made.MONDAY.toordinal() - 3.5, made.MONDAY.toordinal() + 60, 300)
    assert axis.tickStrings(days, 1, 7)[:2] == ["5 Jan", "19 Jan"]


def test_other_models_are_chosen_in_a_box(shown):
    random = np.random.default_rng(1)
    later = [made.analysis(random, week, 0, teacher="c" * 64) for week in (5, 6)]
    rows = made.history(0, 5) + later
    view = shown(rows)
    assert view.stream_box.isVisible()
    assert view.stream_box.count() == 2
    assert "2 images in 2 weeks" in view.words.text()
    view.stream_box.setCurrentIndex(1)
    assert "125 images in 5 weeks" in view.words.text()
    assert "Chest X-ray: VGG19 and OFA-595, since 5 January 2026" in view.stream_box.currentText()


def test_an_empty_history_says_so_and_shows_no_charts(shown):
    view = shown([])
    assert view.words.text().startswith("Nothing has been recorded yet.")
    assert not view.charts


def test_an_answer_after_it_was_closed_is_dropped(qtbot):
    source = Waiting(made.history(0, 5))
    view = MonitorView(source.ask)
    qtbot.addWidget(view)
    view.show()
    assert view.words.text() == "Reading the history …"
    view.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    view.reject()
    source.answer()
    assert view.words.text() == "Reading the history …"


def test_charts_come_one_at_a_time_so_that_the_window_stays_awake(qtbot):
    source = Waiting(made.history(0, 5))
    view = MonitorView(source.ask)
    qtbot.addWidget(view)
    view.show()
    source.answer()
    counts = [len(view.charts)]
    with qtbot.waitSignal(view.drawn):
        while counts[-1] < len(QUANTITIES):
            QApplication.processEvents()
            counts.append(len(view.charts))
    assert all(later - earlier <= 1 for earlier, later in pairwise(counts)), counts


def test_it_takes_the_colours_of_a_new_theme(shown, qtbot):
    view = shown(made.history(0, 5))
    try:
        with qtbot.waitSignal(view.drawn):
            theme.apply(QApplication.instance(), "light")
        assert view.charts[0].line.opts["symbolBrush"] == theme.colour("text")
    finally:
        theme.apply(QApplication.instance(), "dark")


def test_it_reads_the_history_of_the_window(qtbot, own_data):
    with History(history_path()) as history:
        for row in made.history(0, 2, images=5):
            history.insert(row)
    recorder = Recorder()
    recorder.start()
    view = MonitorView(recorder.ask)
    qtbot.addWidget(view)
    qtbot.waitUntil(lambda: len(view.charts) == len(QUANTITIES))
    assert "10 images in 2 weeks" in view.words.text()
    assert recorder.close()


def test_the_command_opens_it(qtbot, make_window):
    window = make_window()
    window.commands.actions["monitor"].trigger()
    view = window.findChild(MonitorView)
    qtbot.waitUntil(lambda: view.words.text().startswith("Nothing has been recorded yet."))
    view.reject()
