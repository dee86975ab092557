"""Parts that are hidden in some views are those that the audit hides, and the masks are where the lungs lie."""

import cv2
import numpy as np
import pytest
import torch

from core.errors import ImageError, UsageError
from training.data.augmentation import COLUMNS, HIDING, view_numbers
from training.data.dataset import Sample
from training.data.hiding import Hiding
from training.data.lungs import Lungs, find_lungs
from training.data.perturbations import hide
from training.data.regions import border, usual_lungs
from training.recipe_parts import Hide

SIDE = 32


def outlined(folder, count):
    samples = []
    for i in range(count):
        lung = np.zeros((64, 64), np.uint8)
        lung[16:48, 8 * i : 8 * i + 16] = 255
        cv2.imwrite(str(folder / f"lung-{i}.png"), lung)
        samples.append(Sample(folder / f"{i}.png", "Normal", "train", {}, {"lung": folder / f"lung-{i}.png"}))
    return samples


def test_the_numbers_of_views_are_what_they_were_before_parts_could_be_hidden():
    numbers = view_numbers(5, 2, 40)
    assert (numbers[:, :COLUMNS] == np.random.default_rng([5, 2]).random((40, COLUMNS), dtype=np.float32)).all()
    assert numbers.shape == (40, HIDING + 1)
    assert 0 <= numbers[:, HIDING].min() < numbers[:, HIDING].max() < 1


def test_views_hide_border_or_all_but_the_lungs_as_often_as_asked_and_as_the_audit_does(tmp_path):
    lungs = find_lungs(outlined(tmp_path, 4), SIDE, "own")
    places = np.arange(400) % 4
    images = torch.rand(400, 3, SIDE, SIDE)
    numbers = torch.from_numpy(view_numbers(0, 0, 400))
    found = Hiding(Hide(lungs_only=0.3, border=0.2), lungs)(images, numbers, places)
    counts = {"whole": 0, "border": 0, "outside": 0}
    for i, (before, after) in enumerate(zip(images, found, strict=True)):
        picture = before.permute(1, 2, 0).numpy()
        masks = {"border": border(SIDE), "outside": ~lungs.masks[places[i]], "whole": np.zeros((SIDE, SIDE), bool)}
        same = [n for n, m in masks.items() if np.allclose(hide(picture, m), after.permute(1, 2, 0), atol=1e-5)]
        assert len(same) == 1
        counts[same[0]] += 1
    assert counts["outside"] / 400 == pytest.approx(0.3, abs=0.07)
    assert counts["border"] / 400 == pytest.approx(0.2, abs=0.06)


def test_lungs_are_outlined_where_all_images_are_else_the_usual_ones(tmp_path):
    samples = outlined(tmp_path, 3)
    found = find_lungs(samples, SIDE, "own")
    assert found.masks.shape == (3, SIDE, SIDE)
    assert found.masks[1, 8:24, 4:12].all()
    assert found.masks[1].sum() == 16 * 8
    assert (found.of(np.array([2, 0])) == found.masks[[2, 0]]).all()
    assert (find_lungs(samples, SIDE, "own").masks == found.masks).all(), "read from the cache"
    some = [*samples, Sample(tmp_path / "x.png", "Normal", "train", {})]
    usual = find_lungs(some, SIDE, "chest-xray")
    assert (usual.of(np.array([0, 3])) == usual_lungs(SIDE)).all()
    with pytest.raises(UsageError, match="not all training images have a lung mask"):
        find_lungs(some, SIDE, "own")


def test_masks_that_are_empty_or_damaged(tmp_path):
    samples = outlined(tmp_path, 2)
    cv2.imwrite(str(samples[0].masks["lung"]), np.zeros((64, 64), np.uint8))
    assert find_lungs(samples, SIDE, "own").masks[0].all(), "an image without a mask stays whole"
    samples[1].masks["lung"].write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"lung-1\.png"):
        find_lungs(samples, SIDE, "own")


def test_what_is_hidden_has_a_key_of_its_own():
    one = Lungs("one", usual_lungs(SIDE)[None])
    keys = {
        Hiding(Hide(border=0.5)).key,
        Hiding(Hide(border=0.4)).key,
        Hiding(Hide(border=0.5, lungs_only=0.1), one).key,
        Hiding(Hide(border=0.5, lungs_only=0.1), Lungs("two", one.masks)).key,
    }
    assert len(keys) == 4
