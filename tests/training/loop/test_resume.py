"""To resume is to go on with the same run: what differs is told and refused, and one process at a time owns a run."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import numpy as np
import pytest
from PIL import Image
from tiny_training import single_threaded, tiny_recipe, write_images
from typer.testing import CliRunner

from core.errors import UsageError
from training.cli.app import app
from training.data.loading import open_dataset
from training.loop import events
from training.loop.loop import train
from training.recipe import to_toml
from training.recipe_files import read_recipe
from training.runs.folder import RunFolder
from training.runs.lock import owned, read_owner
from training.runs.split import read_split

pytestmark = pytest.mark.usefixtures("one_thread")
PATIENCE = 300  # seconds; torch takes its time to load on busy cores


@pytest.fixture
def finished(small_run, small_images):
    """A finished run of one epoch, and its data."""
    return small_run, small_images


@pytest.fixture
def run_and_data(finished, tmp_path):
    """Copies of them; the run's split is the one that it began with."""
    run, data = (
        shutil.copytree(folder, tmp_path / name) for folder, name in zip(finished, ("run", "data"), strict=True)
    )
    return run, data


def alter(path):
    Image.fromarray(255 - np.array(Image.open(path))).save(path)


def manifest(data, change):
    """Rewrite the manifest, line by line."""
    head, *lines = (data / "manifest.csv").read_text().splitlines()
    (data / "manifest.csv").write_text("\n".join([head, *filter(None, map(change, lines))]))


def test_the_split_is_kept_with_the_digest_of_each_file(finished):
    run, data = finished
    split, dataset = read_split(run / "split.csv"), open_dataset(data)
    assert split.digest() == dataset.digest() == json.loads((run / "run.json").read_text())["data_digest"]
    assert {(row.path, row.split) for row in split.rows} == {(s.path.name, s.split) for s in dataset.samples}
    assert len({row.sha256 for row in split.rows}) == 60


def test_other_recipe_images_or_teachers_are_told_and_refused(run_and_data, finished):
    run, data = run_and_data
    alter(data / "000.png")
    manifest(data, lambda line: line.replace("001.png,Non-COVID", "001.png,Normal"))
    (data / "002.png").unlink()
    manifest(data, lambda line: None if line.startswith("002.png") else line)
    about = json.loads((run / "run.json").read_text())
    with pytest.raises(UsageError) as refused:
        train(tiny_recipe(optim__epochs=2, optim__lr=1e-3), data, run, resume=True)
    said = str(refused.value)
    for what in (
        "optim.lr: 0.003 → 0.001",
        "files have changed: 1 (e.g. 000.png)",
        "another label now: 1 (e.g. 001.png)",
        "no longer there: 1 (e.g. 002.png)",
        "--accept-changes",
    ):
        assert what in said
    assert json.loads((run / "run.json").read_text()) == about, "nothing was touched"

    told = []
    train(tiny_recipe(optim__epochs=2, optim__lr=1e-3), data, run, resume=True, accept_changes=True, listen=told.append)
    assert any("optim.lr" in note for e in told if isinstance(e, events.Started) for note in e.notes)
    split, before = read_split(run / "split.csv"), read_split(finished[0] / "split.csv")
    assert [row.path for row in split.rows if row.split == "gone"] == ["000.png", "002.png"]
    assert before.seen() < split.seen(), "what it was trained on stays on record"
    assert {row.path: row.label for row in split.rows}["001.png"] == "Normal"
    recipe = tiny_recipe(optim__epochs=2, optim__lr=1e-3)
    assert train(recipe, data, run, resume=True).reason == "it was already finished", "the changes are its own now"


