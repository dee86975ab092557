"""A teacher and a student that are quick to run, installed among the user's models, for tests of what uses them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.compare.session import Choice
from core.images.preprocessing import Preprocessing
from core.models.architectures import ARCHITECTURES, Architecture, build_network, count_macs, count_parameters
from core.models.bundle_writing import write_bundle
from core.models.card import Card, Role, Training
from core.models.graph_export import trace_network
from core.system.paths import user_weights
from core.tasks import get_task

NETWORK = "tinynet"
MAPS = 48  # more than the fast Score-CAM scores one by one
TASK = "chest-xray"
TINY = Choice(task=TASK, teacher=NETWORK, student=NETWORK)
HOW = Preprocessing(height=32, width=32, channels="grey")


def build(classes, head, size):
    """Return one convolution with a classifier behind it."""
    from torch import nn

    features = nn.Sequential(nn.Conv2d(3, MAPS, 3, stride=4, padding=1), nn.ReLU())
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(MAPS, classes))


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Have both installed within, in a data folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_DATA", str(folder))
        known = Architecture(NETWORK, "TinyNet", "convolutional", "0", "NCHW", "MIT", build)
        patch.setitem(ARCHITECTURES, NETWORK, known)
        for seed, role in enumerate(("teacher", "student")):
            write_random(TASK, role, NETWORK, HOW, seed)
        yield


def write_random(task: str, role: Role, network: str, how: Preprocessing, seed: int) -> None:
    """Install a bundle with random weights."""
    import torch

    torch.manual_seed(seed)
    classes = get_task(task).class_ids
    module = build_network(network, len(classes), size=how.size)
    card = Card(
        task=task, classes=classes, role=role, network=network, preprocessing=how,
        storage="float32", parameters=count_parameters(module), macs=count_macs(module, *how.size),
        training=Training(data="none", method="random weights", made_by="a test", made_on=date(2026, 1, 1)),
        intended_use="tests", licence="MIT", weights_sha256="0" * 64,
    )  # fmt: skip
    state = {key: value.numpy() for key, value in module.state_dict().items()}
    write_bundle(user_weights() / card.id, state, card, traced=trace_network(card))


def write_images(folder: Path, count: int, size: tuple[int, int] = (40, 48)) -> list[Path]:
    """Write grey images that all differ, and return them in the order of their names."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{number:03}.png" for number in range(count)]
    for path in paths:
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8))
        coarse.resize(size[::-1], Image.Resampling.BICUBIC).save(path)
    return paths
