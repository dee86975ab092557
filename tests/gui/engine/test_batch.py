from pathlib import Path

from core.compare.session import Choice
from gui.engine.batch import Batch
from gui.engine.jobs import AnalyseFiles

A, B, C = Path("a"), Path("b"), Path("c")


def begun(*paths, paused=False):
    batch = Batch()
    batch.begin(AnalyseFiles(paths, Choice(cam="none"), paused))
    return batch


def handed_out(batch):
    return list(iter(lambda: batch.hand_out(batch.number), None))


def test_files_come_in_order_and_the_time_left_is_estimated_from_those_done():
    batch = begun(A, B, C)
    assert (batch.progress().running, batch.progress().seconds_left) == (True, None)
    assert batch.choice == Choice(cam="none")
    assert handed_out(batch) == [A, B, C]
    assert batch.finish(A, 1, 2.0)
    assert batch.finish(B, 1, 4.0)
    progress = batch.progress()
    assert (progress.done, progress.total, progress.seconds_left) == (2, 3, 3.0)
    assert batch.finish(C, 1, 1.0)
    assert batch.left == 0
    assert not batch.progress().running


def test_a_file_that_was_left_out_or_belongs_to_an_earlier_batch_is_not_finished():
    batch = begun(A, B, C)
    assert [batch.hand_out(1), batch.hand_out(1)] == [A, B]
    batch.leave_out({A, C})
    assert not batch.finish(A, 1, 1.0)
    assert (batch.left, batch.progress().done, batch.progress().total) == (1, 0, 1)
    assert batch.finish(B, 1, 1.0)
    batch.begin(AnalyseFiles((A, B), Choice()))
    assert batch.hand_out(1) is None
    assert batch.hand_out(2) == A
    assert not batch.finish(A, 1, 1.0)
    assert batch.finish(A, 2, 1.0)


def test_files_that_were_begun_for_models_that_are_gone_are_handed_out_again():
    batch = begun(A, B, C)
    assert [batch.hand_out(1), batch.hand_out(1)] == [A, B]
    batch.take_back()
    assert handed_out(batch) == [A, B, C]
    assert batch.progress().total == 3


def test_a_batch_that_is_cancelled_ends():
    batch = begun(A, B, C, paused=True)
    assert batch.progress().paused
    batch.paused = False
    assert [batch.hand_out(1), batch.hand_out(1)] == [A, B]
    assert batch.finish(A, 1, 1.0)
    batch.cancel()
    assert batch.hand_out(1) is None
    assert not batch.finish(B, 1, 1.0)
    progress = batch.progress()
    assert (progress.done, progress.total, progress.running, progress.paused) == (1, 1, False, False)


def test_what_failed_and_what_is_being_prepared_is_told():
    batch = begun(A, B)
    batch.prepare("VGG19")
    assert batch.progress().preparing == "VGG19"
    batch.finish(batch.hand_out(1), 1, 1.0, failed=True)
    progress = batch.progress()
    assert (progress.done, progress.failed, progress.preparing) == (1, 1, "")
    batch.begin(AnalyseFiles((A,), Choice()))
    assert batch.progress().failed == 0


def test_progress_tells_which_of_two_is_the_later():
    batch = begun(A)
    assert batch.progress().order < batch.progress().order
