"""Runs with means against shortcuts: stopped and resumed they give the same bits, and caches are told apart."""

import csv
import json

import pytest
import torch
from safetensors.torch import load_file
from tiny_training import CLASSES, tiny_recipe, write_images

from core.errors import UsageError
from core.images.preprocessing import Preprocessing
from training.data.decoded_images import load_images
from training.data.hiding import Hiding
from training.distillation.cached_logits import TeacherLogits
from training.distillation.teachers import Engine, load_teacher
from training.loop import events
from training.loop.loop import train
from training.loop.progressive import at_size
from training.loop.setup import prepare
from training.recipe_parts import Hide
from training.runs.training_set import open_run_data

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 64  # feature maps have more than one pixel
HOW = Preprocessing(height=SIZE, width=SIZE, channels="grey")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Forty images, of two sources."""
    folder = write_images(tmp_path_factory.mktemp("images"), 40)
    with (folder / "manifest.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*head, "source"], *([*row, "a" if i % 5 else "b"] for i, row in enumerate(rows))])
    return folder


@pytest.fixture(scope="module")
def teacher(one_thread, images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "teacher"
    train(tiny_recipe(size=SIZE, optim__epochs=1), images, out)
    return out


def all_means(teacher):
    return tiny_recipe(
        size=SIZE,
        augment__views=1,
        teachers={"bundles": [str(teacher)]},
        hide={"lungs_only": 0.3, "border": 0.3},
        subgroups={"sampling": "balanced", "dro": 0.1, "smallest": 2},
        explanation={"weight": 1.0, "on": "lungs"},
        checkpoint_steps=1,
    )


def test_stopped_in_the_middle_a_run_with_all_means_resumes_bit_identically(images, teacher, tmp_path):
    recipe, told = all_means(teacher), []
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert train(recipe, images, whole, listen=told.append).status == "finished"
    notes = next(e.notes for e in told if isinstance(e, events.Started))
    assert any("a, COVID-19" in note for note in notes)
    stop = events.StopRequest()

    def listen(event):
        if isinstance(event, events.StepDone) and (event.epoch, event.step) == (0, 2):
            stop.ask("enough")

    assert train(recipe, images, stopped, listen=listen, stop=stop).status == "stopped"
    assert train(recipe, images, stopped, resume=True).status == "finished"
    for name in ("training", "average"):
        a, b = (load_file(next((run / "checkpoints").glob(f"epoch-*/{name}.safetensors"))) for run in (whole, stopped))
        assert all(torch.equal(a[key], b[key]) for key in a)
    rows = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert {"train_truth", "train_teacher", "train_explanation"} < rows[0].keys()
    assert 0 < rows[0]["train_explanation"] < 1
    assert rows[0]["val_worst_group"] <= rows[0]["val_group_accuracy"] <= 1
    best = json.loads((whole / "run.json").read_text())["best_epoch"]
    assert rows[best]["val_group_accuracy"] == max(row["val_group_accuracy"] for row in rows)
    q = load_file(next((whole / "checkpoints").glob("epoch-*/training.safetensors")))["criterion.group_weights.q"]
    assert q.sum().item() == pytest.approx(1, abs=1e-5)
    assert q.std() > 0


def test_another_input_size_keeps_the_weights_of_groups(images):
    recipe = tiny_recipe(
        size=64, model={"network": "visformer_small"}, optim__progressive=[[32, 0.5]], subgroups={"dro": 0.1}
    )
    setup = prepare(recipe, open_run_data(images, CLASSES), lambda _event: None)
    small = at_size(setup, 32)
    small.criterion.group_weights.q.copy_(torch.tensor([0.7, 0.2, 0.1]))
    large = at_size(small, 64)
    assert large.network is not small.network
    assert torch.equal(large.criterion.group_weights.q, torch.tensor([0.7, 0.2, 0.1]))


def test_logits_of_views_with_hidden_parts_are_a_cache_of_their_own_and_of_these_views(images, teacher):
    loaded, data = load_teacher(str(teacher), CLASSES, HOW), open_run_data(images, CLASSES)
    store = load_images(data.train, CLASSES, HOW, data.contents)
    seen = []

    def ask(batch):
        seen.append(batch)
        with torch.inference_mode():
            return loaded.module(batch)

    views = tiny_recipe(augment={"flip": 0.0, "rotate": 0.0, "scale": 1.0, "erase": 0.0}).augment
    hidings = (None, Hiding(Hide(border=1.0)), Hiding(Hide(border=0.9)))
    caches = [TeacherLogits([loaded], [Engine("no", ask)], store, views, 3, hiding) for hiding in hidings]
    assert len({cache._keys[0] for cache in caches}) == 3
    for cache in caches[:2]:
        cache.of_view(0, store.tensor())
    border = torch.cat([seen[1][:, 0, 0], seen[1][:, 0, :, 0]], dim=1)
    assert border.std(dim=1).max() < 1e-5, "the teacher sees one brightness along the edges"
    assert seen[0][:, 0, 0].std(dim=1).min() > 1e-3


def test_hints_of_any_layer_and_a_layer_that_is_missing(images, teacher, tmp_path):
    teachers = {"bundles": [str(teacher)], "cache": False}
    hint = {"hint": 1.0, "map_layers": ["blocks.3", "blocks.5"]}
    recipe = tiny_recipe(size=SIZE, optim__epochs=1, teachers=teachers, loss=hint)
    assert train(recipe, images, tmp_path / "run").status == "finished"
    row = json.loads((tmp_path / "run" / "metrics.jsonl").read_text())
    assert row["train_hint"] > 0
    wrong = recipe.model_copy(update={"loss": recipe.loss.model_copy(update={"map_layers": ("blocks.3", "body.7")})})
    with pytest.raises(UsageError, match=r"no layer 'body\.7'.*blocks\.1"):
        train(wrong, images, tmp_path / "wrong")
    flat = recipe.model_copy(update={"loss": recipe.loss.model_copy(update={"map_layers": ("classifier", "blocks.5")})})
    with pytest.raises(UsageError, match="no spatial maps"):
        train(flat, images, tmp_path / "flat")
