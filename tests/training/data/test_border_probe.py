import csv

import cv2
import numpy as np
import pytest
from PIL import Image
from tiny_training import write_images

from training.data.border_probe import border_mask, linear_accuracy, probe, probe_dataset
from training.data.border_scores import BORDER
from training.data.loading import open_dataset


def generated(where):
    """Noise in which one of three classes is a little brighter in part of the picture; (300, 32, 32)."""
    random = np.random.default_rng(0)
    labels = np.arange(300) % 3
    thumbnails = random.normal(100, 20, (300, 32, 32))
    thumbnails[:, where] += 15 * labels[:, None]
    return thumbnails.clip(0, 255).astype(np.uint8), [f"c{label}" for label in labels], ["train"] * 200 + ["test"] * 100


def test_the_border_is_the_outer_ring():
    assert border_mask(32).sum() == 32 * 32 - (32 - 2 * BORDER) ** 2
    assert not border_mask(32)[BORDER:-BORDER, BORDER:-BORDER].any()


def test_a_mark_on_the_border_is_seen_and_one_inside_is_seen_by_the_whole_only():
    marked = probe(*generated(border_mask(32)))
    assert marked.border > 0.95
    assert (marked.train_images, marked.test_images) == (200, 100)
    assert marked.chance == pytest.approx(1 / 3, abs=0.02)
    inside = probe(*generated(~border_mask(32)))
    assert inside.border < inside.chance + inside.margin + 0.05
    assert inside.whole > 0.95


def test_too_little_to_say_anything():
    thumbnails, labels, splits = generated(border_mask(32))
    assert probe(thumbnails, labels, ["train"] * 300) is None
    assert probe(thumbnails, ["c"] * 300, splits) is None


def test_the_probe_of_a_folder_is_measured_once_and_again_when_an_image_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    dataset = open_dataset(write_images(tmp_path / "images", 100, test=2))
    found = probe_dataset(dataset, "test")
    assert found.border > 0.95
    assert (found.train_images, found.test_images) == (70, 20)
    read = []
    assert probe_dataset(dataset, "test", lambda *step: read.append(step)) == found
    assert not read
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(dataset.samples[0].path)
    probe_dataset(dataset, "test", lambda *step: read.append(step))
    assert len(read) == 90
    assert probe_dataset(dataset, "train") is None


def test_the_known_shortcut_of_the_radiographs(shared_data):
    """The data's README gives 68.5 % for the border, from another implementation."""
    folder = shared_data / "chest_xray"
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    images = [cv2.imread(str(folder / row["path"]), cv2.IMREAD_GRAYSCALE) for row in rows]
    thumbnails = np.stack([cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA) for image in images])
    label, split = np.array([row["label"] for row in rows]), np.array([row["split"] for row in rows])
    border = thumbnails[:, border_mask(32)].astype(np.float64)
    found = linear_accuracy(border, label, np.flatnonzero(split == "train"), np.flatnonzero(split == "test"))
    assert found == pytest.approx(0.685, abs=0.01)
