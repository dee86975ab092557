import csv
import json
import threading

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QFileDialog

from core import NOTICE
from core.compare.session import Choice, ComparisonSession
from core.errors import ExplanationError
from core.images.demo import demonstration_radiograph
from core.runtimes.openvino_runtime import OpenVinoRuntime
from core.system.output_names import SIDES
from gui.common import wording
from gui.engine.events import ComparisonGrown
from gui.worklist.entry import State
from gui.worklist.filter import Show
from gui.worklist.order import Order

PATIENCE = 120_000


@pytest.fixture
def folder(tmp_path, png):
    """Three real pictures of a radiograph at two depths, a text file, and a file that only claims to be a picture."""
    root = tmp_path / "images"
    (root / "deep").mkdir(parents=True)
    png(root / "a.png")
    png(root / "deep" / "b.png", flipped=True)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (root / "notes.txt").write_text("no image")
    return root


def all_settled(window, count):
    def check():
        states = [entry.state for entry in window.worklist.entries()]
        assert len(states) == count
        assert State.WAITING not in states

    return check


def test_the_window_says_what_the_headless_program_says(analysed):
    expected = ComparisonSession().examine(demonstration_radiograph(), Choice(cam="none")).record
    (entry,) = analysed.worklist.entries()
    for side in SIDES:
        for label, p in getattr(expected, side).probabilities.items():
            assert getattr(entry.file_result.record, side).probabilities[label] == pytest.approx(p, abs=1e-4)
    assert entry.file_result.agree == expected.agreement.same_class


def test_another_class_is_explained_without_asking_the_networks_again(make_window, qtbot, monkeypatch):
    window = make_window()
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.open_paths([demonstration_radiograph()])
    first = window.controller.comparison
    assert first.cam_iou20 is not None
    other = (first.teacher.prediction.top + 1) % 3
    asked = []
    for name in ("forward", "forward_with_maps"):
        monkeypatch.setattr(OpenVinoRuntime, name, lambda *_: asked.append(1))
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.comparison.class_chosen.emit(other)
    found = window.controller.comparison
    assert not asked
    assert found.teacher.heat_map.class_index == found.student.heat_map.class_index == other
    assert found.teacher.prediction is first.teacher.prediction
    assert not np.allclose(found.teacher.heat_map.values, first.teacher.heat_map.values)
    assert window.chooser.chosen_class() == other


def test_what_heat_maps_need_is_made_ready_before_the_first_image(make_window, qtbot, monkeypatch):
    prepared = []
    prepare = OpenVinoRuntime.prepare_masks

    def recorded(runtime):
        prepare(runtime)
        prepared.append(runtime)

    monkeypatch.setattr(OpenVinoRuntime, "prepare_masks", recorded)
    make_window()
    qtbot.waitUntil(lambda: len(prepared) == 2, timeout=PATIENCE)
    assert len({runtime.layer for runtime in prepared}) == 2
    prepared.clear()
    window = make_window(cam="none")
    qtbot.waitSignal(window.controller.models_ready, timeout=PATIENCE).wait()  # an image would keep it from preparing
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.open_paths([demonstration_radiograph()])
    assert not prepared


def test_a_folder_is_searched_and_all_of_it_analysed(make_window, qtbot, folder):
    window = make_window([folder], cam="none")
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 3, timeout=PATIENCE)
    assert [entry.path.name for entry in window.worklist.entries()] == ["a.png", "broken.png", "b.png"]
    window.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(all_settled(window, 3), timeout=PATIENCE)
    states = {entry.path.name: entry.state for entry in window.worklist.entries()}
    assert states == {"a.png": State.DONE, "broken.png": State.FAILED, "b.png": State.DONE}
    broken = next(entry for entry in window.worklist.entries() if entry.error)
    assert "damaged" in broken.error

    window.list.show_box.setCurrentIndex(window.list.show_box.findData(Show.FAILED))
    assert [entry.path.name for entry in window.list.shown_entries()] == ["broken.png"]
    window.list.choose(broken.path)
    qtbot.waitUntil(lambda: broken.error in visible_words(window), timeout=PATIENCE)
    window.list.clear_filter()


