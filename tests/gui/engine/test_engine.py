"""The engine with networks that are quick to run: "Analyse all" beside the image on screen."""

import os
import sys
from dataclasses import replace

import pytest

from core.compare import pipeline
from core.compare.session import ComparisonSession
from core.compare.stages import open_file
from core.explain.scorecam import ScoreCam
from gui.common.threads import GIVEN_WAY
from gui.engine.engine import AnalysisEngine
from gui.engine.events import (
    BatchProgress,
    BatchStopped,
    ComparisonGrown,
    Fault,
    FileCompared,
    FileFailed,
    FileUnreadable,
    ImageOpened,
)
from gui.engine.jobs import AnalyseFiles, CompareImage, ForgetModels
from tests.gui.driving import loaded_networks
from tests.tiny_models import TINY, installed, write_images

PATIENCE = 120_000
FAST = replace(TINY, cam="fast")


@pytest.fixture(scope="module", autouse=True)
def tiny_models(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return tuple(write_images(tmp_path_factory.mktemp("images"), 8))


@pytest.fixture
def engine(qtbot):
    made = AnalysisEngine()
    made.events = []
    made.happened.connect(made.events.append)
    made.start()
    yield made
    assert made.close(PATIENCE)


def of(engine, kind):
    return [event for event in engine.events if isinstance(event, kind)]


def is_over(engine):
    return lambda: of(engine, BatchProgress) and not of(engine, BatchProgress)[-1].running


def test_all_files_are_reported_in_their_order_with_the_values_of_the_command_line(engine, images, qtbot):
    broken = images[0].with_name("broken.png")
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    engine.do(AnalyseFiles((*images[:3], broken, *images[3:]), FAST))
    qtbot.waitUntil(is_over(engine), timeout=PATIENCE)
    compared = of(engine, FileCompared)
    assert [event.path for event in compared] == list(images)
    assert [event.path for event in of(engine, FileUnreadable)] == [broken]
    last = of(engine, BatchProgress)[-1]
    assert (last.done, last.total, last.failed) == (9, 9, 1)
    session = ComparisonSession()
    for event in compared:
        expected = session.examine(event.path, FAST).record
        assert event.file_result.record.teacher.probabilities == expected.teacher.probabilities
        assert event.file_result.record.agreement.cam_pearson == expected.agreement.cam_pearson


def test_the_image_on_screen_goes_first_and_nothing_is_lost(engine, images, qtbot):
    engine.do(AnalyseFiles(images, FAST))
    qtbot.waitUntil(lambda: bool(of(engine, FileCompared)), timeout=PATIENCE)
    engine.do(CompareImage(1, images[-1], FAST))
    qtbot.waitUntil(is_over(engine), timeout=PATIENCE)
    shown = [i for i, event in enumerate(engine.events) if isinstance(event, ImageOpened | ComparisonGrown)]
    between = engine.events[shown[0] : shown[-1]]
    assert not engine.events[shown[-1]].refining
    assert {event.path for event in between if isinstance(event, FileCompared)} <= {images[-1]}  # of the screen alone
    assert [event.path for event in of(engine, FileCompared) if event.path != images[-1]] == list(images[:-1])


def test_the_models_are_unloaded_at_the_end_whoever_still_refers_to_the_engine(images, qtbot):
    before = loaded_networks()
    engine = AnalysisEngine()
    engine.events = []
    engine.happened.connect(engine.events.append)
    engine.start()
    engine.do(CompareImage(1, images[0], FAST))
    qtbot.waitUntil(lambda: bool(of(engine, ComparisonGrown)), timeout=PATIENCE)
    assert loaded_networks() >= before + 2
    assert engine.close(PATIENCE)
    engine.events.clear()
    assert loaded_networks() == before


def test_cancelling_ends_it_at_the_forward_that_is_under_way(engine, images, qtbot, monkeypatch):
    forwards = []
    own = ScoreCam._score

    def score(cam, scorer, maps):
        forwards.append(len(maps))
        engine.cancel()
        return own(cam, scorer, maps)

    monkeypatch.setattr(ScoreCam, "_score", score)
    engine.do(AnalyseFiles(images, FAST))
    qtbot.waitUntil(is_over(engine), timeout=PATIENCE)
    monkeypatch.setattr(ScoreCam, "_score", own)
    engine.do(AnalyseFiles(images[:1], TINY))  # the next one does not wait for anything of it
    qtbot.waitUntil(lambda: bool(of(engine, FileCompared)), timeout=PATIENCE)
    assert len(forwards) <= 2  # one for each thread that explains
    assert [event.path for event in of(engine, FileCompared)] == [images[0]]


def test_a_paused_batch_waits_and_models_that_change_meanwhile_are_taken(engine, images, qtbot):
    engine.do(AnalyseFiles(images, FAST))
    qtbot.waitUntil(lambda: bool(of(engine, FileCompared)), timeout=PATIENCE)
    engine.pause(True)
    engine.do(ForgetModels())
    engine.do(CompareImage(1, images[0], replace(TINY, cam="none")))
    qtbot.waitUntil(lambda: bool(of(engine, ComparisonGrown)), timeout=PATIENCE)
    done = of(engine, BatchProgress)[-1].done
    assert done < len(images)
    engine.pause(False)
    qtbot.waitUntil(is_over(engine), timeout=PATIENCE)
    of_batch = [event for event in of(engine, FileCompared) if event.choice == FAST]
    assert [event.path for event in of_batch] == list(images)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere priorities are not inherited")
def test_all_its_threads_give_way_to_the_windows(engine, images, qtbot, monkeypatch):
    niceness = []
    own_open, own_score = pipeline.open_file, ScoreCam._score
    monkeypatch.setattr(
        pipeline, "open_file", lambda *args, **how: niceness.append(os.nice(0)) or own_open(*args, **how)
    )
    monkeypatch.setattr(ScoreCam, "_score", lambda *args: niceness.append(os.nice(0)) or own_score(*args))
    engine.do(AnalyseFiles(images[:1], FAST))
    qtbot.waitUntil(is_over(engine), timeout=PATIENCE)
    assert len(niceness) > 2
    assert set(niceness) == {min(19, os.nice(0) + GIVEN_WAY)}


def test_files_that_are_left_out_are_not_reported(engine, images, qtbot):
    engine.do(AnalyseFiles(images, FAST, paused=True))
    engine.leave_out(images[1:7])
    engine.pause(False)
    qtbot.waitUntil(is_over(engine), timeout=PATIENCE)
    assert [event.path for event in of(engine, FileCompared)] == [images[0], images[7]]
    assert of(engine, BatchProgress)[-1].total == 2


def test_models_that_can_not_be_used_end_it_and_a_defect_does_not(engine, images, qtbot, monkeypatch):
    engine.do(AnalyseFiles(images, replace(TINY, teacher="no-such-network", cam="none")))
    qtbot.waitUntil(lambda: bool(of(engine, BatchStopped)), timeout=PATIENCE)
    assert not of(engine, BatchProgress)[-1].running

    def opened(session, path, *rest, **options):
        return 1 // 0 if path == images[0] else open_file(session, path, *rest, **options)

    monkeypatch.setattr("core.compare.pipeline.open_file", opened)
    engine.events.clear()
    engine.do(AnalyseFiles(images[:2], replace(TINY, cam="none")))
    qtbot.waitUntil(is_over(engine), timeout=PATIENCE)
    assert [type(event.error) for event in of(engine, Fault)] == [ZeroDivisionError]
    assert "Something went wrong (ZeroDivisionError)" in of(engine, FileFailed)[0].reason
    assert [event.path for event in of(engine, FileCompared)] == [images[1]]
