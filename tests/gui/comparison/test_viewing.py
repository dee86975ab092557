"""How an image is looked at: turned, inverted, zoomed, measured, magnified, in frames and beside another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QInputDialog
from task_samples import CHEST_XRAY

from core.images.medical_image import Window
from gui.comparison.orientation import AS_IN_FILE, Orientation
from gui.comparison.saved_picture import composed
from gui.engine.image_pyramid import ScreenPicture
from tests.gui.comparison_samples import agreeing, heat, picture
from tests.gui.driving import wheel

DARK, BRIGHT = 20, 230
CORNER = heat([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])  # the heat map's only peak: the upper left corner


@pytest.fixture(autouse=True)
def quick_mouse(monkeypatch):
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)


def marked(width=300, height=200, **more):
    """A dark image whose upper left corner is bright."""
    pixels = np.full((height, width), DARK, np.uint8)
    pixels[: height // 4, : width // 4] = BRIGHT
    return picture(pixels, **more)


def show(view, image, heat_map=CORNER):
    view.show_picture(ScreenPicture(image))
    found = agreeing()
    parts = {role: replace(getattr(found, role), heat_map=heat_map) for role in ("teacher", "student")}
    view.show_comparison(replace(found, **parts), refining=False)


def grabbed(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def corners(view, of):
    """What a function of a small picture says of each corner of the image on screen, clockwise from top left."""
    place, seen = view.displayed(), grabbed(view.viewport())
    found = []
    for x, y in ((0.12, 0.12), (0.88, 0.12), (0.88, 0.88), (0.12, 0.88)):
        column, row = round(place.left() + x * place.width()), round(place.top() + y * place.height())
        found.append(of(seen[row - 3 : row + 4, column - 3 : column + 4]))
    return found


def is_bright(part):
    return bool(part.mean() > (DARK + BRIGHT) / 2)


def is_coloured(part):
    return bool((part.max(axis=2) - part.min(axis=2)).mean() > 25)


TURNS = {
    "rotate_right": 1,
    "rotate_left": 3,
    "flip_across": 1,
    "flip_down": 3,
}


@pytest.mark.parametrize("name", TURNS)
def test_image_heat_map_contour_and_measurement_are_turned_together(view, name):
    show(view, marked())
    views = view.first.views
    view.overlay_action.setChecked(False)
    before = [corners(one, is_bright) for one in views]
    view.viewing.changes[name].trigger()
    expected = [False] * 4
    expected[TURNS[name]] = True
    for one, was in zip(views, before, strict=True):
        assert was == [True, False, False, False]
        assert corners(one, is_bright) == expected
    view.overlay_action.setChecked(True)
    view.contour_action.setChecked(True)
    for one in views:
        assert corners(one, is_coloured) == expected
    view.first.measurements.place("distance", (10, 10))
    view.first.measurements.place("distance", (40, 20))
    for one in views:
        quarter = one.displayed()
        ends = [item.sceneBoundingRect().center() for item in one._outlines.items]
        ends += [item.sceneBoundingRect().center() for item in one.measuring._items[:2]]
        for end in ends:
            across = (end.x() - quarter.left()) / quarter.width() > 0.5
            down = (end.y() - quarter.top()) / quarter.height() > 0.5
            assert (across, down) == [(False, False), (True, False), (True, True), (False, True)][TURNS[name]]
        assert one.words.levels.text().endswith(one.plane.orientation.words)
    view.reset_action.trigger()
    assert [one.plane.orientation for one in views] == [AS_IN_FILE] * 2
    assert corners(views[0], is_coloured) == [True, False, False, False]


def test_the_part_in_view_stays_when_the_image_is_turned(view):
    show(view, marked())
    one = view.teacher.view
    one.zoom(4, QPointF(30, 30))
    middle = one.plane.inverse.map(one.visible().center())
    view.viewing.changes["rotate_right"].trigger()
    after = one.plane.inverse.map(one.visible().center())
    assert (after.x(), after.y()) == pytest.approx((middle.x(), middle.y()), abs=0.5)
    other = view.student.view.visible()
    assert other.center() == one.visible().center() and other.width() == pytest.approx(one.visible().width(), rel=0.01)
    one.point(one.plane.transform.map(QPointF(20.5, 10.5)))
    assert one.words.pixel.text() == f"x 20  y 10  ·  {BRIGHT}"
    assert view.student.view.words.pixel.text() == one.words.pixel.text()


def test_inverted_is_shown_the_other_way_round_and_padding_stays_black(view):
    padding = np.zeros((200, 300), bool)
    padding[150:, 225:] = True
    show(view, marked(padding=padding), heat_map=None)
    one = view.teacher.view
    plain = corners(one, lambda part: round(float(part.mean())))
    view.viewing.changes["invert"].trigger()
    inverted = corners(one, lambda part: round(float(part.mean())))
    assert plain == [BRIGHT, DARK, 0, DARK]
    assert inverted == [255 - BRIGHT, 255 - DARK, 0, 255 - DARK]
    assert one.words.levels.text().endswith("inverted")
    assert view.student.view.inverted
    view.viewing.changes["invert"].trigger()
    assert corners(one, lambda part: round(float(part.mean()))) == plain


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32])
def test_inversion_is_exact_for_every_kind_of_pixel(kind):
    values = (np.arange(64 * 64).reshape(64, 64) * 7 - (3000 if kind != np.uint16 else 0)).astype(kind)
    image = picture(values, bits=16, window=Window(5000, 9000))
    shown = ScreenPicture(image)
    plain, _ = shown.part((0, 0, 64, 64), 1.0, None)
    other, _ = shown.part((0, 0, 64, 64), 1.0, None, inverted=True)
    assert np.abs(255 - other.astype(int) - plain).max() <= 1  # rounded the other way
    assert (shown.part((0, 0, 64, 64), 1.0, None)[0] == plain).all()


def test_letters_and_scale_follow_the_image(view):
    show(view, marked(directions=("L", "F"), spacing=(0.5, 0.5)))
    marks = view.teacher.view.marks
    assert vars(marks.edges) == {"left": "R", "top": "H", "right": "L", "bottom": "F"}
    view.viewing.changes["flip_across"].trigger()
    assert vars(marks.edges) == {"left": "L", "top": "H", "right": "R", "bottom": "F"}
    view.viewing.changes["rotate_right"].trigger()
    assert vars(marks.edges) == {"left": "F", "top": "L", "right": "H", "bottom": "R"}
    one = view.teacher.view
    one.zoom_to(100)
    long, words = marks.scale
    assert words == "5 cm" and long == pytest.approx(100)  # 50 mm of half a millimetre a pixel
    one.zoom_to(400)
    assert marks.scale == (pytest.approx(80), "1 cm")
    assert "scale bar 1 cm" in marks.accessibleDescription()
    assert "left F" in marks.accessibleDescription()
    show(view, marked())
    assert (marks.scale, marks.edges.left) == (None, "")


def test_zoom_is_fitted_one_to_one_or_typed(view, monkeypatch):
    show(view, marked())
    one = view.teacher.view
    fitted = one.zoom_percent
    view.viewing.changes["actual_size"].trigger()
    assert one.zoom_percent == pytest.approx(100)
    assert "100 %" in one.words.levels.text()
    offered = []
    monkeypatch.setattr(QInputDialog, "getInt", lambda *asked: offered.append(asked[3]) or (250, True))
    view.viewing.zoom_percent.trigger()
    assert offered == [100]
    assert view.student.view.zoom_percent == pytest.approx(250, rel=0.01)
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_asked: (777, False))
    view.viewing.zoom_percent.trigger()
    assert one.zoom_percent == pytest.approx(250)
    view.viewing.changes["fit"].trigger()
    assert one.zoom_percent == pytest.approx(fitted)
    assert view.student.view.visible().contains(view.student.view.plane.seen_extent)


def test_presets_are_those_of_the_file_and_of_its_modality(view):
    values = (np.arange(64 * 64).reshape(64, 64) - 1500).astype(np.int16)
    windows = (("", Window(40, 400)), ("BONE ALGORITHM", Window(300, 2000)))
    show(view, picture(values, bits=16, modality="CT", window=windows[0][1], windows=windows))
    presets, one = view.viewing.presets, view.teacher.view
    shown = [action.text() for action in presets if action.isVisible()][3:]
    assert shown == ["Bone algorithm", "Lung", "Mediastinum", "Bone", "Soft tissue", "Brain"]
    presets[3].trigger()
    assert one.window_values() == windows[1][1].ends()
    presets[4].trigger()
    assert one.window_values() == view.student.view.window_values() == (-1350, 150)
    presets[0].trigger()
    assert one.chosen_window is None
    show(view, marked(modality="CR", windows=(("", Window(100, 50)),), window=Window(100, 50)))
    assert [action.isVisible() for action in presets] == [True] * 3 + [False] * 6


def test_the_wheel_steps_or_zooms_as_the_settings_say(view):
    show(view, marked())
    one, steps = view.teacher.view, []
    view.stepped.connect(steps.append)
    fitted = one.visible()
    wheel(one.viewport(), -1)
    wheel(one.viewport(), 2)
    assert steps == [1, -2]
    assert one.visible() == fitted
    wheel(one.viewport(), 1, Qt.KeyboardModifier.ControlModifier)
    assert one.visible().width() < fitted.width()
    view.set_wheel_zooms(True)
    closer = one.visible()
    wheel(one.viewport(), 1)
    assert one.visible().width() < closer.width()
    wheel(one.viewport(), -1, Qt.KeyboardModifier.ControlModifier)
    assert steps == [1, -2, 1]


def at(one, column, row):
    """Where a position of the image is on a view."""
    place = one.plane.transform.map(QPointF(column, row))
    return one.mapFromScene(one._box.mapViewToScene(place))


def test_a_distance_is_measured_with_the_mouse_moved_and_deleted(view, qtbot):
    show(view, marked(spacing=(0.5, 0.5)))
    one, listed = view.teacher.view, view.first.measurements
    view.tool_actions["distance"].trigger()
    ends = [at(one, 100, 60), at(one, 200, 60)]
    qtbot.mouseMove(one.viewport(), ends[0])
    for end in ends:
        qtbot.mouseClick(one.viewport(), Qt.MouseButton.LeftButton, pos=end)
    assert len(listed.found) == 1
    (start, end) = listed.found[0].points
    assert (end[0] - start[0], end[1] - start[1]) == (pytest.approx(100, abs=2), pytest.approx(0, abs=2))
    assert any("mm" in item.childItems()[0].text() for item in view.student.view.measuring._items if item.childItems())
    qtbot.mouseClick(one.viewport(), Qt.MouseButton.LeftButton, pos=at(one, 50, 50))
    assert listed.draft is not None
    view.reset_action.trigger()  # Esc: first what is being made, then the tool, then the view
    assert listed.draft is None and one.tool == "distance"
    view.reset_action.trigger()
    assert one.tool == "pan" and len(listed.found) == 1
    view.viewing.changes["delete_measurement"].trigger()
    assert listed.found == []
    assert view.student.view.measuring._items == []


def test_a_point_that_is_near_is_meant(view):
    show(view, marked())
    measuring, listed = view.teacher.view.measuring, view.first.measurements
    for kind, points in (("distance", ((10, 10), (60, 10))), ("ellipse", ((100, 50), (200, 150)))):
        for point in points:
            listed.place(kind, point)
    measuring.click((35, 11), 3)
    assert listed.chosen == 0
    measuring.click((200, 100), 3)
    assert listed.chosen == 1
    measuring.click((150, 100), 3)  # inside of an ellipse is not on it
    assert listed.chosen is None
    assert measuring.press((61, 9), 3)
    measuring.drag((70, 40))
    measuring.release((70, 40))
    assert listed.found[0].points == ((10, 10), (70, 40))
    assert not measuring.press((250, 20), 3)


def test_measurements_are_on_the_saved_picture_turned_with_it(view):
    show(view, marked(), heat_map=None)
    listed = view.first.measurements
    plain = composed(view.on_screen())
    for point in ((150, 20), (150, 180)):
        listed.place("distance", point)
    view.viewing.changes["rotate_right"].trigger()
    what = view.on_screen()
    assert what.orientation == Orientation(1)
    sheet = composed(what)
    assert what.measurements == tuple(listed.found)
    line = [(x, y) for y in range(sheet.height()) for x in range(0, 700)
            if sheet.pixelColor(x, y).name() == "#faf08c"]  # fmt: skip
    columns, rows = np.ptp([x for x, _y in line]), np.ptp([y for _x, y in line[: len(line)]])
    assert columns > 150 and rows < 60  # a line that was upright lies flat
    assert not any(
        plain.pixelColor(x, y).name() == "#faf08c" for y in range(0, plain.height(), 2) for x in range(0, 700)
    )


def test_the_glass_shows_the_image_larger_and_turned(view):
    show(view, marked(600, 400))
    one = view.teacher.view
    view.viewing.magnifier.setChecked(True)
    view.viewing.changes["rotate_right"].trigger()
    place = one.plane.transform.map(QPointF(150, 100))  # where the bright corner ends
    one.point(place)
    for glass in (one._magnifier, view.student.view._magnifier):
        assert glass.isVisible()
        seen = grabbed(glass).mean(axis=2)
        assert seen[60, 140] == BRIGHT and seen[140, 140] == seen[60, 60] == seen[140, 60] == DARK
    view.reset_action.trigger()
    assert not one._magnifier.isVisible()


def test_a_slider_chooses_the_frame_and_the_view_stays(view):
    first, second = (marked(frames=3, frame=number) for number in range(2))
    show(view, first)
    assert view.frames.isVisible() and view.frames.words.text() == "Frame 1 of 3"
    chosen = []
    view.frame_chosen.connect(chosen.append)
    wheel(view.teacher.view.viewport(), -1)
    view.frames.slider.setValue(3)
    view.frames.step(5)
    assert chosen == [1, 2]
    view.viewing.changes["flip_down"].trigger()
    view.teacher.view.zoom(3, QPointF(40, 40))
    view.viewing.presets[2].trigger()
    before = view.teacher.view.visible(), view.teacher.view.chosen_window
    view.show_picture(ScreenPicture(second))
    assert (view.teacher.view.visible(), view.teacher.view.chosen_window) == before
    assert view.teacher.view.plane.orientation == AS_IN_FILE.flipped(across=False)
    assert view.frames.words.text() == "Frame 2 of 3"
    assert view.teacher.prediction.text() == "–"
    show(view, marked())
    assert not view.frames.isVisible()
    assert view.teacher.view.plane.orientation == AS_IN_FILE


def test_a_second_image_stays_below_linked_or_not(view, qtbot):
    show(view, marked())
    view.viewing.keep_below.trigger()
    assert view.layouts.current == "four"
    below = view.second
    assert below.isVisible() and below.teacher.prediction.text() == "COVID-19  91 %"
    show(view, replace(marked(600, 400), path=Path("other.png"), digest="2" * 64))
    assert view.teacher.view.words.name.text() == "other.png"
    assert below.teacher.view.words.name.text() == "picture.png"
    qtbot.waitUntil(lambda: below.teacher.view.height() > 100)
    view.viewing.changes["flip_across"].trigger()
    view.teacher.view.zoom_to(100)
    assert below.teacher.view.zoom_percent == pytest.approx(200, rel=0.02)  # the same share of an image half as large
    view.viewing.linked.setChecked(False)
    view.teacher.view.zoom_to(50)
    assert below.teacher.view.zoom_percent == pytest.approx(200, rel=0.02)
    view.viewing.changes["flip_across"].trigger()
    orientations = [pair.view.plane.orientation for pair in (view.first, below)]
    assert orientations == [AS_IN_FILE, AS_IN_FILE.flipped(across=True)]
    view.layouts.actions["side"].trigger()
    assert not below.isVisible()
    view.layouts.actions["four"].trigger()
    assert below.teacher.view.words.name.text() == "picture.png"
    view.show_empty()
    assert below.picture is None


def test_without_a_kept_one_the_image_on_screen_is_the_second(view):
    found = agreeing()
    view.layouts.actions["four"].trigger()
    assert view.second.picture is view.first.picture
    view.show_comparison(found, refining=False)
    assert view.second.student.prediction.text() == view.student.prediction.text() == "COVID-19  89 %"
    view.set_models(CHEST_XRAY, found.teacher.bundle, found.student.bundle)


@pytest.mark.parametrize("button", [Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton])
def test_the_middle_button_pans_whatever_the_tool(view, qtbot, button):
    from tests.gui.comparison.test_image_view import drag

    show(view, marked())
    view.tool_actions["ellipse"].trigger()
    one = view.teacher.view
    one.zoom(3, QPointF(150, 100))
    before = one.visible()
    drag(one, qtbot, button, QPoint(30, 0))
    panned = button == Qt.MouseButton.MiddleButton
    assert (one.visible().left() < before.left()) == panned
    assert len(view.first.measurements.found) == (0 if panned else 1)


def test_a_click_with_the_right_button_asks_for_the_menu_and_a_drag_does_not(view, qtbot):
    from tests.gui.comparison.test_image_view import drag

    show(view, marked())
    asked = []
    view.menu_wanted.connect(lambda panel, _at: asked.append(panel.role))
    drag(view.student.view, qtbot, Qt.MouseButton.RightButton, QPoint(40, 0))
    assert asked == []
    qtbot.mouseClick(view.student.view.viewport(), Qt.MouseButton.RightButton, pos=QPoint(100, 100))
    assert asked == ["student"]