def test_files_added_and_renamed_leave_it_the_same_run_and_more_epochs_are_added(run_and_data):
    run, data = run_and_data
    before = read_split(run / "split.csv")
    (data / "003.png").rename(data / "renamed.png")
    manifest(
        data, lambda line: line.replace("003.png", "renamed.png").replace("005.png,Normal,train", "005.png,Normal,test")
    )
    shutil.copy(data / "010.png", data / "copy.png")
    with (data / "manifest.csv").open("a") as file:
        file.write("\ncopy.png,Non-COVID,test")
    told = []
    ended = train(tiny_recipe(optim__epochs=2), data, run, resume=True, listen=told.append)
    assert ended.status == "finished"
    started = next(e for e in told if isinstance(e, events.Started))
    assert (started.epoch, started.train_images) == (1, 42)
    assert "does not use: 1" in started.notes[0]
    assert read_split(run / "split.csv") == before
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2
    with pytest.raises(UsageError, match="2 epochs done"):
        train(tiny_recipe(optim__epochs=1), data, run, resume=True)


def test_a_teacher_with_other_weights_and_another_network_are_refused(finished, tmp_path):
    teacher, data = finished
    recipe = tiny_recipe(optim__epochs=1, augment__views=1, teachers={"bundles": [str(teacher)]})
    run = tmp_path / "student"
    train(recipe, data, run)
    about = json.loads((run / "run.json").read_text())
    assert about["lineage"] == [{"role": "teacher", "name": "the run small", "on_record": True}]
    assert {row.seen_by for row in read_split(run / "split.csv").of("train")} == {"the run small"}
    about["teachers"][0]["weights_sha256"] = "0" * 64
    (run / "run.json").write_text(json.dumps(about))
    with pytest.raises(UsageError, match="the run small has other weights"):
        train(recipe, data, run, resume=True)
    with pytest.raises(UsageError, match="another network: size: 32 → 64"):
        train(recipe.model_copy(update={"size": 64}), data, run, resume=True, accept_changes=True)


def test_resume_takes_recipe_and_data_from_the_folder_and_finds_them_from_anywhere(finished, tmp_path, monkeypatch):
    teacher, data = finished
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "mine.toml").write_text(to_toml(tiny_recipe(optim__epochs=1, augment__views=1)))
    relative = [os.path.relpath(path) for path in (data, teacher)]
    words = ["distill", "--recipe", "mine.toml", "--data", relative[0], "--out", "run", "--teacher", relative[1]]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert read_recipe(here / "run" / "recipe.toml").teachers.bundles == (str(teacher.resolve()),)
    monkeypatch.chdir(tmp_path)
    words = ["distill", "--resume", "--out", "here/run", "--set", "optim.epochs=2"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "Resumes in epoch 2" in done.output
    refused = CliRunner().invoke(app, ["teacher", "--resume", "--out", "nothing"])
    assert "--recipe and --data must be named" in str(refused.exception)


def test_two_processes_started_at_once_and_only_one_owns_the_run(tmp_path):
    """The loser says who does; what the winner wrote is whole, and its lock ends with it, although it is killed."""
    data, out = write_images(tmp_path / "images", 60), RunFolder(tmp_path / "run")

    def start(seed):
        (tmp_path / f"{seed}.toml").write_text(to_toml(tiny_recipe(optim__epochs=2000, seed=seed)))
        words = ["teacher", "--recipe", tmp_path / f"{seed}.toml", "--data", data, "--out", out.path]
        command = [sys.executable, "-m", "training", *words, "--events", "json"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, **streams, encoding="utf-8", env=single_threaded())

    with ThreadPoolExecutor(2) as pool, start(0) as one, start(1) as two:
        try:
            wait([pool.submit(process.wait) for process in (one, two)], PATIENCE, FIRST_COMPLETED)
            winner, loser = (one, two) if one.poll() is None else (two, one)
            assert loser.returncode == 2
            assert f"under way already, by process {winner.pid} on " in loser.stderr.read()
            assert any('"EpochDone"' in line for line in winner.stdout)
            assert read_owner(out).process().pid == winner.pid
            assert read_recipe(out.recipe).seed == (one, two).index(winner)
            with pytest.raises(UsageError, match="under way already"):
                train(tiny_recipe(), data, out.path, resume=True)
        finally:
            for process in (one, two):
                process.kill()
    assert read_owner(out).process() is None
    with owned(out):
        assert read_owner(out).process().pid == os.getpid()
    assert read_owner(out).process() is None, "this process has left the folder"
    told = [json.loads(line)["event"] for line in out.events.read_text().splitlines()]
    assert "EpochDone" in told
