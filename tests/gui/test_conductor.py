"""What stands on screen belongs to the file that is selected: driven by keys, as a person does it."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, Qt

from core.history import Review
from gui.worklist import State

PATIENCE = 120_000


@pytest.fixture
def two(tmp_path, png):
    """Two pictures of a radiograph."""
    paths = [tmp_path / "images" / name for name in ("a.png", "b.png")]
    paths[0].parent.mkdir()
    png(paths[0])
    png(paths[1], flipped=True)
    return paths


def settled(window, qtbot, action):
    """Does something and waits until nothing more comes for the file on screen."""
    with qtbot.waitSignal(window.conductor.settled, timeout=PATIENCE) as done:
        action()
    return done.args[0]


def all_done(window):
    return lambda: all(entry.state is State.DONE for entry in window.worklist.entries())


@pytest.fixture
def window(make_window, qtbot, two):
    """A window with both pictures analysed and the first of them on screen."""
    made = make_window(cam="none")
    assert settled(made, qtbot, lambda: made.open_paths([two[0].parent]))
    made.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(all_done(made), timeout=PATIENCE)
    assert made.conductor.path == two[0]
    made.activateWindow()
    return made


def nothing_of_an_image_is_shown(window):
    view = window.comparison
    assert not window.findChild(type(view.review)).isEnabled()
    assert (view.agreement.text() + view.facts.text()).removeprefix("Opening b.png") == ""
    for panel in view.panels:
        assert panel.answer.text() == "–"
        assert not panel.view._base.isVisible()
        assert panel.view.words.name.text() == ""
        assert {figure.text() for figure in panel.chart.figures} <= {"", "–"}
    return True


def test_while_the_next_image_loads_nothing_of_the_last_is_shown_and_nothing_can_be_said_of_it(window, qtbot, two):
    view = window.comparison
    qtbot.keyClick(window.list.list, Qt.Key.Key_Down)  # what the engine answers waits until events are handled again
    assert nothing_of_an_image_is_shown(window)
    assert window.windowTitle() == "b.png – Twinlens"
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert [entry.review for entry in window.worklist.entries()] == [Review(), Review()]
    assert "no answer to review" in window.banner.words.text()
    qtbot.waitUntil(lambda: window.conductor.on_screen == two[1], timeout=PATIENCE)
    assert [panel.view.words.name.text() for panel in view.panels] == ["b.png", "b.png"]
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert [entry.review.verdict for entry in window.worklist.entries()] == [None, "agree"]


def test_a_note_that_is_being_typed_stays_with_its_image(window, qtbot, two):
    qtbot.keyClick(window, Qt.Key.Key_M)
    note = window.comparison.review.note
    qtbot.keyClicks(note, "masses")
    settled(window, qtbot, lambda: qtbot.keyClick(note, Qt.Key.Key_PageDown))
    assert [entry.review.note for entry in window.worklist.entries()] == ["masses", ""]
    assert note.text() == ""


def test_what_comes_late_of_a_file_that_was_taken_off_the_screen_is_not_shown(window, qtbot, two):
    settled(window, qtbot, lambda: qtbot.keyClick(window.list.list, Qt.Key.Key_Down))
    late = window.conductor._ticket, window.conductor._shown
    window.conductor.show_nothing()
    window.engine.image_opened.emit(*late)
    assert window.comparison.message.isVisible()
    assert "Open an image" in window.comparison.message.text()
    assert window.windowTitle() == "Twinlens"


def test_a_file_that_became_another_image_is_shown_as_it_is_now(window, qtbot, two):
    Image.fromarray(np.full((64, 48), 90, np.uint8)).save(two[0])
    seen = []
    window.conductor.screen_changed.connect(seen.append)
    settled(window, qtbot, lambda: window.conductor.show(two[0]))
    assert seen == [None, two[0]]
    assert "48 × 64" in window.comparison.teacher.view.words.study.text()


def test_other_models_take_the_answers_off_the_screen_and_leave_the_image(window, qtbot, two):
    box = window.chooser.teacher_box
    box.addItem("another", "another")
    box.setCurrentIndex(box.count() - 1)
    box.activated.emit(box.currentIndex())
    assert window.conductor.on_screen is None
    assert not window.comparison.review.isEnabled()
    assert window.comparison.teacher.answer.text() == "–"
    assert window.comparison.teacher.view._base.isVisible()
    QCoreApplication.processEvents()
