"""Runs that begin on small images, and what they compute in."""

import json

import pytest
import torch
from safetensors.torch import load_file
from tiny_training import tiny_recipe, write_images

from core.models.architectures import build_network
from training.loop import events, precision
from training.loop.loop import train
from training.loop.precision import choose_precision
from training.recipe import Recipe, to_toml

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("images"), images=60, size=64)


def recipe_of(network="visformer_small", **changes):
    model = {"network": network} if network != "ofa595" else tiny_recipe().model.model_dump()
    sizes = {"optim__epochs": 2, "optim__progressive": [[32, 0.5]], "optim__lr": 1e-4}
    return tiny_recipe(size=64, checkpoint_steps=1, model=model, **sizes, **changes)


def rows_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_sizes_of_the_epochs_come_from_the_recipe():
    sizes = [[32, 0.5], [48, 0.3]]
    recipe = tiny_recipe(size=64, optim__epochs=4, optim__progressive=sizes)
    assert [recipe.size_of_epoch(epoch) for epoch in range(4)] == [32, 32, 48, 64]
    short = tiny_recipe(size=64, optim__epochs=1, optim__progressive=sizes)
    assert short.size_of_epoch(0) == 64, "the last epoch is at the recipe's size, however few there are"
    assert Recipe.model_validate(__import__("tomllib").loads(to_toml(recipe))) == recipe
    with pytest.raises(ValueError, match="no epoch at the recipe's size"):
        tiny_recipe(optim__progressive=[[32, 0.6], [48, 0.4]])


@pytest.fixture(scope="module")
def whole(one_thread, images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(recipe_of(), images, out)
    return out


def test_a_transformer_grows_and_ends_at_the_recipes_size(whole):
    assert [row["size"] for row in rows_of(whole)] == [32, 64]
    weights, expected = load_file(whole / "weights.safetensors"), build_network("visformer_small", 3, size=(64, 64))
    assert {k: v.shape for k, v in weights.items()} == {k: v.shape for k, v in expected.state_dict().items()}
    about = json.loads((whole / "run.json").read_text())
    assert about["preprocessing"]["height"] == 64
    assert about["best_epoch"] == 1, "an epoch at another size is never what is published"


def test_stopped_at_each_size_it_ends_with_the_same_weights_bit_for_bit(whole, images, tmp_path):
    for epoch, step in ((0, 1), (1, 0), (1, 1)):
        stop = events.StopRequest()

        def listen(event, stop=stop, at=(epoch, step)):
            done = isinstance(event, events.CheckpointWritten) and (event.epoch, event.step) >= at
            if done or (isinstance(event, events.StepDone) and (event.epoch, event.step) >= at):
                stop.ask("enough")

        assert train(recipe_of(), images, tmp_path / "run", resume=True, listen=listen, stop=stop).status == "stopped"
    assert train(recipe_of(), images, tmp_path / "run", resume=True).status == "finished"
    ours, theirs = (load_file(run / "weights.safetensors") for run in (tmp_path / "run", whole))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_convolutional_network_keeps_its_weights_and_optimiser(images, tmp_path):
    train(recipe_of("ofa595"), images, tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    assert [row["size"] for row in rows] == [32, 64]
    assert all(row["train_loss"] < 3 for row in rows)


@pytest.mark.parametrize(("seconds", "expected"), [((2.0, 1.0), "bf16"), ((1.0, 2.0), "no"), ((1.1, 1.0), "no")])
def test_a_cpu_computes_in_what_is_measured_to_be_faster(monkeypatch, seconds, expected):
    monkeypatch.setattr(precision, "step_seconds", lambda _network, _size, half: seconds[half])
    monkeypatch.setattr(precision, "lacks_bfloat16", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network = build_network("ofa595", 3)
    assert choose_precision("auto", network, (32, 32)) == expected
    assert choose_precision("auto", network, (32, 32), before="bf16") == "bf16"
    assert choose_precision("no", network, (32, 32), before="bf16") == "no"
    monkeypatch.setattr(precision, "lacks_bfloat16", lambda: True)
    assert choose_precision("auto", network, (32, 32)) == "no"


def test_measuring_changes_nothing():
    network = build_network("ofa595", 3).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    assert precision.step_seconds(network, (32, 32), half=False) > 0
    assert network.training
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def stopping(event, stop):
    if isinstance(event, events.StepDone):
        stop.ask("enough")


def test_a_run_goes_on_in_the_precision_that_it_began_with(images, tmp_path, monkeypatch):
    recipe, stop = recipe_of("ofa595", optim__precision="auto"), events.StopRequest()
    monkeypatch.setattr(precision, "lacks_bfloat16", lambda: False)
    monkeypatch.setattr(precision, "step_seconds", lambda _network, _size, half: (2.0, 1.0)[half])
    train(recipe, images, tmp_path / "run", stop=stop, listen=lambda event: stopping(event, stop))
    monkeypatch.setattr(precision, "step_seconds", lambda _network, _size, half: (1.0, 2.0)[half])
    told = []
    train(recipe, images, tmp_path / "run", resume=True, listen=told.append)
    assert next(e for e in told if isinstance(e, events.Started)).precision == "bf16"
