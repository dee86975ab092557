import csv
import errno
import json
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
import torch
from safetensors.torch import load_file
from tiny_training import single_threaded, tiny_recipe, write_images

from core.errors import UsageError, WriteError
from core.system.atomic_files import cannot_write
from training.data.loading import DatasetError
from training.loop import checkpoint, events
from training.loop.errors import TrainingError
from training.loop.loop import train
from training.recipe import to_toml
from training.recipe_files import read_recipe
from training.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("images"))


def bits(folder):
    return {key: value.numpy().tobytes() for key, value in load_file(folder / "weights.safetensors").items()}


@pytest.fixture(scope="module")
def whole_run(one_thread, images, tmp_path_factory):
    """A run that nothing disturbed, and what it told."""
    out, told = tmp_path_factory.mktemp("runs") / "whole", []
    train(tiny_recipe(), images, out, listen=told.append)
    return out, told


def test_a_run_learns_and_leaves_what_the_others_build_on(whole_run, images):
    out, told = whole_run
    about = json.loads((out / "run.json").read_text())
    assert about["status"] == "finished"
    assert about["images"] == {"train": 70, "val": 30}
    assert about["epochs_done"] == 2
    recipe = read_recipe(out / "recipe.toml")
    assert recipe == tiny_recipe()
    assert about["recipe_digest"] == recipe.digest()
    data = json.loads((out / "data.json").read_text())
    assert data["digest"] == about["data_digest"]
    assert sum(data["counts"]["train"].values()) == 70
    assert json.loads((out / "environment.json").read_text())["packages"]["torch"] == version("torch")
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [0, 1]
    assert rows[1]["train_loss"] < rows[0]["train_loss"]
    with (out / "metrics.csv").open() as file:
        assert [float(row["val_loss"]) for row in csv.DictReader(file)] == [row["val_loss"] for row in rows]
    best = max(rows, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    assert about["best_epoch"] == best["epoch"]
    assert about["val"]["accuracy"] == best["val_accuracy"]
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert [e.step for e in told if isinstance(e, events.StepDone)] == [*range(1, 8)] * 2
    assert isinstance(told[-1], events.Ended)


def test_killed_at_any_moment_it_ends_with_the_same_weights_bit_for_bit(whole_run, images, tmp_path):
    """SIGKILL in the first epoch, then in the second, then left alone."""
    out = tmp_path / "killed"
    (tmp_path / "tiny.toml").write_text(to_toml(tiny_recipe()))
    command = [sys.executable, "-m", "training", "teacher", "--recipe", tmp_path / "tiny.toml", "--data", images]
    command += ["--out", out, "--resume", "--events", "json", "--threads", "1"]
    for victim in ((0, 5), (1, 2)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=single_threaded()) as process:
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "StepDone" and (event["epoch"], event["step"]) == victim:
                    process.send_signal(signal.SIGKILL)
                    break
            process.stdout.read()
        assert process.returncode == -signal.SIGKILL
        assert not (out / "weights.safetensors").exists()
    last = subprocess.run(command, capture_output=True, encoding="utf-8", env=single_threaded(), check=True)
    started = next(e for e in map(json.loads, last.stdout.splitlines()) if e["event"] == "Started")
    assert (started["epoch"], started["step"]) > (0, 0), "it began anew"
    assert bits(out) == bits(whole_run[0])
    ours, theirs = ((folder / "metrics.jsonl").read_text().splitlines() for folder in (out, whole_run[0]))
    for a, b in zip(map(json.loads, ours), map(json.loads, theirs), strict=True):
        assert {k: v for k, v in a.items() if "second" not in k} == {k: v for k, v in b.items() if "second" not in k}


def test_stopped_by_a_listener_it_goes_on_where_it_was(whole_run, images, tmp_path):
    out, stop = tmp_path / "run", events.StopRequest()

    def listen(event):
        if isinstance(event, events.StepDone) and (event.epoch, event.step) == (0, 2):
            stop.ask("enough")

    ended = train(tiny_recipe(), images, out, listen=listen, stop=stop)
    assert (ended.status, ended.reason) == ("stopped", "enough")
    assert json.loads((out / "run.json").read_text())["status"] == "stopped"
    told = []
    assert train(tiny_recipe(), images, out, resume=True, listen=told.append).status == "finished"
    assert next(e for e in told if isinstance(e, events.Started)).step == 3
    assert bits(out) == bits(whole_run[0])


def test_a_file_in_the_folder_stops_it(images, tmp_path):
    out = tmp_path / "run"

    def listen(event):
        if isinstance(event, events.StepDone) and event.step == 2:
            RunFolder(out).stop.touch()

    ended = train(tiny_recipe(), images, out, listen=listen)
    assert ended.status == "stopped"
    assert "'stop'" in ended.reason
    assert train(tiny_recipe(), images, out, resume=True).status == "finished"


def test_stopped_while_images_are_decoded_it_begins_anew(tmp_path):
    images, stop = write_images(tmp_path / "images", images=40, size=40), events.StopRequest()
    recipe = tiny_recipe(optim__epochs=1)
    ended = train(recipe, images, tmp_path / "run", listen=lambda _event: stop.ask("enough"), stop=stop)
    assert (ended.status, ended.reason) == ("stopped", "enough")
    assert train(recipe, images, tmp_path / "run", resume=True).status == "finished"


def test_sigterm_keeps_a_checkpoint_and_ends_with_3(images, tmp_path):
    (tmp_path / "tiny.toml").write_text(to_toml(tiny_recipe(checkpoint_steps=1000)))
    command = [sys.executable, "-m", "training", "teacher", "--recipe", tmp_path / "tiny.toml", "--data", images]
    command += ["--out", tmp_path / "run", "--events", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=single_threaded()) as process:
        for line in process.stdout:
            if '"StepDone"' in line:
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stdout.read()
    assert process.returncode == 3
    assert json.loads(rest.splitlines()[-1])["reason"] == "interrupted by SIGTERM"
    assert checkpoint.read_checkpoint(tmp_path / "run" / "checkpoints") is not None


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_checkpoint(images, tmp_path):
    out = tmp_path / "run"
    recipe = tiny_recipe(optim__lr=1e18, optim__clip=0.0, optim__warmup=0.0, checkpoint_steps=1)
    with pytest.raises(TrainingError, match="not finite"):
        train(recipe, images, out)
    about = json.loads((out / "run.json").read_text())
    assert about["status"] == "failed"
    assert "not finite" in about["reason"]
    _, tensors, _ = checkpoint.read_checkpoint(out / "checkpoints")
    assert all(torch.isfinite(t).all() for t in tensors["training"].values())
    assert not (out / "weights.safetensors").exists()


def test_a_full_disk_ends_the_run_and_it_goes_on_when_there_is_room(whole_run, images, tmp_path, monkeypatch):
    out, real, calls = tmp_path / "run", checkpoint.save_tensors, []

    def full(path, tensors):
        calls.append(path)
        if len(calls) > 2:
            cause = OSError(errno.ENOSPC, "No space left on device")
            raise cannot_write(path, cause) from cause
        real(path, tensors)

    monkeypatch.setattr(checkpoint, "save_tensors", full)
    with pytest.raises(TrainingError, match="disk is full"):
        train(tiny_recipe(), images, out)
    assert json.loads((out / "run.json").read_text())["status"] == "failed"
    assert not list((out / "checkpoints").glob(".part*"))
    monkeypatch.undo()
    assert train(tiny_recipe(), images, out, resume=True).status == "finished"
    assert bits(out) == bits(whole_run[0])


def test_a_full_cache_is_not_blamed_on_the_run(images, tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("training.data.decoded_images.np.lib.format.write_array_header_1_0", full)
    with pytest.raises(TrainingError, match="disk that holds the cache is full") as refused:
        train(tiny_recipe(), images, tmp_path / "run")
    assert refused.value.path == tmp_path / "cache"
    assert "TWINLENS_CACHE" in refused.value.remedy
    assert not list((tmp_path / "cache" / "training" / "images").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on files is POSIX's")
def test_a_checkpoint_whose_optimiser_does_not_fit_on_the_disk_leaves_the_one_before(tmp_path):
    import resource

    weights = {"training": {"w": torch.ones(9)}}
    checkpoint.write_checkpoint(tmp_path, checkpoint.Counters(epoch=1), weights, {"moment": torch.zeros(9)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(WriteError, match=r"optimiser\.pt: The disk takes no file as large"):
            checkpoint.write_checkpoint(tmp_path, checkpoint.Counters(epoch=2), weights, {"moment": torch.zeros(10**5)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    counters, tensors, _ = checkpoint.read_checkpoint(tmp_path)
    assert (counters.epoch, tensors["training"]["w"].sum()) == (1, 9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-00001-step-000000", "last.json"]


def test_a_damaged_image_is_left_out_and_counted(images, tmp_path):
    folder = shutil.copytree(images, tmp_path / "images")
    (folder / "003.png").write_bytes((folder / "003.png").read_bytes()[:200])
    told = []
    train(tiny_recipe(optim__epochs=1), folder, tmp_path / "run", listen=told.append)
    assert next(e for e in told if isinstance(e, events.Started)).unreadable == 1
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["images"] == {"train": 69, "val": 30}
    assert about["unreadable"][0]["file"] == "003.png"


def test_many_damaged_images_are_refused(images, tmp_path):
    folder = shutil.copytree(images, tmp_path / "images")
    for name in ("003.png", "010.png", "020.png", "030.png", "040.png"):
        (folder / name).write_bytes(b"\xff\xd8\xff no image")
    with pytest.raises(DatasetError, match=r"5 of 70 images .* can't be read"):
        train(tiny_recipe(), folder, tmp_path / "run")


def test_a_folder_with_a_run_is_not_overwritten(whole_run, images):
    out = whole_run[0]
    before = bits(out)
    with pytest.raises(UsageError, match="This folder already holds a run"):
        train(tiny_recipe(), images, out)
    with pytest.raises(UsageError, match=r"differs from the run in this folder: seed: 2 → 1\."):
        train(tiny_recipe(seed=1), images, out, resume=True)
    assert train(tiny_recipe(), images, out, resume=True).reason == "it was already finished"
    assert bits(out) == before


def test_a_batch_larger_than_the_data_is_refused(images, tmp_path):
    with pytest.raises(DatasetError, match="do not fill a batch of 500"):
        train(tiny_recipe(optim__batch=500), images, tmp_path / "run")


def test_a_damaged_checkpoint_is_named(images, tmp_path):
    out, stop = tmp_path / "run", events.StopRequest()
    train(
        tiny_recipe(),
        images,
        out,
        listen=lambda e: stop.ask("x") if isinstance(e, events.StepDone) else None,
        stop=stop,
    )
    weights = next((out / "checkpoints").glob("epoch-*/training.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(checkpoint.CheckpointError, match="damaged"):
        train(tiny_recipe(), images, out, resume=True)


def test_it_stops_early_where_nothing_improves(images, tmp_path):
    recipe = tiny_recipe(optim__epochs=50, optim__lr=1e-12, optim__patience=2)
    ended = train(recipe, images, tmp_path / "run")
    assert ended.status == "finished"
    assert "no better validation score in 2 epochs" in ended.reason
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) < 50
