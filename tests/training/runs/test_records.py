"""A run's JSON files as records: as they are written, of older versions, of newer ones, and damaged."""

import json
import os

import pytest
from evaluation_samples import evaluation, scores

from training.evaluation.run_evaluation import EVALUATION_FILE, read_evaluation, write_evaluation
from training.runs.folder import RunFolder
from training.runs.records import RunError, RunRecord, read_record

# what a run of an early version said: teachers by name alone, no lineage, no checksum, no precision
EARLY = {
    "status": "finished", "task": "chest-xray", "classes": ["COVID-19", "Non-COVID", "Normal"], "role": "student",
    "network": "ofa595", "teachers": ["chest-xray/teacher-vgg19"], "best_epoch": 3, "val": {"accuracy": 0.9},
}  # fmt: skip


def test_files_of_a_run_are_read_and_written_again_to_the_same_bytes(small_run, tmp_path):
    run = RunFolder(small_run)
    for path, record in (
        (run.result, run.read_result()),
        (run.data, run.read_data()),
        (run.environment, run.read_environment()),
    ):
        RunFolder(tmp_path).write_record(tmp_path / path.name, record)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    assert run.read_result().finished
    assert run.precision_here() == "no"


def test_a_run_of_an_early_version_is_read_and_keys_of_a_later_one_are_passed_over(tmp_path):
    run = RunFolder(tmp_path)
    run.result.write_text(json.dumps({**EARLY, "a key of tomorrow": {"x": 1}}))
    run.environment.write_text(json.dumps({"processor": "some processor"}))
    found = run.read_result()
    assert (found.finished, found.lineage, found.weights_sha256) == (True, None, None)
    assert [teacher.bundle for teacher in found.teachers] == ["chest-xray/teacher-vgg19"]
    assert found.val.accuracy == 0.9
    assert run.precision_here() is None


@pytest.mark.parametrize("text", ["", "{", "[1]", json.dumps({**EARLY, "epochs_done": "many"})])
def test_a_damaged_file_is_named_or_stands_for_an_empty_record(text, tmp_path):
    run = RunFolder(tmp_path)
    assert run.read_result() == RunRecord()
    run.result.write_text(text)
    with pytest.raises(RunError, match="damaged"):
        read_record(run.result, RunRecord)
    assert run.read_result() == RunRecord()


def test_an_evaluation_is_read_as_it_was_written_and_a_damaged_one_says_what_to_do(tmp_path):
    data = tmp_path / os.fsdecode(b"data-\xff")
    measured = evaluation(scores(), (0.8, 0.95), notes=("few images",), unreadable=(("a.png", "cut off"),))
    write_evaluation(tmp_path, data, measured)
    found = read_evaluation(tmp_path)
    assert found.scores == measured
    assert found.folder == data.resolve()
    text = (tmp_path / EVALUATION_FILE).read_text()
    for damaged in (text[:-20], text.replace('"accuracy": 0.9', '"accuracy": "high"')):
        (tmp_path / EVALUATION_FILE).write_text(damaged)
        with pytest.raises(RunError, match="evaluate"):
            read_evaluation(tmp_path)
