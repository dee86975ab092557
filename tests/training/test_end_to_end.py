"""From a folder of classes that no task knows to the program's own answer, by the public commands alone."""

import csv
import json
import shutil
import subprocess
import sys

import pytest
from class_folders import SURFACES, write_surfaces
from safetensors.torch import load_file
from tiny_training import single_threaded, tiny_recipe
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
    data = write_surfaces(tmp_path / "surfaces", {"train": 24, "val": 5, "test": 7}, size=32)
    found = json.loads(twinlens_train("check-data", data, "--json"))
    assert found["images"] == 108
    assert "own-labels" in {finding["code"] for finding in found["findings"]}
    assert "3 classes, greyscale (0 of 108 images" in twinlens_train("new-task", data, "--name", "Building surfaces")
    task = ("--task", "surfaces")
    for name, recipe in (("assistant", ASSISTANT), ("vgg19", VGG19), ("student", STUDENT)):
        (tmp_path / f"{name}.toml").write_text(to_toml(recipe), encoding="utf-8")
    assistant, teacher, student = (tmp_path / "runs" / name for name in ("assistant", "vgg19", "student"))

    twinlens_train("teacher", "--recipe", tmp_path / "assistant.toml", *task, "--data", data, "--out", assistant)
    command = ("distill", "--recipe", tmp_path / "vgg19.toml", *task, "--data", data, "--out", teacher)
    twinlens_train(*command, "--teacher", assistant, "--set", "teachers.cache=false")
    command = ("distill", "--recipe", tmp_path / "student.toml", *task, "--data", data, "--out", student)
    assert "M parameters" in twinlens_train(*command, "--teacher", teacher, "--teacher", assistant)
    about = json.loads((student / "run.json").read_text())
    assert about["status"] == "finished"
    assert about["teachers"][0]["id"].startswith("surfaces/teacher-vgg19@")
    rows = [json.loads(line) for line in (student / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    assert all(row["train_teacher"] > 0 and row["train_truth"] > 0 for row in rows)
    expected = build(STUDENT.model, 3, (32, 32), 0)[0].state_dict()
    assert load_file(student / "weights.safetensors").keys() == expected.keys()
    scored = json.loads(
        twinlens_train("evaluate", student, "--data", data, "--teacher", teacher, "--runtime", "torch", "--json")
    )
    assert scored["overall"]["images"] == 21
    assert 0 <= scored["agreement"]["same_class"] <= 1
    for run in (assistant, teacher):
        assert "border alone" in twinlens_train("evaluate", run, "--data", data, "--runtime", "torch")
    for run in (assistant, teacher, student):
        twinlens_train("publish", run, "--runtime", "torch")

    subnet = Subnet.model_validate(STUDENT.model.subnet)
    ids = "surfaces/teacher-timm-test_vit", f"surfaces/student-ofa595-{subnet.digest}"
    made = read_catalogue([own_models])
    assert not made.broken
    assert made.bundles.keys() == {*ids, "surfaces/teacher-vgg19"}
    assert made.bundles[ids[0]].card.preprocessing.mean == (0.5, 0.5, 0.5)
    assert made.bundles[ids[0]].card.preprocessing.size == (64, 64)
    card = made.bundles[ids[1]].card
    assert card.subnet == subnet
    assert (card.definition.name, card.definition.class_ids) == ("Building surfaces", SURFACES)
    assert "(Brick, Grass, Gravel)" in card.limits[0]
    assert card.scores[0].border_probe == pytest.approx(scored["border"]["border"], abs=1e-4)
    assert card.training.teacher.startswith("surfaces/teacher-vgg19@")
    shutil.rmtree(own_models.parent / "tasks")  # the bundles say all that is needed
    compare = ("compare", data / "test" / "grass" / "000.png", "--teacher", ids[0], "--student", ids[1])
    table = tmp_path / "table.csv"
    (record,) = json.loads(twinlens(*compare, "--json", "--csv", table))["images"]
    (row,) = csv.DictReader(table.read_text("utf-8-sig").splitlines())
    assert float(row["student_p_gravel"]) == pytest.approx(record["student"]["probabilities"]["gravel"], abs=1e-6)
    assert record["error"] is None
    assert record["task"] == "surfaces", "the chest radiographs' gate does not know it"
    assert record["student"]["probabilities"].keys() == set(SURFACES)
    assert (record["teacher"]["model"], record["student"]["model"]) == ids
    assert sum(record["student"]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert record["student"]["cam"] is None, "its last feature map has one cell at 32 pixels"
    assert record["teacher"]["cam"]["layer"] == "last_map"
    said = twinlens(*compare, "--cam", "none", "--with-hidden")
    assert "(Building surfaces)" in said
    assert f"OFA subnet {subnet.digest}" in said
    assert "Gravel" in said
