"""The window's manners: the keyboard is never lost, tooltips are readable, and nothing moves at the start."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from gui.common.tooltips import LONGEST
from gui.settings.dialog import SettingsDialog
from gui.window.app import make_application
from tests.gui.driving import PATIENCE


@pytest.fixture
def empty(make_window, qtbot):
    window = make_window(cam="none")
    window.banner.hide()
    window.activateWindow()
    qtbot.waitActive(window)
    return window


def has_keyboard(window):
    focus = QApplication.focusWidget()
    return focus is not None and focus.isVisible() and (focus is window or window.isAncestorOf(focus))


def test_the_keyboard_stays_in_the_window_when_a_line_or_a_side_closes(empty, qtbot):
    window = empty
    for close in (window.banner.cross, window.banner.button):
        window.banner.say("News", button="Do", action=lambda: None)
        close.setFocus()
        qtbot.keyClick(close, Qt.Key.Key_Space)
        assert window.banner.isHidden()
        assert has_keyboard(window)
    for dock, inside, command in (
        (window.sides.worklist, window.list.list, "worklist"),
        (window.sides.findings, window.comparison.controls.opacity, "findings"),
    ):
        inside.setFocus()
        window.commands.actions[command].trigger()
        assert not dock.isVisible()
        assert has_keyboard(window)


@pytest.mark.qt_log_ignore("This plugin does not support")  # raising and grabbing, offscreen
@pytest.mark.parametrize("command", ["shortcuts", "about", "search"])
def test_the_keyboard_comes_back_when_a_dialog_closes(command, empty, qtbot):
    before = empty.list.list
    before.setFocus()
    empty.commands.actions[command].trigger()
    (dialog,) = [found for found in empty.findChildren(QDialog) if found.isVisible()]
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    empty.activateWindow()  # as a system does that has windows in a stack
    qtbot.waitUntil(lambda: QApplication.focusWidget() is before, timeout=PATIENCE)


def test_no_line_of_a_tooltip_is_longer_than_is_pleasant_to_read(empty, qtbot):
    dialog = SettingsDialog(empty.preferences, empty)
    things = [*empty.findChildren(QWidget), *empty.findChildren(QAction), *dialog.findChildren(QWidget)]
    tips = {thing.toolTip() for thing in things}
    assert len(tips) > 30
    assert [line for tip in tips for line in tip.splitlines() if len(line) > LONGEST + 8] == []
    dialog.reject()


def test_nothing_moves_while_the_models_load(empty, qtbot):
    parts = (empty.list, empty.comparison, empty.comparison.panel, empty.tools, empty.statusBar())

    def places():
        return [(part.mapTo(empty, QPoint()), part.size()) for part in parts]

    before = places()
    with qtbot.waitSignal(empty.controller.models_ready, timeout=PATIENCE):
        pass
    QApplication.processEvents()
    assert places() == before


def test_the_program_has_its_icon(qapp):
    assert make_application() is qapp
    assert not qapp.windowIcon().isNull()
    assert max(size.width() for size in qapp.windowIcon().availableSizes()) >= 128
