"""A bundle so small that it is written, quantised and run in moments, and images that it classifies."""

import csv
from datetime import date

import numpy as np
import pytest
import torch
from PIL import Image

from core.images.preprocessing import Preprocessing, preprocess
from core.images.reader import read_image
from core.models.architectures import build_network
from core.models.bundle_writing import write_bundle
from core.models.card import Card, Scores, Training
from core.models.graph_export import trace_network
from core.tasks import get_task

SIZE = 64
NETWORK = "timm:test_resnet"
SCORES = Scores(dataset="made-up films", images=24, accuracy=0.9, macro_f1=0.8, ece=0.1, measured_by="a test")


def write_images(folder, task, images=48, wrong=2):
    """Write pictures whose brightness tells their class, and a manifest that is wrong about the first ones."""
    random = np.random.default_rng(0)
    labels = get_task(task).class_ids
    folder.mkdir(parents=True)
    rows = []
    for i in range(images):
        index = i % len(labels)
        shape = (SIZE, SIZE, 3) if get_task(task).colour else (SIZE, SIZE)
        pixels = random.normal(40 + 160 * index / (len(labels) - 1), 15, shape)
        if get_task(task).colour:
            pixels[..., 1] *= 0.6
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i:03d}.png")
        rows.append((f"{i:03d}.png", labels[(index + (i < wrong)) % len(labels)]))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    return folder


def write_model(place, task, images):
    """Write a bundle whose last layer is fitted to the pictures; everything below it is random."""
    how = Preprocessing(height=SIZE, width=SIZE, channels="rgb" if get_task(task).colour else "grey")
    classes = get_task(task).class_ids
    torch.manual_seed(0)
    network = build_network(NETWORK, len(classes), size=how.size)
    batch = np.concatenate([preprocess(read_image(path), how) for path in sorted(images.glob("*.png"))])
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "bn" in name and name.endswith("weight"):
                weight.uniform_(0.5, 1.5)  # timm begins with zeros there, behind which nothing counts
        found = network.forward_head(network.forward_features(torch.from_numpy(batch)), pre_logits=True).double()
        wanted = torch.eye(len(classes), dtype=torch.double)[torch.arange(len(found)) % len(classes)] * 6 - 3
        known = torch.cat([found, torch.ones(len(found), 1)], 1)
        fitted = torch.linalg.solve(known.T @ known + 1e-3 * torch.eye(known.shape[1]), known.T @ wanted)
        network.get_classifier().weight.copy_(fitted[:-1].T)
        network.get_classifier().bias.copy_(fitted[-1])
    card = Card(
        task=task, classes=classes, role="student", network=NETWORK, preprocessing=how, temperature=1.3,
        storage="float32", parameters=1, macs=1,
        training=Training(data="none", method="a fitted layer", made_by="a test", made_on=date(2026, 1, 1)),
        scores=(SCORES,), intended_use="tests", licence="MIT", weights_sha256="0" * 64,
    )  # fmt: skip
    state = {key: value.numpy() for key, value in network.state_dict().items()}
    return write_bundle(place, state, card, traced=trace_network(card))


@pytest.fixture(scope="package")
def films(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("images") / "films", "chest-xray")


@pytest.fixture(scope="package")
def chest_model(films, tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("chest") / "student", "chest-xray", films)


@pytest.fixture(scope="package")
def tile_model(tmp_path_factory):
    tiles = write_images(tmp_path_factory.mktemp("images") / "tiles", "lung-colon")
    return write_model(tmp_path_factory.mktemp("tiles") / "student", "lung-colon", tiles)
