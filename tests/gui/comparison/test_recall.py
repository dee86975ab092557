"""Results and reviews that come back from the history, each to the image, models and settings that it belongs to."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from core.compare.ground_truth import Labels
from core.compare.session import Choice
from core.images.reader import read_image
from core.records.history import History, history_path
from core.records.review import Review
from core.system.output_names import SIDES
from core.tasks import TASKS
from gui.engine.result import file_result
from gui.engine.results import basis_of
from gui.history.recorder import Recorder
from gui.history.remembered import digests, recall
from gui.worklist.entry import State
from tests.gui.comparison_samples import agreeing
from tests.gui.driving import PATIENCE, settled


def records():
    with History() as history:
        return list(history.find())


def test_results_and_reviews_come_back_after_a_restart_without_asking_the_models(window, make_window, qtbot, two):
    settled(window, qtbot, lambda: qtbot.keyClick(window.list.list, Qt.Key.Key_Down))
    qtbot.keyClick(window, Qt.Key.Key_X)
    before = [entry.file_result for entry in window.worklist.entries()]
    settled(window, qtbot, lambda: qtbot.keyClick(window.list.list, Qt.Key.Key_Up))
    window.close()
    two[0].write_bytes(two[1].read_bytes())  # another image by now
    again = make_window(cam="none")
    qtbot.waitUntil(lambda: again.worklist.entry_of(two[1]).state is State.DONE, timeout=PATIENCE)
    entry = again.worklist.entry_of(two[1])
    now, then = entry.file_result.record, before[1].record
    assert now.image == then.image
    for side in SIDES:  # the first of two analyses alike is what was recorded: its latency is another
        assert getattr(now, side).probabilities == pytest.approx(getattr(then, side).probabilities, abs=1e-4)
    assert entry.file_result.teacher.name == before[1].teacher.name
    assert entry.review == Review("other")
    assert again.controller.path == two[0]
    qtbot.waitUntil(lambda: again.controller.on_screen == two[0], timeout=PATIENCE)
    changed = again.worklist.entry_of(two[0]).file_result.record
    assert changed.image == before[1].record.image != before[0].record.image
    # the reading of this image, which lay in the other file when it was given
    qtbot.waitUntil(lambda: again.worklist.entry_of(two[0]).review == Review("other"), timeout=PATIENCE)


def test_a_reading_is_kept_with_all_records_of_the_image(window, qtbot, two):
    def choose_threads(threads):
        window.set_preferences(replace(window.preferences, threads=threads))

    settled(window, qtbot, lambda: choose_threads(1))
    qtbot.keyClick(window, Qt.Key.Key_X)
    choose_threads(0)  # its answers are on screen before its record is looked up again
    with qtbot.waitSignal(window.controller.screen_changed, timeout=PATIENCE):
        pass
    qtbot.keyClick(window, Qt.Key.Key_U)
    window.close()
    found = {(row.path, row.settings["threads"]): row.reading for row in records()}
    assert found[str(two[0]), 1] == found[str(two[0]), None] == "not_assessable"
    assert found[str(two[1]), None] is None


@pytest.fixture
def recorded(qtbot, own_data, two):
    """Records an answer made by hand, and says what it is."""
    recorder = Recorder()
    recorder.start()
    image, found = read_image(two[0]), agreeing()
    said = file_result(image, found)

    def record(choice):
        recorder.add(two[0], said, found, choice)
        return basis_of(said, choice)

    yield recorder, record, said
    recorder.close()


def test_a_review_stays_when_the_image_is_analysed_with_another_heat_map(recorded, qtbot, two):
    recorder, record, _said = recorded
    basis = record(Choice(cam="none"))
    recorder.review(two[0], basis, Review("Normal", "effusion"))
    with qtbot.waitSignal(recorder.reviewed) as back:
        assert record(Choice(cam="exact")) == basis
    assert back.args == [two[0], basis, Review("Normal", "effusion")]
    with qtbot.waitSignal(recorder.reviewed) as back:
        other = record(Choice(cam="none", threads=2))  # another way of computing: the image is what was read
    assert back.args == [two[0], other, Review("Normal", "effusion")]
    recorder.close()
    newest, exact, first = records()
    assert [row.reading for row in (newest, exact, first)] == ["Normal"] * 3
    with History() as history:
        answers = {answer.basis: answer.review for answer in recall(history, two[0], exact.image_sha256, Labels())}
    assert answers == {basis: Review("Normal", "effusion"), other: Review("Normal", "effusion")}


def test_what_was_said_in_an_older_version_is_shown_again_and_goes_where_a_class_is_read(recorded, qtbot, two):
    recorder, record, said = recorded
    basis = record(Choice())
    recorder.review(two[0], basis, Review(note="effusion", older="disagree"))
    recorder.forget()  # as after a restart
    with qtbot.waitSignal(recorder.reviewed) as back:
        record(Choice(cam="exact"))
    assert back.args == [two[0], basis, Review(None, "effusion", "disagree")]
    recorder.review(two[0], basis, Review("Normal", "effusion"))
    recorder.close()
    assert [(row.reading, row.verdict, row.note) for row in records()] == [("Normal", "disagree", "effusion")] * 2
    with History() as history:
        (found,) = recall(history, two[0], said.record.image.sha256, Labels())
    assert found.review.in_words(TASKS["chest-xray"]) == "Normal"


def test_what_a_newer_version_finds_is_recorded_with_the_review_of_before(recorded, qtbot, two):
    recorder, record, said = recorded
    basis = record(Choice())
    recorder.review(two[0], basis, Review("Normal"))
    qtbot.waitUntil(lambda: [row.reading for row in records()] == ["Normal"])
    with closing(sqlite3.connect(history_path())) as history, history:
        history.execute("UPDATE analyses SET version = '0.0.1', analysed_at = '2020-01-01T00:00:00+00:00'")
    recorder.forget()  # as after a restart
    with qtbot.waitSignal(recorder.reviewed):
        record(Choice())
    recorder.close()
    newest, oldest = records()
    assert (newest.reading, oldest.version) == ("Normal", "0.0.1")
    with History() as history:
        (found,) = recall(history, two[0], said.record.image.sha256, Labels())
    assert found.review == Review("Normal")


def test_records_of_other_versions_or_places_or_that_say_too_little_are_passed_over(recorded, two, monkeypatch):
    recorder, record, said = recorded
    record(Choice())
    recorder.close()
    with History() as history:
        history.add(said.record.image.sha256, agreeing(), {"runtime": "torch"}, two[0])  # as older versions did
        assert history.paths() == {str(two[0])}
        ((path, digest),) = digests([two[0], two[0].with_name("gone.png")], lambda: False)
        assert (path, digest) == (two[0], said.record.image.sha256)
        assert list(digests(two, lambda: True)) == []
        (found,) = recall(history, path, digest, Labels())
        assert found.result == said
        assert recall(history, two[1], digest, Labels()) == []  # the same bytes at another place
        monkeypatch.setattr("gui.history.remembered.__version__", "99.0")  # which may see another picture in them
        assert recall(history, path, digest, Labels()) == []
