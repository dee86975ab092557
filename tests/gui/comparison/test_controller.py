"""What stands on screen belongs to the file that is selected: driven by keys, as a person does it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox

import gui.engine.session
from core.errors import UsageError
from core.images.reader import read_image
from core.records.review import Review
from gui.engine.events import BatchProgress, ImageOpened
from gui.worklist.entry import State
from tests.gui.driving import PATIENCE, settled, wheel


def nothing_of_an_image_is_shown(window):
    view = window.comparison
    assert not window.findChild(type(view.review)).isEnabled()
    assert (view.agreement.text() + view.facts.text()).removeprefix("Opening b.png") == ""
    for panel in view.panels:
        assert panel.prediction.text() == "–"
        assert not panel.view.blended.isVisible()
        assert panel.view.words.name.text() == ""
        assert set(view.table.figures(panel.role)) <= {"–"}
    return True


def test_while_the_next_image_loads_nothing_of_the_last_is_shown_and_nothing_can_be_said_of_it(window, qtbot, two):
    view = window.comparison
    qtbot.keyClick(window.list.list, Qt.Key.Key_Down)  # what the engine answers waits until events are handled again
    assert nothing_of_an_image_is_shown(window)
    assert window.windowTitle() == "b.png – Twinlens"
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert [entry.review for entry in window.worklist.entries()] == [Review(), Review()]
    assert "no prediction to read" in window.banner.words.text()
    qtbot.waitUntil(lambda: window.controller.on_screen == two[1], timeout=PATIENCE)
    assert [panel.view.words.name.text() for panel in view.panels] == ["b.png", "b.png"]
    assert "(median of 2)" in view.facts.text()
    qtbot.keyClick(window, Qt.Key.Key_X)
    assert [entry.review.reading for entry in window.worklist.entries()] == [None, "other"]


def test_a_note_that_is_being_typed_stays_with_its_image(window, qtbot, two):
    qtbot.keyClick(window, Qt.Key.Key_M)
    note = window.comparison.review.note
    qtbot.keyClicks(note, "masses")
    settled(window, qtbot, lambda: qtbot.keyClick(note, Qt.Key.Key_PageDown))
    assert [entry.review.note for entry in window.worklist.entries()] == ["masses", ""]
    assert note.text() == ""


def test_what_comes_late_of_a_file_that_was_taken_off_the_screen_is_not_shown(window, qtbot, two):
    settled(window, qtbot, lambda: qtbot.keyClick(window.list.list, Qt.Key.Key_Down))
    late = ImageOpened(window.controller._ticket, window.controller._shown)
    window.controller.show_nothing()
    window.engine.happened.emit(late)
    assert window.comparison.empty.message.isVisible()
    assert "Drop images" in window.comparison.empty.message.text()
    assert window.windowTitle() == "Twinlens"


def test_a_file_that_became_another_image_is_shown_as_it_is_now(window, qtbot, two):
    qtbot.keyClick(window, Qt.Key.Key_X)
    Image.fromarray(np.full((64, 48), 90, np.uint8)).save(two[0])
    seen = []
    window.controller.screen_changed.connect(lambda path, _basis: seen.append(path))
    settled(window, qtbot, lambda: window.controller.show(two[0]))
    assert seen == [None, two[0]]
    assert "48 × 64" in window.comparison.teacher.view.words.study.text()
    assert window.worklist.entries()[0].review == Review()  # what was said was of the other image


def choose_threads(window, threads):
    window.set_preferences(replace(window.preferences, threads=threads))


def said(window):
    """What the worklist says of each file, None where it waits."""
    return [entry.file_result and entry.file_result.record.teacher.probabilities for entry in window.worklist.entries()]


def test_another_choice_takes_the_predictions_off_the_screen_and_leaves_the_image(window, qtbot, two):
    settled(window, qtbot, lambda: choose_threads(window, 1))
    seen = []
    window.controller.screen_changed.connect(lambda path, _basis: seen.append(path))
    choose_threads(window, 2)
    assert seen == [None]
    assert not window.comparison.review.isEnabled()
    assert window.comparison.teacher.prediction.text() == "–"
    assert window.comparison.teacher.view.blended.isVisible()


def test_answers_come_back_with_their_choice_and_the_reading_stays_with_the_image(window, qtbot, two):
    before = said(window)
    qtbot.keyClick(window, Qt.Key.Key_X)
    assert settled(window, qtbot, lambda: choose_threads(window, 1))
    assert [answer is not None for answer in said(window)] == [True, False]
    assert window.worklist.entries()[0].review == Review("other")
    qtbot.keyClick(window, Qt.Key.Key_U)
    choose_threads(window, 0)
    assert said(window) == before  # at once, without asking the models
    assert [entry.review.reading for entry in window.worklist.entries()] == ["not_assessable", None]


def test_a_turn_of_the_wheel_over_the_choices_changes_nothing(window, two):
    before, choice = said(window), window.controller.choice
    for box in window.chooser.findChildren(QComboBox):
        wheel(box)
    assert window.controller.choice == choice
    assert said(window) == before


def test_a_batch_goes_on_for_what_the_choice_still_wants(window, qtbot, two):
    third = two[0].with_name("c.png")
    third.write_bytes(two[0].read_bytes())
    window.worklist.add([third])
    window.commands.actions["analyse_all"].trigger()
    window.commands.actions["pause"].trigger()
    choose_threads(window, 1)
    assert window.controller.batch_running
    assert window.batch_bar.words.text() == "Paused at 0 / 1"  # only of what it was asked for
    window.commands.actions["pause"].trigger()
    qtbot.waitUntil(lambda: not window.controller.batch_running, timeout=PATIENCE)
    qtbot.waitUntil(lambda: said(window)[2] is not None, timeout=PATIENCE)
    assert said(window)[1] is None  # nobody asked


def test_progress_that_comes_late_does_not_bring_a_stopped_batch_back(window, two):
    events = []
    window.engine.happened.connect(events.append)
    window.worklist.add([two[0].with_name("c.png")])
    window.commands.actions["analyse_all"].trigger()
    window.commands.actions["cancel"].trigger()
    late = [event for event in events if isinstance(event, BatchProgress)]
    assert [progress.running for progress in late[:2]] == [True, False]
    window.engine.happened.emit(late[0])
    assert not window.controller.batch_running
    assert not window.commands.actions["cancel"].isEnabled()


def test_the_worklist_learns_answers_also_with_settings_that_are_not_the_default(make_window, qtbot, two):
    window = make_window(cam="none", threads=1)
    settled(window, qtbot, lambda: window.open_paths([two[0]]))
    assert window.worklist.entries()[0].state is State.DONE


def changed(catalogue, task, **card):
    """A catalogue in which the teacher of a task has been trained, or calibrated, anew."""
    old = catalogue.find(task, "teacher")
    new = replace(old, card=old.card.model_copy(update=card))
    return replace(catalogue, bundles=catalogue.bundles | {new.id: new})


@pytest.mark.parametrize("card", [{"weights_sha256": "f" * 64}, {"temperature": 1.5}])
def test_a_new_model_of_one_task_leaves_the_predictions_of_the_other(window, card):
    before = said(window)
    installed = window.chooser.catalogue
    window.chooser.set_catalogue(changed(installed, "lung-colon", **card))
    window.controller.models_changed()
    assert said(window) == before
    assert window.controller.on_screen is not None
    window.chooser.set_catalogue(changed(installed, "chest-xray", **card))
    window.controller.models_changed()
    assert said(window) == [None, None]
    assert window.controller.on_screen is None


def test_a_file_that_can_not_be_read_stays_so_for_other_models_and_is_tried_again(window, qtbot, two):
    broken = two[0].with_name("broken.png")
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    window.worklist.add([broken])
    window.commands.actions["analyse_all"].trigger()
    entry = window.worklist.entry_of(broken)
    qtbot.waitUntil(lambda: bool(entry.error), timeout=PATIENCE)
    choose_threads(window, 1)
    assert "damaged" in entry.error
    broken.write_bytes(two[0].read_bytes())
    choose_threads(window, 0)
    window.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(lambda: entry.state is State.DONE, timeout=PATIENCE)


def test_an_image_of_a_task_without_models_does_not_stop_the_others(window, qtbot, two, monkeypatch):
    tile, last = two[0].with_name("c.png"), two[0].with_name("d.png")
    Image.fromarray(np.full((64, 64, 3), (220, 120, 180), np.uint8)).save(tile)
    last.write_bytes(two[0].read_bytes())
    window.worklist.add([tile, last])
    find = gui.engine.session.chosen_bundle

    def chosen(catalogue, task, role, choice):
        if task == "lung-colon":
            raise UsageError("No teacher is installed for the task lung-colon.")
        return find(catalogue, task, role, choice)

    monkeypatch.setattr(window.engine._runner._session, "find", chosen)
    window.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(lambda: window.worklist.entry_of(last).state is State.DONE, timeout=PATIENCE)
    assert "No teacher is installed" in window.worklist.entry_of(tile).error


def test_a_defect_costs_one_file_and_is_shown(window, qtbot, two, monkeypatch):
    third, fourth = two[0].with_name("c.png"), two[0].with_name("d.png")
    for path in (third, fourth):
        path.write_bytes(two[0].read_bytes())
    window.worklist.add([third, fourth])
    monkeypatch.setattr(
        "core.compare.stages.read_image",
        lambda path, **options: 1 // 0 if path == third else read_image(path, **options),
    )
    window.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(lambda: window.worklist.entry_of(fourth).state is State.DONE, timeout=PATIENCE)
    assert "ZeroDivisionError" in window.worklist.entry_of(third).error
    assert "ZeroDivisionError" in window.notifications.dialog.details.toPlainText()
    window.notifications.dialog.close()
