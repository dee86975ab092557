"""The images have most of the window, and the sides that are folded give them their room."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication

from tests.gui.driving import PATIENCE


def share(window):
    """The share of the window that the radiograph takes in both views, black borders not counted."""
    places = [panel.view.displayed() for panel in window.comparison.panels if panel.view.isVisible()]
    return sum(place.width() * place.height() for place in places) / (window.width() * window.height())


def test_the_images_take_half_of_the_window_and_more_where_sides_are_folded(analysed, qtbot):
    window = analysed
    for size, least in ((QSize(1280, 800), 0.5), (QSize(1920, 1080), 0.62)):
        window.resize(size)
        qtbot.waitUntil(lambda least=least: share(window) >= least)
        assert window.sides.findings.isVisible() and window.sides.worklist.isVisible()
    qtbot.waitUntil(lambda: window.sides.findings.width() == 240)
    for key, side in ((Qt.Key.Key_F6, window.sides.findings), (Qt.Key.Key_F7, window.sides.worklist)):
        before = window.comparison.width()
        room = side.width()
        qtbot.keyClick(window, key)
        assert not side.isVisible()
        qtbot.waitUntil(lambda before=before, room=room: window.comparison.width() >= before + room)
        qtbot.keyClick(window, key)
        qtbot.waitUntil(lambda before=before: window.comparison.width() == before)


def test_a_folded_side_does_not_keep_the_keyboard_and_opens_for_what_is_in_it(analysed, qtbot):
    window = analysed
    qtbot.waitActive(window)
    window.comparison.table.setFocus()
    window.commands.actions["findings"].trigger()
    assert QApplication.focusWidget() is window.comparison.teacher.view
    window.commands.actions["note"].trigger()
    assert window.sides.findings.isVisible()
    assert window.comparison.review.note.hasFocus()
    window.commands.actions["worklist"].trigger()
    window.commands.actions["filter"].trigger()
    assert window.list.search.hasFocus() and window.list.search.isVisible()
    assert window.list.wide


def test_folds_and_layout_are_remembered(make_window, qtbot):
    first = make_window(cam="none")
    qtbot.waitUntil(lambda: bool(first.controller.bundles), timeout=PATIENCE)
    for command in ("findings", "wide_worklist", "student_alone"):
        first.commands.actions[command].trigger()
    first.close()
    second = make_window(cam="none")
    assert not second.sides.findings.isVisible()
    assert second.sides.worklist.isVisible() and second.list.wide
    qtbot.waitUntil(lambda: bool(second.controller.bundles), timeout=PATIENCE)
    assert second.comparison.layouts.current == "student"
    assert not second.comparison.teacher.isVisibleTo(second.comparison)


def test_the_place_in_the_worklist_follows_choice_and_filter(window, qtbot):
    assert window.tools.place.text() == "1 / 2"
    window.commands.actions["next"].trigger()
    assert window.tools.place.text() == "2 / 2"
    window.list.search.setText("b.png")
    assert window.tools.place.text() == "1 / 1"
