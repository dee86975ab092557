"""Many files through the pipeline: the results of one by one, in their order, whatever happens to one of them."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from core.compare import pipeline as pipeline_module
from core.compare.batch import compare_files
from core.compare.pipeline import AHEAD, MANY, Pipeline
from core.compare.record import as_dict
from core.compare.session import ComparisonSession
from core.errors import ExplanationError, ImageError, UsageError
from core.explain.scorecam import ScoreCam
from core.runtimes.base import AGREEMENT
from tests.tiny_models import TINY, installed, write_images

FAST = replace(TINY, cam="fast")
PLAIN = replace(TINY, cam="none")


@pytest.fixture(scope="module", autouse=True)
def tiny_models(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture(scope="module")
def session():
    return ComparisonSession()


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("images"), 9)


@pytest.fixture
def begun(session):
    """Begins a pipeline that is closed with the test."""
    running = []

    def begin(paths, choice=FAST, **others):
        made = Pipeline(session, paths, 0, choice, **others)
        running.append(made.__enter__())
        return made

    yield begin
    for made in running:
        made.close()


def without_times(record):
    """Return a record's values less the wall-clock times."""
    if isinstance(record, dict):
        times = ("latency_ms", "total_ms", "seconds", "speed_ratio")
        return {key: without_times(value) for key, value in record.items() if key not in times}
    return record


def taken(pipeline):
    return list(iter(pipeline.take, None))


@pytest.mark.parametrize("cam", ["fast", "exact", "none"])
def test_results_have_the_bits_and_the_order_of_one_by_one(session, images, cam):
    choice = replace(TINY, cam=cam)
    found = list(compare_files(session, images, choice))
    expected = [session.examine(path, choice) for path in images]
    for ours, theirs in zip(found, expected, strict=True):
        assert without_times(as_dict(ours.record)) == without_times(as_dict(theirs.record))
        for role in ("teacher", "student"):
            one, other = getattr(ours.comparison, role), getattr(theirs.comparison, role)
            assert np.array_equal(one.prediction.logits, other.prediction.logits)
            if cam != "none":
                assert np.array_equal(one.heat_map.values, other.heat_map.values)


def test_batches_of_many_files_agree_with_one_by_one(session, tmp_path):
    paths = write_images(tmp_path, MANY + 3)  # the last ones fill no batch
    forwards = []
    models = session.models(PLAIN)
    for classifier in (models.teacher, models.student):
        forward = classifier.runtime.forward
        classifier.runtime.forward = lambda batch, forward=forward: forwards.append(len(batch)) or forward(batch)
    found = list(compare_files(session, paths, PLAIN))
    for classifier in (models.teacher, models.student):
        del classifier.runtime.forward
    size = models.teacher.runtime.batch_size
    assert size > 1
    assert forwards == [size] * 2 * (len(paths) // size) + [len(paths) % size] * 2 * bool(len(paths) % size)
    assert [one.record.path for one in found] == [str(path) for path in paths]
    for ours, path in zip(found, paths, strict=True):
        theirs = session.examine(path, PLAIN).comparison
        for role in ("teacher", "student"):
            logits = [getattr(one, role).prediction.logits for one in (ours.comparison, theirs)]
            assert np.abs(logits[0] - logits[1]).max() <= AGREEMENT * max(1, np.abs(logits[1]).max())


def test_a_file_that_can_not_be_read_explained_or_handled_stops_no_other(session, images, monkeypatch, caplog):
    broken = images[0].with_name("broken.png")
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    missing = images[0].with_name("missing.png")
    calls = iter(range(100))

    def refine(cam, *rest):
        match next(calls):
            case 0:
                raise ExplanationError("The network's score of a masked image is not finite.")
            case 1:
                raise KeyError("a defect")
        yield from own(cam, *rest)

    own = ScoreCam.refine
    monkeypatch.setattr(ScoreCam, "refine", refine)
    monkeypatch.setattr(pipeline_module, "EXPLAINERS", 1)  # so that the first two images are the first two calls
    paths = [images[0], broken, images[1], missing, *images[2:4]]
    found = [one.record for one in compare_files(session, paths, FAST)]
    assert [record.path for record in found] == [str(path) for path in paths]
    assert [record.error is None for record in found] == [False, False, False, False, True, True]
    assert "not finite" in found[0].error
    assert "damaged" in found[1].error
    assert "Something went wrong (KeyError)" in found[2].error
    assert "a defect" in caplog.text
    assert "There is no such file" in found[3].error or "not exist" in found[3].error


def test_an_error_of_the_models_is_raised(session, images):
    with pytest.raises(UsageError):
        list(compare_files(session, images, replace(TINY, teacher="no-such-network")))


def test_what_is_taken_says_what_happened(begun, images):
    gone = images[0].with_name("gone.png")
    first, second = taken(begun([gone, images[0]]))
    assert (first.path, first.compared) == (gone, None)
    assert isinstance(first.error, ImageError)
    assert second.compared.comparison.teacher.heat_map is not None


def test_no_more_files_are_asked_for_than_there_is_room_for(begun, images):
    asked = []

    def paths():
        for path in images * 5:
            asked.append(path)
            yield path

    ready = threading.Event()
    pipeline = begun(paths(), PLAIN, on_ready=ready.set)
    assert ready.wait(60)
    assert len(asked) <= 2 * AHEAD + 2  # read, and predicted, and one on the way between
    assert len(taken(pipeline)) == len(asked) == 5 * len(images)


def test_a_pause_holds_all_that_is_not_done_and_then_goes_on(begun, images, monkeypatch):
    reached, forwards = threading.Event(), []
    own = ScoreCam._score

    def score(cam, scorer, maps):
        forwards.append(len(maps))
        if len(forwards) == 1:
            pipeline.pause()
            reached.set()
        return own(cam, scorer, maps)

    monkeypatch.setattr(ScoreCam, "_score", score)
    pipeline = begun(images)
    assert reached.wait(60)
    assert not pipeline.is_ready
    held = len(forwards)
    assert held <= 2  # one for each thread that explains
    pipeline.resume()
    assert [one.path for one in taken(pipeline)] == images
    assert all(one.error is None for one in taken(pipeline))


def test_stopping_ends_all_threads_at_the_forward_that_they_are_at(session, images, monkeypatch):
    forwards = []
    own = ScoreCam._score

    def score(cam, scorer, maps):
        forwards.append(len(maps))
        pipeline.stop()
        return own(cam, scorer, maps)

    monkeypatch.setattr(ScoreCam, "_score", score)
    before = threading.active_count()
    with Pipeline(session, iter(images), len(images), FAST) as pipeline:
        assert taken(pipeline) == []
    assert threading.active_count() == before
    assert 1 <= len(forwards) <= 2


def test_a_defect_where_files_come_from_is_raised(begun):
    def paths():
        yield from ()
        raise RuntimeError("the list is gone")

    with pytest.raises(RuntimeError, match="the list is gone"):
        taken(begun(paths()))