def visible_words(window):
    from PySide6.QtWidgets import QLabel

    return " ".join(label.text() for label in window.findChildren(QLabel) if label.isVisible())


def test_the_reason_of_a_failed_file_stays_while_others_are_analysed(make_window, qtbot, folder):
    window = make_window([folder], cam="none")
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 3, timeout=PATIENCE)
    window.list.choose(folder / "broken.png")
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.controller.models_changed()  # so that they are loaded for the others
    window.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(all_settled(window, 3), timeout=PATIENCE)
    assert "damaged" in visible_words(window)


def test_the_table_holds_what_the_window_shows(analysed, qtbot, tmp_path, monkeypatch):
    target = tmp_path / "table.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    analysed.commands.actions["export_csv"].trigger()
    qtbot.waitUntil(lambda: str(target) in analysed.banner.words.text(), timeout=PATIENCE)
    with target.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    result = analysed.worklist.entries()[0].file_result
    assert row["teacher_predicted"] == result.record.teacher.predicted
    assert float(row["js_divergence"]) == pytest.approx(result.divergence)
    assert row["notice"] == "For research use only. Not for diagnosis."


def test_a_table_that_cant_be_written_is_said_and_leaves_nothing(analysed, qtbot, tmp_path, monkeypatch):
    target = tmp_path / "missing" / "table.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    analysed.commands.actions["export_csv"].trigger()
    qtbot.waitUntil(lambda: "The folder does not exist" in analysed.banner.words.text(), timeout=PATIENCE)
    assert not target.parent.exists()


def test_without_an_answer_there_is_no_table(make_window):
    window = make_window()
    window.commands.actions["export_csv"].trigger()
    assert "Nothing has been analysed yet" in window.banner.words.text()


def test_other_methods_say_that_they_are_loading_until_their_map_is_there(analysed, qtbot, monkeypatch):
    made = threading.Event()

    def explain(*_):
        made.wait(PATIENCE / 1000)
        raise ExplanationError("The process ended.", remedy="Choose another method.")

    monkeypatch.setattr(analysed.engine._runner._session, "explain", explain)
    box, panel = analysed.chooser.cam_box, analysed.comparison.teacher
    box.setCurrentIndex(box.findData("Grad-CAM"))
    try:
        with qtbot.waitSignal(analysed.controller.settled, timeout=PATIENCE):
            box.activated.emit(box.currentIndex())
            qtbot.waitUntil(lambda: "Loading Grad-CAM" in panel.method.text(), timeout=PATIENCE)
            assert panel.progress.isVisible()
            made.set()
    finally:
        made.set()
    assert "Loading" not in panel.method.text()
    assert not panel.progress.isVisible()


def test_the_answers_stand_where_a_map_can_not_be_made(analysed, qtbot, monkeypatch):
    def explain(*_):
        raise ExplanationError("The process ended.", remedy="Choose another method.")

    monkeypatch.setattr(analysed.engine._runner._session, "explain", explain)
    box = analysed.chooser.cam_box
    with qtbot.waitSignal(analysed.controller.settled, timeout=PATIENCE) as settled:
        box.setCurrentIndex(box.findData("Grad-CAM"))
        box.activated.emit(box.currentIndex())
    assert settled.args == [True]
    assert "The process ended. Choose another method." in analysed.banner.words.text()
    assert analysed.comparison.teacher.prediction.isVisible()
    assert analysed.comparison.teacher.method.text() == "No heat map"
    assert analysed.worklist.entries()[0].state is State.DONE


def test_dropped_files_are_opened(make_window, qtbot, folder):
    window = make_window()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 3, timeout=PATIENCE)


