import sys

import pytest
from tiny_training import tiny_recipe, write_images
from typer.testing import CliRunner

from training.cli.app import app
from training.recipe import to_toml


def command(folder, *more):
    (folder / "recipe.toml").write_text(to_toml(tiny_recipe()), encoding="utf-8")
    words = ["teacher", "--recipe", folder / "recipe.toml", "--data", write_images(folder / "images", 30)]
    return [str(word) for word in (*words, "--out", folder / "run", "--tensorboard", *more)]


def test_without_tensorboard_the_run_is_refused_before_it_starts(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    done = CliRunner().invoke(app, command(tmp_path))
    assert done.exit_code != 0
    assert "TensorBoard is not installed" in str(done.exception)
    assert not (tmp_path / "run" / "run.json").exists()


def test_every_epoch_is_written(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    assert CliRunner().invoke(app, command(tmp_path)).exit_code == 0
    found = {}
    for path in (tmp_path / "run" / "tensorboard").iterdir():
        for event in loader.EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found.setdefault(value.tag, []).append(event.step)
    assert found["validation/accuracy"] == [1, 2]
    assert {"train/loss", "validation/macro_f1", "lr"} <= found.keys()
