import os

from performance_samples import observed
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from core.compare.session import Choice
from core.models.catalogue import read_catalogue
from core.performance.figures import figures
from gui.common.tooltips import LONGEST, wrapped
from gui.export.model_dialog import ModelExportDialog
from gui.history.view import HistoryView
from gui.models.card_dialog import ModelCardDialog
from gui.models.compare_dialog import CardComparisonDialog
from gui.models.manager import ModelManager
from gui.monitor.view import MonitorView
from gui.performance.window import PerformanceWindow
from gui.settings.dialog import SettingsDialog
from gui.settings.preferences import store
from gui.slides.window import SlideWindow
from gui.training.window import TrainingWindow
from tests.gui.comparison_samples import dispose
from tests.gui.driving import PATIENCE


def test_long_words_are_broken_between_words_and_own_breaks_stay():
    found = wrapped("one line\n\n" + "seven words of which some are longer " * 8 + "x" * 100)
    lines = found.splitlines()
    assert lines[:2] == ["one line", ""]
    assert all(len(line) <= LONGEST for line in lines[:-1])
    assert lines[-1].endswith("x" * 100), "a path is not cut"
    assert found.split() == ("one line " + "seven words of which some are longer " * 8 + "x" * 100).split()


def long_lines(window):
    """Return the lines of a window's tooltips that are longer than is pleasant; a path stays whole."""
    actions = [action for action in window.findChildren(QAction) if action.text()]
    tips = [thing.toolTip() for thing in (*window.findChildren(QWidget), *actions)]
    lines = {line for tip in tips if not tip.startswith("<") for line in tip.splitlines()}
    return sorted(line for line in lines if len(line) > LONGEST and os.sep not in line)


def test_no_tooltip_of_any_window_runs_across_the_screen(analysed, qtbot):
    window = analysed
    catalogue = read_catalogue()
    bundles = list(catalogue.bundles.values())
    dialogs = [
        SettingsDialog(window.preferences, window),
        ModelCardDialog(bundles[0], window),
        CardComparisonDialog(*bundles[:2], window),
        HistoryView(window.recorder, window),
        MonitorView(window.recorder.ask, window),
        ModelManager(window.importer, window),
        PerformanceWindow([figures(observed())], window),
        ModelExportDialog(bundles, bundles[0].id, window),
    ]
    slides, trained = SlideWindow(Choice, lambda: catalogue), TrainingWindow(store())
    shown = (window, *dialogs, slides, trained)
    found = {type(one).__name__: lines for one in shown if (lines := long_lines(one))}
    for dialog in dialogs:
        dialog.done(0)
    trained.let_go()
    slides.close_all()
    for one in (trained, slides):
        dispose(one)
    for command in ("report", "export"):
        window.commands.actions[command].trigger()
        dialog = window.reporter.dialog
        found |= {command: lines} if (lines := long_lines(dialog)) else {}
        dialog.done(0)
        qtbot.waitUntil(lambda: window.reporter.dialog is None, timeout=PATIENCE)
    assert found == {}
