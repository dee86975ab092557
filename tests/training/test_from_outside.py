"""A data layout, a task and a network that the program does not know: a registration or a file each."""

import json

import numpy as np
import pytest
from dataset_samples import save
from tiny_training import tiny_recipe
from torch import nn

from core.models.architectures import ARCHITECTURES, Architecture
from core.system.paths import user_tasks
from training.data.dataset import LeftOut, Sample
from training.data.layouts.layout import Found, Layout
from training.data.layouts.table import LAYOUTS
from training.data.loading import open_dataset
from training.evaluation.evaluate import evaluate
from training.loop.loop import train
from training.runs.finished import read_run


def read_labels(listing, _labels):
    """Images beside a ``labels.json``, which maps names to classes."""
    table = listing.folder / "labels.json"
    if table not in listing.files:
        return None
    labels = json.loads(table.read_text())
    known = [image for image in listing.images if image.name in labels]
    left_out = [*listing.others, *(LeftOut(i, "without a label") for i in listing.images if i not in known)]
    return Found(listing.folder, [Sample(i, labels[i.name], "", {"patient_id": i.stem}) for i in known], left_out)


def small_network(classes, _head, _size):
    features = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes))
    network = nn.Sequential()
    network.add_module("features", features)
    network.add_module("head", head)
    return network


TASK = """
id = "hand-xray"
name = "Hand X-ray"
image_kind = "radiograph of a hand"
image_kinds = "radiographs of hands"
colour = false
classes = [{ id = "left", name = "Left hand" }, { id = "right", name = "Right hand" }]
"""


@pytest.fixture
def registered(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "own"))
    user_tasks().mkdir(parents=True)
    (user_tasks() / "hand.toml").write_text(TASK)
    layout = Layout("labels.json", "images beside a labels.json", read_labels)
    network = Architecture("small", "Small", "convolutional network", "features", "NCHW", "MIT", small_network)
    LAYOUTS.insert(0, layout)
    ARCHITECTURES[network.id] = network
    yield
    LAYOUTS.remove(layout)
    del ARCHITECTURES[network.id]


def test_a_layout_a_task_and_a_network_from_outside_are_trained_and_evaluated(registered, tmp_path):
    random, labels = np.random.default_rng(0), {}
    for number in range(60):
        label = ("left", "right")[number % 2]
        save(tmp_path / "data" / f"{number}.png", random.integers(0, 120, (32, 32), np.uint8) + 120 * (number % 2))
        labels[f"{number}.png"] = label
    save(tmp_path / "data" / "stray.png", random.integers(0, 255, (32, 32), np.uint8))
    (tmp_path / "data" / "labels.json").write_text(json.dumps(labels))

    dataset = open_dataset(tmp_path / "data")
    assert (dataset.kind, len(dataset.samples), dataset.classes) == ("labels.json", 60, ("left", "right"))
    assert [out.path.name for out in dataset.left_out if out.reason == "without a label"] == ["stray.png"]

    recipe = tiny_recipe(task="hand-xray", model={"network": "small"}, optim__epochs=1)
    assert train(recipe, tmp_path / "data", tmp_path / "run").status == "finished"
    bundle = read_run(tmp_path / "run")
    assert (bundle.card.task, bundle.card.network, bundle.card.training.data_set.layout) == (
        "hand-xray", "small", "labels.json",
    )  # fmt: skip
    measured = evaluate(bundle, tmp_path / "data", runtime="torch")
    assert measured.overall.images == sum(sample.split == "test" for sample in dataset.samples)
