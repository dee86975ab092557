"""The examples of a run: always the same images, Grad-CAM as pytorch-grad-cam makes it, and nothing else changed."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from tiny_training import SMALL_SUBNET, tiny_recipe, write_images

from core.models.architectures import cam_layer
from training.data.augmentation import as_floats, network_input
from training.loop import events
from training.loop.examples import MOST, answers, chosen
from training.loop.loop import train
from training.recipe import Model
from training.runs.examples import read_examples
from training.runs.folder import RunFolder
from training.runs.networks import build

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_images_are_of_all_classes_in_turn():
    labels = np.array([0, 0, 0, 0, 2, 2, 1, 0, 0, 0])
    places = chosen(labels)
    assert len(places) == MOST
    assert labels[places].tolist() == [0, 1, 2, 0, 2, 0]
    assert places == chosen(labels)
    assert chosen(np.array([1])) == [0]


def test_the_heat_map_is_grad_cam_as_another_program_makes_it():
    recipe = Model(network="ofa595", subnet=SMALL_SUBNET)
    network = build(recipe, 3, (64, 64), 1)[0].eval()
    inputs = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    logits, maps = answers("ofa595", network, inputs)
    with torch.no_grad():
        assert torch.allclose(logits, network(inputs), atol=1e-5)
    with GradCAM(network, [cam_layer("ofa595", network)]) as cam:
        wanted = cam(inputs, targets=None)  # upsampled to the input
    for found, other in zip(maps, wanted, strict=True):
        small = torch.from_numpy(other)[None, None].double()
        pooled = torch.nn.functional.interpolate(small, found.shape, mode="bilinear", antialias=True)[0, 0].numpy()
        assert np.corrcoef(found.ravel(), pooled.ravel())[0, 1] > 0.95
    assert all(not module._forward_hooks for module in network.modules())
    assert torch.is_grad_enabled()


def test_each_epoch_leaves_the_answers_to_the_same_images(tmp_path):
    data, told = write_images(tmp_path / "data"), []
    train(tiny_recipe(size=64), data, tmp_path / "run", listen=told.append)
    kinds = [type(event).__name__ for event in told]
    assert kinds.count("ExamplesWritten") == 2
    assert [event.epoch for event in told if isinstance(event, events.ExamplesWritten)] == [0, 1]
    doing = [event.what for event in told if isinstance(event, events.Working)]
    assert doing == ["Building the network", *["Validating on 30 images"] * 2]

    folder = RunFolder(tmp_path / "run")
    found = read_examples(folder)
    assert found.epoch == 1
    assert len(found.examples) == MOST
    assert {example.label for example in found.examples} == {"COVID-19", "Non-COVID", "Normal"}
    for example in found.examples:
        assert np.asarray(Image.open(folder.examples / example.picture)).shape == (64, 64)
        values = np.array(example.heat_map)
        assert values.shape == (2, 2)
        assert values.min() >= 0
        assert values.max() <= 1
        assert 1 / 3 <= example.probability <= 1


def test_the_answers_are_those_of_the_weights_that_are_kept(tmp_path):
    from safetensors.torch import load_file

    recipe = tiny_recipe(optim__epochs=1)
    train(recipe, write_images(tmp_path / "data"), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    network = build(recipe.model, 3, (32, 32), recipe.seed)[0].eval()
    network.load_state_dict(load_file(folder.weights))
    how = folder.read_result().preprocessing
    originals = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "data").glob("*.png"))]
    for example in read_examples(folder).examples:
        assert example.heat_map == (), "at this size the features have one place"
        picture = np.asarray(Image.open(folder.examples / example.picture))
        assert any(np.array_equal(picture, original) for original in originals)
        pixels = np.array(Image.open(folder.examples / example.picture))[None, :, :, None]
        with torch.no_grad():
            shares = network(network_input(as_floats(torch.from_numpy(pixels)), how)).softmax(dim=1)[0]
        assert float(shares.max()) == pytest.approx(example.probability, abs=1e-4)


def test_damaged_examples_are_none(tmp_path):
    folder = RunFolder(tmp_path)
    assert read_examples(folder).examples == ()
    folder.examples.mkdir()
    (folder.examples / "examples.json").write_text(json.dumps({"epoch": "x"}))
    assert read_examples(folder).examples == ()
