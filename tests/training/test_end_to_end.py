"""From a data folder to the program's own answer, by the public commands alone."""

import json
import subprocess
import sys

import pytest
from safetensors.torch import load_file
from tiny_training import single_threaded, tiny_recipe, write_images
from typer.testing import CliRunner

from core.models.catalogue import read_catalogue
from core.models.ofa_subnets import Subnet
from training.cli.app import app
from training.recipe import to_toml
from training.runs.networks import build

VGG19 = tiny_recipe(checkpoint_steps=1000, role="teacher", model={"network": "vgg19", "head": "gap"}, optim__lr=3e-4)
# a network of timm's, with a size and a normalisation of its own
ASSISTANT = tiny_recipe(size=64, checkpoint_steps=1000, role="teacher", model={"network": "timm:test_vit"})
STUDENT = tiny_recipe(augment__views=2)


@pytest.fixture
def own_models(tmp_path, monkeypatch):
    """A user's folder of models with nothing in it yet."""
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "installed"))
    return tmp_path / "installed" / "weights"


def twinlens_train(*words):
    """Run a command of the training module and return what it printed."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


def twinlens(*words):
    """Run a command of the program, in a process of its own, and return what it printed."""
    command = [sys.executable, "-m", "core", *map(str, words)]
    done = subprocess.run(command, check=False, env=single_threaded(), capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_data_teacher_student_evaluation_bundle_and_comparison(own_models, tmp_path):
    data = write_images(tmp_path / "images", 100, test=2)
    found = json.loads(twinlens_train("check-data", data, "--json"))
    assert found["images"] == 100
    for name, recipe in (("assistant", ASSISTANT), ("vgg19", VGG19), ("student", STUDENT)):
        (tmp_path / f"{name}.toml").write_text(to_toml(recipe), encoding="utf-8")
    assistant, teacher, student = (tmp_path / "runs" / name for name in ("assistant", "vgg19", "student"))

    twinlens_train("teacher", "--recipe", tmp_path / "assistant.toml", "--data", data, "--out", assistant)
    command = ("distill", "--recipe", tmp_path / "vgg19.toml", "--data", data, "--out", teacher)
    twinlens_train(*command, "--teacher", assistant, "--set", "teachers.cache=false")
    command = ("distill", "--recipe", tmp_path / "student.toml", "--data", data, "--out", student)
    assert "M parameters" in twinlens_train(*command, "--teacher", teacher, "--teacher", assistant)
    about = json.loads((student / "run.json").read_text())
    assert about["status"] == "finished"
    assert about["teachers"][0]["id"].startswith("chest-xray/teacher-vgg19@")
    rows = [json.loads(line) for line in (student / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    assert all(row["train_teacher"] > 0 and row["train_truth"] > 0 for row in rows)
    expected = build(STUDENT.model, 3, (32, 32), 0)[0].state_dict()
    assert load_file(student / "weights.safetensors").keys() == expected.keys()
    scored = json.loads(
        twinlens_train("evaluate", student, "--data", data, "--teacher", teacher, "--runtime", "torch", "--json")
    )
    assert scored["overall"]["images"] == 20
    assert 0 <= scored["agreement"]["same_class"] <= 1
    assert scored["border"]["border"] > 0.9  # brightness, which tells the class here, shows on the border too
    for run in (assistant, teacher):
        assert "border alone" in twinlens_train("evaluate", run, "--data", data, "--runtime", "torch")
    for run in (assistant, teacher, student):
        twinlens_train("publish", run, "--runtime", "torch")

    subnet = Subnet.model_validate(STUDENT.model.subnet)
    ids = "chest-xray/teacher-timm-test_vit", f"chest-xray/student-ofa595-{subnet.digest}"
    made = read_catalogue([own_models])
    assert not made.broken
    assert made.bundles.keys() == {*ids, "chest-xray/teacher-vgg19"}
    assert made.bundles[ids[0]].card.preprocessing.mean == (0.5, 0.5, 0.5)
    assert made.bundles[ids[0]].card.preprocessing.size == (64, 64)
    card = made.bundles[ids[1]].card
    assert card.subnet == subnet
    assert card.scores[0].border_probe == pytest.approx(scored["border"]["border"])
    assert card.training.teacher.startswith("chest-xray/teacher-vgg19@")
    compare = ("compare", data / "008.png", "--teacher", ids[0], "--student", ids[1])
    (record,) = json.loads(twinlens(*compare, "--json"))["images"]
    assert record["error"] is None
    assert (record["teacher"]["model"], record["student"]["model"]) == ids
    assert sum(record["student"]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert record["student"]["cam"] is not None
    assert record["teacher"]["cam"]["layer"] == "last_map"
    assert f"OFA subnet {subnet.digest}" in twinlens(*compare, "--cam", "none")
