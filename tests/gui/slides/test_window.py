"""The slide window: opening, picking fields, the grid with its colours and table, and where they lead."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QFileDialog
from slide_samples import tissue, write_dicom, write_ome
from task_samples import LUNG_COLON

from core.images.reader import read_image
from core.images.region import Region
from gui.slides.overlay import class_colour
from gui.slides.results import AGREEMENT
from tests.gui.driving import PATIENCE
from tests.gui.slides.conftest import SIZE, result

ADENOCARCINOMA, BENIGN = "colon_aca", "colon_n"


def grabbed(view, x, y):
    """Return the colour on screen at a place of the slide."""
    at = view.viewport.to_view(view.viewport.extent)
    scale = view.viewport.scale
    return view.grab().toImage().pixelColor(round(at.left() + x * scale), round(at.top() + y * scale))


def texts(window):
    model = window.panel.table.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())
    ]


def compared(window, qtbot):
    with qtbot.waitSignal(window.grid.run.ended, timeout=PATIENCE):
        window.panel.compare.click()


def test_a_slide_is_shown_with_its_format_size_and_scale(window, qtbot):
    assert window.facts.text() == "OME-TIFF · 1,200 × 900 px · 2 µm/px"
    assert window.windowTitle() == "a.ome.tif – Twinlens"
    assert window.panel.side.value() == 192
    assert window.panel.length.text() == "= 384 µm"
    qtbot.waitUntil(lambda: len(window.view.cache._tiles) > 0, timeout=PATIENCE)
    empty, stained = grabbed(window.view, 100, 100), tissue(*SIZE)[450, 600]
    assert (empty.red(), empty.green(), empty.blue()) == (244, 244, 244)
    assert any(
        abs(grabbed(window.view, 600 + dx, 450 + dy).red() - int(stained[0])) < 60 for dx in (0, 2) for dy in (0, 2)
    )


def test_where_a_sharp_tile_is_not_read_yet_the_next_coarser_is_seen_and_else_the_overview(window, qtbot):
    view = window.view
    sharp, coarser = 0, 1
    qtbot.waitUntil(lambda: all(key in view.cache for key in view.viewport.tiles(sharp)), timeout=PATIENCE)
    overview = QImage(1, 1, QImage.Format.Format_RGB32)
    overview.fill(Qt.GlobalColor.blue)
    view._overview = overview
    for level, colour in ((sharp, Qt.GlobalColor.green), (coarser, Qt.GlobalColor.red)):
        tile = QImage(1, 1, QImage.Format.Format_RGB32)
        tile.fill(colour)
        for key in view.viewport.tiles(level):
            view.cache.put(key, tile)

    def seen():
        grabbed = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(grabbed.constBits(), np.uint8).reshape(grabbed.height(), grabbed.bytesPerLine())
        rgb = rows[:, : 3 * grabbed.width()].reshape(grabbed.height(), grabbed.width(), 3)
        return [float((rgb == colour).all(axis=2).mean()) for colour in ((0, 255, 0), (255, 0, 0), (0, 0, 255))]

    green, red, blue = seen()
    assert green > 0.5
    assert red == blue == 0
    missing = view.viewport.tiles(sharp)[0]
    del view.cache._tiles[missing]
    place = view.viewport.to_view(view.viewport.tile_extent(missing)).intersected(QRectF(view.rect()))
    share = place.width() * place.height() / (view.width() * view.height())
    fewer, red, blue = seen()
    assert red == pytest.approx(green - fewer) == pytest.approx(share, abs=0.02)
    assert blue == 0
    view.cache.clear()
    assert seen() == pytest.approx([0, 0, green], abs=0.02)


def test_a_click_with_the_field_tool_picks_the_field_about_it_within_the_slide(window, qtbot):
    assert not window.panel.open_field.isEnabled()
    window.tools["field"].trigger()
    middle = window.view.rect().center()
    qtbot.mouseClick(window.view, Qt.MouseButton.LeftButton, pos=middle)
    assert window.view.field.width == window.view.field.height == 192
    assert abs(window.view.field.x + 96 - 600) <= 2
    assert abs(window.view.field.y + 96 - 450) <= 2
    window.view.pick_at(QPointF(1190, 5))
    assert window.view.field == Region(SIZE[0] - 192, 0, 192, 192)
    assert window.panel.open_field.isEnabled()
    window.panel.side.setValue(100)
    assert window.view.field is None
    assert not window.panel.open_field.isEnabled()


@pytest.mark.parametrize("how", ["button", "key", "double-click"])
def test_a_field_is_opened_as_an_image_with_its_place_and_scale(how, window, qtbot):
    window.view.pick_at(QPointF(600, 450))
    with qtbot.waitSignal(window.field_opened, timeout=PATIENCE) as opened:
        match how:
            case "button":
                window.panel.open_field.click()
            case "key":
                qtbot.keyClick(window.view, Qt.Key.Key_Return)
            case "double-click":
                qtbot.mouseDClick(window.view, Qt.MouseButton.LeftButton, pos=window.view.rect().center())
    path = opened.args[0]
    image = read_image(path)
    assert image.pixels.shape == (192, 192, 3)
    assert image.spacing == pytest.approx((0.002, 0.002))
    assert Region.stated(path.name).width == 192


def test_the_grid_leaves_out_what_is_not_tissue_and_follows_the_rectangle(window, qtbot):
    window.panel.side.setValue(100)
    assert window.panel.count.text().endswith("fields in the whole slide")
    on_tissue = len(window.grid.fields())
    window.panel.tissue_only.setChecked(False)
    assert window.panel.count.text() == "108 fields in the whole slide"
    assert 4 <= on_tissue < 40
    window.tools["area"].trigger()
    to_view = window.view.viewport.to_view(window.view.viewport.extent)
    scale = window.view.viewport.scale
    corners = [(to_view.left() + x * scale, to_view.top() + y * scale) for x, y in ((301, 201), (625, 540))]
    start, end = (QPointF(*corner).toPoint() for corner in corners)
    qtbot.mousePress(window.view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(window.view, end)
    qtbot.mouseRelease(window.view, Qt.MouseButton.LeftButton, pos=end)
    assert window.panel.count.text() == "9 fields in the rectangle"
    assert all(field.x >= 300 and field.x + 100 <= 630 for field in window.grid.fields())
    qtbot.mouseClick(window.view, Qt.MouseButton.LeftButton, pos=start)  # takes the rectangle away
    assert window.panel.count.text() == "108 fields in the whole slide"


def test_too_many_fields_are_not_begun(window):
    window.panel.tissue_only.setChecked(False)
    window.panel.side.setValue(64)
    assert window.panel.compare.isEnabled()
    window.grid._slide = type(window.grid._slide)(
        **{**vars(window.grid._slide), "levels": (type(window.grid._slide.levels[0])(64_000, 64_000, 1.0),)}
    )
    window.grid.say_count()
    assert window.panel.count.text().startswith("1,000,000 fields are too many: draw a rectangle")
    assert not window.panel.compare.isEnabled()


def test_predictions_are_coloured_by_class_and_listed_and_each_leads_to_the_other(window, qtbot, by_hand):
    by_hand(lambda field: ((ADENOCARCINOMA if field.x < 600 else BENIGN, 0.98), (ADENOCARCINOMA, 0.9)))
    window.panel.tissue_only.setChecked(False)
    window.panel.side.setValue(300)
    compared(window, qtbot)
    assert window.panel.state.text() == "12 fields compared"
    names = {label.id: label.name for label in LUNG_COLON.classes}
    assert texts(window)[0] == ["0", "0", names[ADENOCARCINOMA], "98.0", names[ADENOCARCINOMA], "90.0", "✓"]
    assert texts(window)[3] == ["900", "0", names[BENIGN], "98.0", names[ADENOCARCINOMA], "90.0", "≠"]
    teacher, student = window.panel.legend._counts[ADENOCARCINOMA]
    assert (teacher.text(), student.text()) == ("6", "12")
    left, right = grabbed(window.view, 50, 50), grabbed(window.view, 950, 50)
    for found, label in ((left, ADENOCARCINOMA), (right, BENIGN)):
        colour = class_colour(LUNG_COLON, label)
        expected = [0.745 * c + 0.255 * 244 for c in (colour.red(), colour.green(), colour.blue())]
        assert [found.red(), found.green(), found.blue()] == pytest.approx(expected, abs=8)
    window.panel.mode.setCurrentIndex(window.panel.mode.findData("disagreement"))
    assert grabbed(window.view, 50, 50).red() == 244  # they agree
    assert grabbed(window.view, 950, 50).blue() < 180
    # from the slide to the table, and back
    at = window.view.viewport.to_view(window.view.viewport.extent)
    scale = window.view.viewport.scale
    place = QPointF(at.left() + 950 * scale, at.top() + 350 * scale).toPoint()
    qtbot.mouseClick(window.view, Qt.MouseButton.LeftButton, pos=place)
    row = window.panel.table.currentIndex().row()
    assert texts(window)[row][:2] == ["900", "300"]
    window.view.viewport.zoom(6, QPointF(10, 10))
    window.panel.table.selectRow(0)
    assert window.view.viewport.visible().contains(QPointF(150, 150))


def test_the_table_is_sorted_by_probability_and_agreement(window, qtbot, by_hand):
    by_hand(lambda field: ((ADENOCARCINOMA, 0.5 + field.x / 2500), (BENIGN if field.x == 300 else ADENOCARCINOMA, 0.9)))
    window.panel.tissue_only.setChecked(False)
    window.panel.side.setValue(300)
    compared(window, qtbot)
    window.panel.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    assert [row[0] for row in texts(window)][:3] == ["900", "900", "900"]
    window.panel.table.sortByColumn(AGREEMENT, Qt.SortOrder.AscendingOrder)
    assert [row[AGREEMENT] for row in texts(window)][:4] == ["≠", "≠", "≠", "✓"]


def test_what_is_not_assessable_stays_hidden_and_what_is_uncertain_is_marked(window, slide_path):
    from gui.slides.overlay import NOT_ASSESSABLE, Overlay, fill_of

    fields = [Region(0, 0, 300, 300), Region(300, 0, 300, 300)]
    strange = result(slide_path, fields[0], (BENIGN, 0.9), (BENIGN, 0.9), novel=True)
    unsure = result(slide_path, fields[1], (BENIGN, 0.6), (BENIGN, 0.6), plausible=(BENIGN, ADENOCARCINOMA))
    window.panel.results.begin(LUNG_COLON)
    window.panel.results.add([strange, unsure])
    names = {label.id: label.name for label in LUNG_COLON.classes}
    assert texts(window)[0][2:] == ["not assessable", "", "not assessable", "", ""]
    assert texts(window)[1][2:] == [f"? {names[BENIGN]}", "60.0", f"? {names[BENIGN]}", "60.0", "✓"]
    assert names[ADENOCARCINOMA] in window.panel.results.index(1, 2).data(Qt.ItemDataRole.ToolTipRole)
    for shown in ("teacher", "student", "disagreement"):
        fill = fill_of(strange, LUNG_COLON, shown)
        assert fill.hatched
        assert fill.colour.name() == NOT_ASSESSABLE
    assert fill_of(unsure, LUNG_COLON, "teacher").hatched
    certain = result(slide_path, fields[1], (BENIGN, 0.95), (BENIGN, 0.95))
    assert (
        fill_of(certain, LUNG_COLON, "teacher").colour.alphaF() > fill_of(unsure, LUNG_COLON, "teacher").colour.alphaF()
    )
    overlay = Overlay(fields, LUNG_COLON)
    overlay.add([unsure])
    assert overlay.number_at(QPointF(450, 10)) == 0
    assert overlay.number_at(QPointF(150, 10)) is None


def test_a_grid_can_be_stopped_and_what_was_found_is_exported(window, qtbot, by_hand, tmp_path, monkeypatch):
    def predict(_field):
        window.grid.run.stop()  # in the run's own thread, after its first field
        return (ADENOCARCINOMA, 0.9), (BENIGN, 0.8)

    by_hand(predict)
    window.panel.tissue_only.setChecked(False)
    window.panel.side.setValue(300)
    compared(window, qtbot)
    assert window.panel.state.text() == "Stopped after 1 of 12 fields"
    assert not window.panel.compare.isHidden()
    target = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    window.panel.export.click()
    qtbot.waitUntil(window.banner.isVisible, timeout=PATIENCE)
    with target.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert [row[f"image_region_{name}"] for name in ("x", "y", "width", "height")] == ["0", "0", "300", "300"]
    assert (row["teacher_predicted"], row["student_predicted"]) == (ADENOCARCINOMA, BENIGN)
    assert float(row["teacher_p_colon_aca"]) == pytest.approx(0.9)


def test_another_slide_starts_anew_and_a_damaged_one_is_named(window, qtbot, by_hand, tmp_path):
    by_hand(lambda _field: ((BENIGN, 0.9), (BENIGN, 0.8)))
    compared(window, qtbot)
    assert texts(window)
    other = write_dicom(tmp_path, tissue(500, 400), mpp=1.0)[0]
    pytest.importorskip("openslide")
    with qtbot.waitSignals([window.loader.opened, window.loader.overview], timeout=PATIENCE):
        window.open([other])
    assert window.facts.text().startswith("DICOM · 500 × 400 px · 1 µm/px")
    assert texts(window) == []
    broken = tmp_path / "broken.svs"
    broken.write_bytes(b"no slide")
    with qtbot.waitSignal(window.loader.failed, timeout=PATIENCE):
        window.open([broken])
    assert "broken.svs" in window.banner.words.text()
    assert window.facts.text() == ""
    assert window.slides.count() == 3


def test_memory_for_tiles_is_bounded(window, qtbot, slide_path, tmp_path):
    from gui.slides.tiles import TileCache, TileKey, as_picture

    cache = TileCache(most_bytes=10 * 64 * 64 * 4)
    tile = as_picture(tissue(64, 64, margin=0))
    for column in range(40):
        cache.put(TileKey(0, column, 0), tile.copy())
        cache.get(TileKey(0, 0, 0))  # the one that is looked at stays
    assert cache.bytes <= 10 * 64 * 64 * 4
    assert TileKey(0, 0, 0) in cache
    assert TileKey(0, 39, 0) in cache
    assert TileKey(0, 20, 0) not in cache


def test_everything_is_reached_by_the_keyboard_and_has_a_name(window, qtbot):
    window.view.setFocus()
    before = window.view.viewport.scale
    qtbot.keyClick(window.view, Qt.Key.Key_Plus)
    assert window.view.viewport.scale > before
    qtbot.keyClick(window.view, Qt.Key.Key_Right)
    assert window.view.viewport.centre.x() > 600
    qtbot.keyClick(window.view, Qt.Key.Key_0)
    assert window.view.viewport.scale == pytest.approx(before)
    qtbot.keyClick(window.view, Qt.Key.Key_Space)
    assert window.view.field is not None
    for widget in (window.view, window.slides, window.panel.side, window.panel.mode, window.panel.table):
        assert widget.accessibleName()


@pytest.mark.parametrize(("most", "length"), [(1.0, 1), (1.9, 1), (2.1, 2), (7, 5), (480, 200), (0.05, 0.05)])
def test_the_scale_bar_has_a_round_length(most, length):
    from gui.slides.orientation import round_length

    assert round_length(most) == pytest.approx(length)


def test_opening_a_slide_in_the_main_window_shows_it_and_its_fields_become_images(make_window, qtbot, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    write_ome(folder / "slide.ome.tif", tissue(600, 500), mpp=2.0)
    from PIL import Image

    Image.fromarray(tissue(224, 224, margin=0)).save(folder / "tile.png")
    main = make_window(cam="none")
    main.open_paths([folder])
    qtbot.waitUntil(lambda: main.slides.window is not None, timeout=PATIENCE)
    window = main.slides.window
    qtbot.waitUntil(lambda: window.facts.text().startswith("OME-TIFF"), timeout=PATIENCE)
    qtbot.waitUntil(lambda: main.worklist.rowCount() == 1, timeout=PATIENCE)
    assert main.worklist.entries()[0].path.name == "tile.png"
    window.view.pick_at(QPointF(300, 250))
    with qtbot.waitSignal(window.field_opened, timeout=PATIENCE) as opened:
        window.panel.open_field.click()
    qtbot.waitUntil(lambda: main.worklist.rowCount() == 2, timeout=PATIENCE)
    qtbot.waitUntil(lambda: main.controller.path == opened.args[0], timeout=PATIENCE)
    assert Region.stated(main.worklist.entries()[1].path.name) == window.view.field
    main.close()
    assert main.slides.window is None
    assert not [widget for widget in QApplication.topLevelWidgets() if widget is window and widget.isVisible()]
