import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from core.explain import rendering
from core.images.demo import demonstration_radiograph
from core.images.medical_image import Window
from core.images.reader import read_image
from gui.common import theme
from gui.comparison.image_view import ImageView
from gui.comparison.orientation import AS_IN_FILE
from gui.engine.image_pyramid import ScreenPicture, full_range, tails
from tests.gui.comparison_samples import LEFT, dispose, picture

SIZE = 224


@pytest.fixture(scope="module")
def radiograph():
    return read_image(demonstration_radiograph())


@pytest.fixture
def view(qapp, monkeypatch):
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)  # the tests' hand is faster than any person's
    theme.apply(qapp, "dark")
    window = QWidget()  # pyqtgraph's own close(), which a view without a parent would get, crashes
    made = ImageView("image", window)
    made.resize(SIZE, SIZE)
    window.resize(SIZE, SIZE)
    window.show()
    yield made
    dispose(window)


def seen(view):
    """The middle of what is on screen, RGB (H, W, 3), away from the words in the corners."""
    grabbed = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(grabbed.constBits(), np.uint8).reshape(grabbed.height(), grabbed.bytesPerLine())
    return rows[:, : 3 * grabbed.width()].reshape(grabbed.height(), grabbed.width(), 3)[60:180, 20:140].astype(int)


def noise():
    return np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), dtype=np.uint8)


def test_what_is_on_screen_is_what_core_render_blends(view):
    image = picture(noise())
    view.show_picture(ScreenPicture(image))
    plain = seen(view)
    layer = rendering.coloured(LEFT.resized(SIZE, SIZE), "viridis", 0.6)
    view.lay_over(layer)
    expected = rendering.blended(image.displayed(), layer)[60:180, 20:140]
    assert np.abs(plain - image.pixels[60:180, 20:140, None]).max() <= 1
    assert np.abs(seen(view) - expected).max() <= 3
    view.lay_over(None)
    assert (seen(view) == plain).all()


