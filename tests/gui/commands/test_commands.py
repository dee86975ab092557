import sys

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QMenu, QMenuBar, QWidget

from core.tasks import get_task
from gui.commands.actions import Commands
from gui.commands.command import Command
from gui.commands.palette import CommandSearch
from gui.commands.sheet import ShortcutSheet
from gui.window.bars import RecentMenu, fill_menus

# what can be used in a window without files, models and a batch
NEEDS_FILES = {"remove", "clear", "next", "previous", "first", "last", "next_disagreement", "filter"}
NEEDS_MODELS = {"teacher_card", "student_card"}
NEEDS_IMAGE = {"keep_below", "show_in_folder"}
NEEDS_COMPARISON = {"next_class", "each_its_own", "copy_picture", "print"}
NEEDS_MORE = {"undo", "redo", "pause", "cancel", *NEEDS_IMAGE, *NEEDS_COMPARISON}
OF_SOME_IMAGES = {"next_frame", "previous_frame", *(f"preset_{number}" for number in range(4, 10))}
NEEDS_HEAT_MAPS = {"overlay", "swipe", "difference", "contour"}


def disabled(window):
    return {name for name, action in window.commands.actions.items() if not action.isEnabled()}


def test_a_command_without_what_it_does_can_not_be_made():
    with pytest.raises(TypeError):
        Command("idle", "&File", "&Idle")


def test_a_command_runs_when_its_rule_allows_it_and_its_errors_are_shown(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    errors, ran, allowed = [], [], []

    def fail():
        raise ZeroDivisionError

    own = QAction("Short", parent)
    table = [
        Command("runs", "&File", "&Runs…", lambda: ran.append("runs"), ("Ctrl+R", "F5"), lambda: bool(allowed)),
        Command("fails", "&File", "&Fails", fail),
        Command("own", "&View", "&Own action", own, ("O",)),
    ]
    commands = Commands(table, parent, errors.append)
    commands.actions["runs"].trigger()
    assert ran == []
    allowed.append(1)
    commands.refresh()
    commands.actions["runs"].trigger()
    assert ran == ["runs"]
    commands.actions["fails"].trigger()
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert commands.actions["own"] is own
    assert (own.text(), own.iconText(), own.toolTip()) == ("&Own action", "Short", "Own action (O)")
    assert [keys.toString() for keys in commands.actions["runs"].shortcuts()] == ["Ctrl+R", "F5"]


def test_a_command_whose_extra_is_missing_stays_grey_and_says_how_to_add_it(qtbot, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    parent = QWidget()
    qtbot.addWidget(parent)
    table = [
        Command("train", "&Analyse", "Train a &model…", parent.show, ("Ctrl+T",), extra="train"),
        Command("search", "&Go", "Find a &command", parent.show, extra="gpu"),
    ]
    commands = Commands(table, parent, pytest.fail)
    train = commands.actions["train"]
    assert not train.isEnabled()
    assert train.toolTip().startswith("Train a model needs packages that are not installed (accelerate). Add it with: ")
    assert commands.actions["search"].isEnabled()
    bar = QMenuBar(parent)
    fill_menus(bar, commands, RecentMenu(list, pytest.fail, parent), QMenu(parent))
    assert [action.menu().toolTipsVisible() for action in bar.actions()] == [True, False]


def test_menus_and_sheet_show_the_table_and_no_key_is_given_twice(make_window, qtbot):
    window = make_window(cam="none")
    table = window.commands.table
    keys = [key for command in table for key in command.keys]
    window.comparison.review.set_task(get_task("lung-colon"))
    readings = [action.shortcut().toString() for action in window.comparison.review.menu.actions()]
    assert readings == [*(f"Alt+{number}" for number in range(1, 6)), "X", "U"]
    assert len({*keys, *readings}) == len(keys) + len(readings)
    shown = [action for menu in window.menuBar().actions() for action in menu.menu().actions()]
    named = [action.objectName() for action in shown if action.objectName() in window.commands.actions]
    assert named == [command.id for command in table]
    sheet = ShortcutSheet(table, window)
    texts = {label.text() for label in sheet.findChildren(QLabel)}
    assert {command.plain_title for command in table if command.keys} <= texts
    wanted = sheet.sizeHint()
    assert wanted.width() <= 1240 and wanted.height() <= 760  # all of it is seen on a screen of 1280 by 800
    sheet.done(0)


def test_each_command_can_be_used_when_there_is_what_it_needs(make_window, qtbot, two):
    window = make_window(cam="none")
    qtbot.waitUntil(lambda: bool(window.controller.bundles), timeout=60_000)
    assert disabled(window) == NEEDS_FILES | NEEDS_MORE | NEEDS_HEAT_MAPS | OF_SOME_IMAGES
    with qtbot.waitSignal(window.controller.settled, timeout=60_000):
        window.open_paths([two[0]])
    assert disabled(window) == {"undo", "redo", "pause", "cancel"} | NEEDS_HEAT_MAPS | OF_SOME_IMAGES
    window.chooser.cam_box.setCurrentIndex(window.chooser.cam_box.findData("fast"))
    with qtbot.waitSignal(window.controller.settled, timeout=60_000):
        window.chooser.cam_box.activated.emit(0)
    assert disabled(window) == {"undo", "redo", "pause", "cancel"} | OF_SOME_IMAGES
    window.commands.actions["clear"].trigger()
    left = {"redo", "pause", "cancel"}
    assert disabled(window) == NEEDS_FILES | NEEDS_IMAGE | NEEDS_COMPARISON | OF_SOME_IMAGES | left
    assert window.commands.actions["undo"].text() == "&Undo removing a.png"
    window.commands.actions["undo"].trigger()
    assert {"undo", "redo"} & disabled(window) == {"undo"}
    assert "next" not in disabled(window)


def test_without_models_there_are_no_cards(own_data, qtbot):
    from gui.window.main_window import MainWindow

    window = MainWindow()  # not begun: no models are loaded
    qtbot.addWidget(window)
    assert disabled(window) >= NEEDS_MODELS


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # a popup on the offscreen platform
def test_the_command_search_finds_by_any_words_and_runs_the_command(make_window, qtbot):
    window = make_window()
    ran = []
    window.commands.actions["about"].triggered.disconnect()
    window.commands.actions["about"].triggered.connect(lambda: ran.append(1))
    search = CommandSearch(window.commands.actions.values(), window)
    qtbot.addWidget(search)
    search.show()
    qtbot.keyClicks(search.line, "twinlens abo")
    assert search.found.topLevelItemCount() == 1
    qtbot.keyClick(search.line, Qt.Key.Key_Return)
    assert ran == [1]
