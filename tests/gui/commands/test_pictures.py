"""Pictures between this program and others: copied, pasted, printed, dragged; and the context menus."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtPrintSupport import QPrinter

import gui.commands.pictures
from core.images.reader import read_image
from core.system.cache import CACHES, PASTED_IMAGES
from gui.commands.pictures import pasted_file, print_picture
from gui.worklist.drag_out import DragOut, files_to_copy
from tests.gui.comparison.test_image_view import send_move
from tests.gui.driving import PATIENCE, settled, wheel


@pytest.fixture
def clipboard(qapp):
    board = QGuiApplication.clipboard()
    board.clear()
    yield board
    board.clear()


def grey(pixels):
    height, width = pixels.shape
    return QImage(pixels.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()


def test_a_pasted_picture_is_a_file_of_the_same_pixels_written_once():
    random = np.random.default_rng(0)
    values = random.integers(0, 256, (31, 45), dtype=np.uint8)
    path = pasted_file(grey(values))
    np.testing.assert_array_equal(read_image(path).pixels, values)
    assert pasted_file(grey(values).convertToFormat(QImage.Format.Format_ARGB32)) == path
    colours = random.integers(0, 256, (31, 45, 3), dtype=np.uint8)
    other = pasted_file(QImage(colours.tobytes(), 45, 31, 135, QImage.Format.Format_RGB888).copy())
    np.testing.assert_array_equal(read_image(other).pixels, colours)
    assert other != path and PASTED_IMAGES in CACHES


def test_what_is_pasted_is_opened_like_a_file(window, qtbot, two, clipboard):
    commands = window.commands.actions
    commands["paste"].trigger()
    assert "no image on the clipboard" in window.banner.words.text()
    clipboard.setImage(QImage(str(two[1])))
    assert settled(window, qtbot, commands["paste"].trigger)
    assert window.controller.path.parent == PASTED_IMAGES.folder
    with Image.open(two[1]) as written:
        np.testing.assert_array_equal(read_image(window.controller.path).pixels, np.asarray(written))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(two[1]))])
    clipboard.setMimeData(data)
    settled(window, qtbot, commands["paste"].trigger)
    assert window.controller.path == two[1]


def test_the_comparison_is_copied_with_its_notice_and_printed_on_a_page(window, clipboard, tmp_path):
    view = window.comparison
    for point in ((20, 20), (90, 20)):
        view.first.measurements.place("distance", point)
    window.commands.actions["copy_picture"].trigger()
    copied = clipboard.image()
    assert copied == gui.commands.pictures.composed(view.on_screen()).convertToFormat(copied.format())
    assert "Copied" in window.banner.words.text()
    printer = QPrinter(QPrinter.PrinterMode.ScreenResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "page.pdf"))
    print_picture(copied, printer)
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "page.pdf").stat().st_size > 10_000  # the picture is on it


def test_the_file_on_screen_is_shown_in_its_folder(window, two, monkeypatch):
    shown = []
    monkeypatch.setattr(gui.commands.pictures, "show_in_folder", shown.append)
    window.commands.actions["show_in_folder"].trigger()
    assert shown == [two[0]]


def test_rows_are_dragged_out_as_files_to_be_copied(window, qtbot, two, monkeypatch):
    started = []
    monkeypatch.setattr(DragOut, "start", lambda drag: started.append(drag._listed.selected_paths()))
    rows = window.list.list
    place = rows.visualRect(rows.model().index(1, 0)).center()
    qtbot.mousePress(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    send_move(rows.viewport(), Qt.MouseButton.LeftButton, (place + QPoint(1, 0)).toPointF())
    assert started == []
    send_move(rows.viewport(), Qt.MouseButton.LeftButton, (place + QPoint(60, 0)).toPointF())
    qtbot.mouseRelease(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert started == [[two[1]]]
    assert [Path(url.toLocalFile()) for url in files_to_copy(two).urls()] == two
    qtbot.waitUntil(lambda: window.controller.on_screen == two[1], timeout=PATIENCE)


def texts(menu):
    return [action.text().replace("&", "") for action in menu.actions() if action.text()]


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # a menu on the offscreen platform
def test_menus_of_image_findings_and_file(window, qtbot, two, clipboard):
    view, menus = window.comparison, window.menus
    qtbot.mouseClick(view.student.view.viewport(), Qt.MouseButton.RightButton, pos=QPoint(60, 60))
    entries = texts(menus.menu)
    assert {"Rotate right", "Invert", "Reset the view", "Copy picture of the comparison", "Show in folder",
            "Model card of the student", "Heat map for"} <= set(entries)  # fmt: skip
    assert "Delete measurement" not in entries
    menus.menu.close()
    table = view.table
    view.table.menu_wanted.emit(2, QPoint(10, 10))
    assert texts(menus.menu) == [f"Heat map for {table.names()[2]}", "Copy values"]
    menus.menu.actions()[1].trigger()
    lines = [line.split("\t") for line in clipboard.text().splitlines()]
    assert lines[0] == ["Finding", "Teacher", "Student"]
    assert [line[1] for line in lines[1:]] == table.figures("teacher")
    menus.menu.close()
    rows = window.list.list
    rows.customContextMenuRequested.emit(rows.visualRect(rows.model().index(0, 0)).center())
    assert texts(menus.menu) == ["Show in folder", "Remove from the worklist", "Copy path"]
    menus.menu.actions()[2].trigger()
    assert clipboard.text() == str(two[0])
    menus.menu.close()


def test_the_wheel_goes_through_the_files_and_no_view_changes_what_the_networks_get(window, qtbot, two):
    view, before = window.comparison, window.comparison.first.comparison
    jobs = []
    honest, window.engine.do = window.engine.do, jobs.append
    for name in ("invert", "rotate_right", "flip_across", "preset_2", "actual_size", "four_up"):
        window.commands.actions[name].trigger()
    view.teacher.view.drag_window(40, 10)
    window.engine.do = honest
    assert jobs == []  # nothing is computed anew …
    assert view.first.comparison is before
    settled(window, qtbot, lambda: window.controller.show(two[0]))  # … and if it is, it is the same
    again = view.first.comparison
    for role in ("teacher", "student"):
        assert (getattr(again, role).prediction.logits == getattr(before, role).prediction.logits).all()
    settled(window, qtbot, lambda: wheel(view.teacher.view.viewport(), -1))
    assert window.controller.path == two[1]
    assert view.second.picture.image.path == two[0]  # the prior stays
    settled(window, qtbot, lambda: wheel(view.teacher.view.viewport(), 1))
    assert window.controller.path == two[0]


def test_another_frame_is_compared_and_the_files_result_stays_that_of_the_first(make_window, qtbot, tmp_path, two):
    import pydicom
    from image_samples import dataset, dicom_bytes

    first, second = (read_image(path).pixels for path in two)
    data = dataset(first, bits=8, NumberOfFrames=2)
    data.PixelData = np.stack([first, second]).tobytes()
    path = tmp_path / "frames.dcm"
    path.write_bytes(dicom_bytes(data))
    assert pydicom.dcmread(path).NumberOfFrames == 2
    window = make_window(cam="none")
    settled(window, qtbot, lambda: window.open_paths([path]))
    record = window.worklist.entries()[0].file_result.record
    before = window.comparison.first.comparison
    settled(window, qtbot, window.commands.actions["next_frame"].trigger)
    other = window.comparison.first.comparison
    assert (other.teacher.prediction.logits != before.teacher.prediction.logits).any()
    assert window.comparison.teacher.view.pixel_text((10.5, 10.5)).endswith(str(second[10, 10]))
    assert window.worklist.entries()[0].file_result.record == record
    assert window.controller.ready is None  # a report compares the first frame
    assert not window.comparison.review.isEnabled()
    settled(window, qtbot, window.commands.actions["previous_frame"].trigger)
    assert (window.comparison.first.comparison.teacher.prediction.logits == before.teacher.prediction.logits).all()
    assert window.comparison.review.isEnabled()