@pytest.mark.parametrize("factor", [0.95, 1.3, 3.7])
@pytest.mark.parametrize("turn", [AS_IN_FILE, AS_IN_FILE.rotated(1), AS_IN_FILE.flipped(across=True)])
def test_image_and_layer_are_seen_where_they_lie_at_any_zoom(view, factor, turn):
    """Both are ramps, which stay ramps however they are enlarged; the layer's is red and of a quarter of the pixels."""
    ramp = np.tile(np.arange(SIZE, dtype=np.uint8), (SIZE, 1))
    layer = np.zeros((SIZE // 2, SIZE // 2, 4), np.uint8)
    layer[..., 0], layer[..., 3] = ramp[::2, ::2], 128
    view.show_picture(ScreenPicture(picture(ramp)))
    view.set_orientation(turn)
    view.zoom(factor, QPointF(SIZE / 2 + 3.3, SIZE / 2 + 7.7))
    view.lay_over(layer)
    rows, columns = np.mgrid[60:180, 20:140]
    visible, scale = view.visible(), SIZE / view.visible().width()
    x, y = visible.left() + (columns + 0.5) / scale, visible.top() + (rows + 0.5) / scale
    inverse = view.plane.inverse
    value = inverse.m11() * x + inverse.m21() * y + inverse.dx() - 0.5
    assert 0 < value.min() < value.max() < SIZE - 1
    found = seen(view)
    opacity = 128 / 255
    np.testing.assert_allclose(found[..., 2], value * (1 - opacity), atol=1.5)
    np.testing.assert_allclose(found[..., 0], value * (1 - opacity) + (value - 0.5) * opacity, atol=2)


def test_left_of_the_cut_there_is_only_the_image(view):
    view.show_picture(ScreenPicture(picture(noise())))
    plain = seen(view)
    view.lay_over(np.full((2, 2, 4), 200, np.uint8))
    whole = seen(view)
    view.blended.cut(80.0)
    found = seen(view)
    assert (found[:, : 80 - 20] == plain[:, : 80 - 20]).all()
    assert (found[:, 80 - 20 :] == whole[:, 80 - 20 :]).all()


@pytest.mark.parametrize(
    "image",
    [
        picture((noise().astype(np.uint16) * 200), bits=16),
        picture((noise().astype(np.int16) - 100) * 8, bits=16, window=Window(0, 900)),
        picture((noise().astype(np.int16) - 100) * 8, bits=16, window=Window(0, 900, "SIGMOID"), inverted=True),
        picture(noise().astype(np.float32) / 7, bits=32, padding=noise() > 200),
        picture(np.dstack([noise(), noise().T, noise()[::-1]])),
    ],
    ids=["uint16", "int16", "sigmoid-inverted", "float-padded", "colour"],
)
@pytest.mark.parametrize("window", [None, (3.0, 300.0)])
def test_parts_are_as_bright_as_the_whole_image(image, window):
    part, (left, top, width, height) = ScreenPicture(image).part((30, 60, 50, 40), 1.0, window)
    rows, columns = slice(int(top), int(top + height)), slice(int(left), int(left + width))
    assert left <= 30 and top <= 60 and left + width >= 80 and top + height >= 100
    expected = np.rint(image.displayed(window)[rows, columns] * 255)
    assert (part == expected).all()


def test_a_large_image_is_shown_from_a_smaller_copy(radiograph):
    shown, covered = ScreenPicture(radiograph).part((0, 0, radiograph.width, radiograph.height), 0.25, None)
    assert shown.shape == (-(-radiograph.height // 4), -(-radiograph.width // 4))
    assert covered == (0, 0, radiograph.width, radiograph.height)
    whole = radiograph.displayed() * 255
    assert abs(shown.mean() - whole.mean()) < 1


def test_a_view_cuts_a_part_out_once_a_turn_of_the_event_loop(view, radiograph, qapp, monkeypatch):
    asked, part = [], ScreenPicture.part
    monkeypatch.setattr(ScreenPicture, "part", lambda self, *of: asked.append(of) or part(self, *of))
    view.show_picture(ScreenPicture(radiograph))
    view.set_window((0.0, 2000.0))
    view.zoom(2, QPointF(900, 900))
    assert asked == []
    qapp.processEvents()
    assert len(asked) == 1
    view.set_window((0.0, 1000.0))
    view.grab()  # what is painted is never behind
    assert [window for _wanted, _density, window, _inverted in asked] == [(0.0, 2000.0), (0.0, 1000.0)]


def test_two_views_of_the_same_part_share_it(radiograph):
    shown = ScreenPicture(radiograph)
    seen = [shown.part((0, 0, 900, 900), 0.5, window)[0] for window in (None, None, (0.0, 900.0), (0.0, 900.0))]
    assert np.shares_memory(seen[0], seen[1]) and np.shares_memory(seen[2], seen[3])
    assert not (seen[0] == seen[2]).all()


def test_an_image_in_its_own_way_is_ready_before_it_is_shown(radiograph, monkeypatch):
    shown = ScreenPicture(radiograph)
    monkeypatch.setattr(ScreenPicture, "_brightness", None)
    whole, _ = shown.part((0, 0, radiograph.width, radiograph.height), 1.0, None)
    assert (whole == np.rint(radiograph.displayed() * 255)).all()


def test_the_read_out_is_the_value_in_the_file(view, radiograph):
    import pydicom

    stored = pydicom.dcmread(demonstration_radiograph()).pixel_array
    view.show_picture(ScreenPicture(radiograph))
    for column, row in ((0, 0), (700, 900), (radiograph.width - 1, radiograph.height - 1)):
        assert view.pixel_text((column + 0.5, row + 0.5)) == f"x {column}  y {row}  ·  {stored[row, column]}"
    assert view.pixel_text((-1, 5)) == ""


def test_rows_of_high_pixels_are_read_where_they_are_shown(view):
    image = picture(noise(), pixel_aspect=2.0)
    view.show_picture(ScreenPicture(image))
    assert view.pixel_text((10.5, 101)) == f"x 10  y 50  ·  {image.pixels[50, 10]}"


def test_the_right_button_drags_window_and_level(view, qtbot):
    view.show_picture(ScreenPicture(picture(noise())))
    low, high = view.window_values()
    drag(view, qtbot, Qt.MouseButton.RightButton, QPoint(40, 0))
    wider = view.window_values()
    assert wider[1] - wider[0] > high - low
    assert sum(wider) == pytest.approx(low + high)
    drag(view, qtbot, Qt.MouseButton.RightButton, QPoint(0, 40))
    assert sum(view.window_values()) > sum(wider)
    view.reset()
    assert view.window_values() == (low, high)


def test_the_left_button_does_what_the_tool_says(view, qtbot):
    view.show_picture(ScreenPicture(picture(noise())))
    view.zoom(2, QPointF(SIZE / 2, SIZE / 2))
    assert view.visible().width() == pytest.approx(SIZE / 2)
    before = view.visible()
    drag(view, qtbot, Qt.MouseButton.LeftButton, QPoint(20, 10))
    assert view.visible().left() == pytest.approx(before.left() - 10, abs=1.5)
    assert view.visible().width() == pytest.approx(before.width())
    view.tool = "zoom"
    drag(view, qtbot, Qt.MouseButton.LeftButton, QPoint(0, -20))
    assert view.visible().width() < 0.95 * before.width()
    view.tool = "window"
    drag(view, qtbot, Qt.MouseButton.LeftButton, QPoint(30, 0))
    assert view.window_values() != (0.0, 255.0)


def test_the_keyboard_zooms_and_pans(view, qtbot):
    view.show_picture(ScreenPicture(picture(noise())))
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    closer = view.visible()
    assert closer.width() == pytest.approx(SIZE / 1.2)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.visible().left() == pytest.approx(closer.left() + 0.1 * closer.width())
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.visible().width() == pytest.approx(SIZE)


def test_zoom_stays_within_bounds(view):
    view.show_picture(ScreenPicture(picture(noise())))
    for _ in range(60):
        view.zoom(1.5, QPointF(10, 10))
    assert view.visible().width() == pytest.approx(8)
    for _ in range(60):
        view.zoom(1 / 1.5, QPointF(10, 10))
    assert view.visible().width() == pytest.approx(4 * SIZE)
    view.pan(QPointF(1e6, 1e6))
    assert view.visible().intersects(view.plane.seen_extent)


def test_windows_to_choose_from():
    values = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    image = picture(values, bits=16)
    assert full_range(image) == (0.0, 9999.0)
    assert tails(image) == pytest.approx((10, 9989), abs=1)
    assert full_range(picture(np.full((9, 9), 7, np.uint8))) == (7.0, 8.0)


def drag(view, qtbot, button, by):
    target, start = view.viewport(), QPoint(110, 110)
    qtbot.mouseMove(target, start)
    qtbot.mousePress(target, button, pos=start)
    for share in (0.3, 0.6, 1.0):
        send_move(target, button, QPointF(start) + QPointF(by) * share)
    qtbot.mouseRelease(target, button, pos=start + by)


def send_move(target, button, position):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    event = QMouseEvent(
        QEvent.Type.MouseMove, position, target.mapToGlobal(position), Qt.MouseButton.NoButton, button,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(target, event)
