"""A data set and a recipe so small that a training run takes seconds: real code and a real network, little of each."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from training.recipe import Recipe

CLASSES = ("COVID-19", "Non-COVID", "Normal")
SMALL_SUBNET = {"ks": [3] * 20, "e": [3] * 20, "d": [2] * 5, "width": 0.35}


def write_images(folder: Path, images: int = 100, size: int = 32, test: int = 0) -> Path:
    """Write a data folder in which brightness tells the class.

    Of ten images seven are for training, ``test`` for testing and the others for validation.
    """
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(images):
        label = i % 3
        pixels = random.normal(60 + 60 * label, 25, (size, size)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")
        rows.append(
            (f"{i:03d}.png", CLASSES[label], "train" if i % 10 < 7 else "test" if i % 10 >= 10 - test else "val")
        )
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return folder


def tiny_recipe(**changes: object) -> Recipe:
    """Return a recipe for it; ``table__key=value`` changes a key."""
    raw: dict = {
        "task": "chest-xray",
        "role": "student",
        "seed": 2,  # from these weights the loss falls by a fifth in two epochs, whatever a processor rounds
        "size": 32,
        "checkpoint_steps": 3,
        "model": {"network": "ofa595", "subnet": SMALL_SUBNET},
        "augment": {"rotate": 5.0},
        "optim": {"epochs": 2, "batch": 10, "lr": 3e-3, "warmup": 0.5, "ema": 0.9, "precision": "no"},
    }
    for name, value in changes.items():
        *tables, key = name.split("__")
        table = raw
        for part in tables:
            table = table.setdefault(part, {})
        table[key] = value
    return Recipe.model_validate(raw)


def single_threaded() -> dict[str, str]:
    """Return an environment for subprocesses whose arithmetic does not share the cores with this one's."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
