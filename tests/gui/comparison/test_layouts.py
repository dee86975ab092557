"""How the images are laid out: both, one, the original, swipe; and moved together."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from task_samples import CHEST_XRAY, LUNG_COLON

from gui.comparison.view import ComparisonView
from tests.gui.comparison_samples import LEFT, agreeing, dispose, layer


def same_part(one, other):
    """Whether two views show the same part; they may be a pixel of the screen apart in size."""
    a, b = one.visible(), other.visible()
    return a.center() == b.center() and a.width() == pytest.approx(b.width(), rel=0.01)


def test_both_views_move_together(view):
    view.show_comparison(agreeing(), refining=False)
    teacher, student = view.teacher.view, view.student.view
    teacher.zoom(3, QPointF(40, 60))
    assert same_part(student, teacher)
    assert teacher.visible().width() < 150
    before = teacher.visible().center()
    student.pan(QPointF(10, 5))
    assert same_part(student, teacher)
    assert teacher.visible().center().x() == pytest.approx(before.x() - 10, abs=0.5)
    teacher.drag_window(30, 10)
    assert student.window_values() == teacher.window_values() != (0.0, 255.0)
    view.viewing.presets[1].trigger()
    assert student.window_values() == teacher.window_values() == (0.0, 255.0)
    teacher.point(QPointF(20.5, 30.5))
    assert student._cross.isVisible()
    assert student.words.pixel.text() == "x 20  y 30  ·  20"
    view.reset_action.trigger()
    assert student.visible().width() >= 256


def seen(view):
    return [panel.role for panel in view.panels if panel.isVisible()]


def test_layouts_show_both_one_or_the_original_alone(view, qtbot):
    view.show_comparison(agreeing(), refining=False)
    both = ["teacher", "student"]
    whole = view.teacher.view.width()
    for layout, roles in (("teacher", ["teacher"]), ("student", ["student"]), ("original", ["teacher"]),
                          ("difference", ["teacher"]), ("swipe", both), ("side", both)):  # fmt: skip
        view.layouts.actions[layout].trigger()
        assert seen(view) == roles
        assert [name for name, action in view.layouts.actions.items() if action.isChecked()] == [layout]
        if len(roles) == 1:
            alone = view.student if roles == ["student"] else view.teacher
            qtbot.waitUntil(lambda alone=alone: alone.view.width() > 1.9 * whole)
        if layout == "original":
            assert layer(view.teacher) is None
            assert not view.teacher.prediction.isVisible()  # nor is it the teacher's
    view.layouts.actions["difference"].trigger()
    view.layouts.actions["difference"].trigger()  # its key again goes back
    assert view.layouts.current == "side"


def test_a_double_click_shows_an_image_alone_and_both_again(view, qtbot):
    view.show_comparison(agreeing(), refining=False)
    for roles in (["student"], ["teacher", "student"]):
        qtbot.mouseDClick(view.student.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
        assert seen(view) == roles


def test_each_task_has_its_own_layout_and_it_comes_back(view):
    found = agreeing()
    view.layouts.actions["student"].trigger()
    view.set_models(LUNG_COLON, None, None)
    assert view.layouts.current == "side"
    view.layouts.actions["swipe"].trigger()
    other = ComparisonView()
    other.restore(json.loads(json.dumps(view.settings())))
    other.set_models(CHEST_XRAY, found.teacher.bundle, found.student.bundle)
    assert other.layouts.current == "student"
    other.set_models(LUNG_COLON, None, None)
    assert other.layouts.current == "swipe"
    dispose(other)


def heat_is_seen_at(panel, share):
    """Whether the heat map colours the image at a share of its width, in its upper third."""
    place = panel.view.displayed()
    at = QPoint(round(place.left() + share * place.width()), round(place.top() + 0.4 * place.height()))
    colour = panel.view.grab().toImage().pixelColor(at)
    return max(colour.red(), colour.green(), colour.blue()) - min(colour.red(), colour.green(), colour.blue()) > 30


def test_the_swipe_shows_the_heat_map_right_of_its_line_in_both(view, qtbot):
    view.show_comparison(agreeing(), refining=False)
    everywhere = replace(LEFT, values=np.array([[1, 1, 1], [1, 1, 1], [0, 0, 0]], np.float32))
    found = agreeing()
    same = replace(found, teacher=replace(found.teacher, heat_map=everywhere),
                   student=replace(found.student, heat_map=everywhere))  # fmt: skip
    view.show_comparison(same, refining=False)
    view.layouts.actions["swipe"].trigger()
    view.teacher.view.swipe.place(0.5)
    for panel in view.panels:
        assert [heat_is_seen_at(panel, share) for share in (0.3, 0.7)] == [False, True]
    for _ in range(5):
        qtbot.keyClick(view.student.view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.teacher.view.swipe.share == pytest.approx(0.75)
    assert not heat_is_seen_at(view.teacher, 0.7)
    view.layouts.actions["side"].trigger()
    assert heat_is_seen_at(view.teacher, 0.3)