def test_a_folder_without_images_is_said(make_window, qtbot, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    window = make_window([empty])
    qtbot.waitUntil(lambda: "There are no images in" in window.banner.words.text(), timeout=PATIENCE)
    assert str(empty) in window.banner.words.text()


def test_an_empty_window_says_how_to_begin_before_and_after_its_models_are_loaded(make_window, qtbot):
    window = make_window(cam="none")
    qtbot.waitUntil(lambda: "Loading" in visible_words(window), timeout=PATIENCE)
    assert "Drop images" in visible_words(window)
    assert window.comparison.empty.demonstration.isVisible()
    qtbot.waitUntil(lambda: bool(window.controller.bundles), timeout=PATIENCE)
    assert "Drop images" in visible_words(window)
    assert "Loading" not in visible_words(window)


def test_the_last_session_comes_back(make_window, qtbot, folder):
    first = make_window([folder], cam="none")
    qtbot.waitUntil(lambda: first.worklist.rowCount() == 3, timeout=PATIENCE)
    first.list.choose(folder / "deep" / "b.png")
    first.resize(1100, 700)
    first.close()
    second = make_window(cam="none")
    assert [entry.path for entry in second.worklist.entries()] == [e.path for e in first.worklist.entries()]
    assert second.list.current_path() == folder / "deep" / "b.png"
    assert second.controller.path == folder / "deep" / "b.png"


def test_without_history_nothing_is_remembered(make_window, qtbot, folder, own_data):
    from dataclasses import replace

    from gui.settings.session import forget, recent

    window = make_window([folder], cam="none")
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 3, timeout=PATIENCE)
    assert recent(window.settings) == [folder]
    window.set_preferences(replace(window.preferences, history=False))
    forget(window.settings)
    window.close()
    assert recent(window.settings) == []
    assert not (own_data / "session.json").exists()


def test_a_damaged_session_is_a_new_one(make_window, own_data):
    own_data.mkdir()
    for damage in ("{", json.dumps([1]), json.dumps({"files": 3, "current": None, "choice": {}, "view": {}})):
        (own_data / "session.json").write_text(damage)
        assert make_window().worklist.rowCount() == 0


def test_what_is_not_installed_is_greyed_with_how_to_get_it(make_window):
    box = make_window().chooser.teacher_box
    missing = [row for row in range(box.count()) if "not installed" in box.itemText(row)]
    assert missing
    for row in missing:
        assert not box.model().item(row).isEnabled()
        assert "Import model" in box.itemData(row, Qt.ItemDataRole.ToolTipRole)
    assert box.currentText() == "VGG19"


def test_an_unexpected_error_is_shown_with_details_and_the_program_goes_on(make_window, qtbot, capsys):
    window = make_window()

    def fail():
        raise ZeroDivisionError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: window.notifications.dialog is not None)
    dialog = window.notifications.dialog
    assert "ZeroDivisionError: in a thread" in dialog.details.toPlainText()
    dialog.copy()
    assert "ZeroDivisionError" in QGuiApplication.clipboard().text()
    window.notifications.show_error(ValueError("another"))
    assert "ValueError: another" in dialog.details.toPlainText()
    dialog.close()
    qtbot.waitUntil(lambda: window.notifications.dialog is None)
    assert window.isVisible()
    capsys.readouterr()


def test_next_and_previous_image_by_keys(make_window, qtbot, folder):
    window = make_window([folder], cam="none")
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 3, timeout=PATIENCE)
    window.list.order_box.setCurrentIndex(window.list.order_box.findData(Order.NAME))
    window.commands.actions["first"].trigger()
    assert window.controller.path.name == "a.png"
    window.commands.actions["next"].trigger()
    assert window.controller.path.name == "b.png"
    qtbot.keyClick(window.list.list, Qt.Key.Key_Down)
    assert window.controller.path.name == "broken.png"
    window.commands.actions["next"].trigger()
    assert window.controller.path.name == "broken.png"
    window.commands.actions["previous"].trigger()
    assert window.controller.path.name == "b.png"


def test_closing_during_exact_score_cam_stops_it(make_window, qtbot):
    window = make_window(cam="exact")
    grown = qtbot.waitSignal(
        window.engine.happened, timeout=PATIENCE, check_params_cb=lambda event: isinstance(event, ComparisonGrown)
    )
    with grown:
        window.open_paths([demonstration_radiograph()])
    assert window.controller.comparison is not None
    # the fixture closes the window and checks that no thread is left


def test_the_window_says_what_it_is_not_for_in_the_words_that_stand_everywhere():
    assert wording.notice() == NOTICE
