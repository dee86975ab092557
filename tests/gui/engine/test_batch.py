from pathlib import Path

from core.compare.session import Choice
from gui.engine.batch import Batch
from gui.engine.jobs import AnalyseFiles

A, B, C = Path("a"), Path("b"), Path("c")


def begun(*paths, paused=False):
    batch = Batch()
    batch.begin(AnalyseFiles(paths, Choice(cam="none"), paused))
    return batch


def test_files_come_in_order_and_the_time_left_is_estimated_from_those_done():
    batch = begun(A, B, C)
    assert (batch.progress().running, batch.progress().seconds_left) == (True, None)
    first = batch.next()
    assert (first.path, first.choice) == (A, Choice(cam="none"))
    assert batch.finish(first, 2.0)
    assert batch.finish(batch.next(), 4.0)
    progress = batch.progress()
    assert (progress.done, progress.total, progress.seconds_left) == (2, 3, 3.0)
    assert batch.finish(batch.next(), 1.0)
    assert batch.next() is None
    assert not batch.progress().running


def test_a_file_that_was_left_out_or_belongs_to_an_earlier_batch_is_not_finished():
    batch = begun(A, B)
    first = batch.next()
    batch.leave_out({A})
    assert not batch.finish(first, 1.0)
    assert (batch.next().path, batch.progress().done, batch.progress().total) == (B, 0, 1)
    batch.begin(AnalyseFiles((A, B), Choice()))
    assert not batch.finish(first, 1.0)
    assert batch.finish(batch.next(), 1.0)


def test_a_batch_waits_while_it_is_paused_and_ends_when_it_is_cancelled():
    batch = begun(A, B, paused=True)
    assert batch.next() is None
    assert batch.progress().paused
    batch.paused = False
    assert batch.finish(batch.next(), 1.0)
    batch.cancel()
    assert batch.next() is None
    progress = batch.progress()
    assert (progress.done, progress.total, progress.running, progress.paused) == (1, 1, False, False)


def test_what_failed_and_what_is_being_prepared_is_told():
    batch = begun(A, B)
    batch.prepare("VGG19")
    assert batch.progress().preparing == "VGG19"
    batch.finish(batch.next(), 1.0, failed=True)
    progress = batch.progress()
    assert (progress.done, progress.failed, progress.preparing) == (1, 1, "")
    batch.begin(AnalyseFiles((A,), Choice()))
    assert batch.progress().failed == 0


def test_progress_tells_which_of_two_is_the_later():
    batch = begun(A)
    assert batch.progress().order < batch.progress().order
