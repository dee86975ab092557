import numpy as np
import pytest

from core.explain.faithfulness import (
    STEPS,
    average_drop,
    average_increase,
    deletion,
    energy_inside,
    explained_probability,
    insertion,
    randomisation_check,
)


class BrightSpot:
    """Says class 1 the surer, the more of the image's top left quarter is bright."""

    batch_size = 8

    def __init__(self, sign=1.0):
        self.sign = sign

    def forward(self, batch):
        spot = batch[:, 0, :8, :8].mean(axis=(1, 2))
        return np.stack([np.zeros_like(spot), self.sign * (8 * spot - 4)], axis=1).astype(np.float32)


@pytest.fixture
def image():
    return np.ones((1, 3, 16, 16), np.float32)


def spot_map():
    values = np.zeros((16, 16), np.float32)
    values[:8, :8] = 1
    return values


def test_the_right_map_is_better_at_deletion_and_insertion_than_the_wrong_one(image):
    good, bad = spot_map(), 1 - spot_map()
    runtime = BrightSpot()
    assert deletion(runtime, image, good, 1).auc < deletion(runtime, image, bad, 1).auc
    assert insertion(runtime, image, good, 1).auc > insertion(runtime, image, bad, 1).auc


def test_the_curve_is_the_probability_after_each_share_of_pixels(image):
    curve = deletion(BrightSpot(), image, spot_map(), 1).probabilities
    assert len(curve) == STEPS + 1
    for step in (0, 3, 8, 20):
        left = max(0, 64 - 256 * step // STEPS) / 64
        assert curve[step] == pytest.approx(1 / (1 + np.exp(-(8 * left - 4))), abs=1e-6)
    found = deletion(BrightSpot(), image, spot_map(), 1)
    assert found.auc == pytest.approx(np.mean((curve[1:] + curve[:-1]) / 2))


def test_drop_and_increase_are_the_formulas():
    full, explained = [0.8, 0.5, 0.9], [0.4, 0.6, 0.9]
    assert average_drop(full, explained) == pytest.approx((0.5 + 0 + 0) / 3)
    assert average_increase(full, explained) == pytest.approx(1 / 3)


def test_the_explained_probability_is_that_of_the_masked_image(image):
    assert explained_probability(BrightSpot(), image, spot_map(), 1) == pytest.approx(1 / (1 + np.exp(-4)))
    assert explained_probability(BrightSpot(), image, 1 - spot_map(), 1) == pytest.approx(1 / (1 + np.exp(4)))


def test_energy_inside_a_mask_is_its_share_of_the_sum():
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    mask = np.zeros((4, 4), np.bool_)
    mask[3] = True
    assert energy_inside(values, mask) == pytest.approx((12 + 13 + 14 + 15) / 120)
    assert energy_inside(np.zeros((4, 4), np.float32), mask) == 0


def test_a_map_that_ignores_the_weights_fails_the_sanity_check():
    random = np.random.default_rng(0)
    edges = random.random((8, 8)).astype(np.float32)
    assert randomisation_check(lambda _runtime: edges, BrightSpot(), BrightSpot(-1)) == pytest.approx(1)
    by_weights = {1.0: edges, -1.0: random.random((8, 8)).astype(np.float32)}
    assert abs(randomisation_check(lambda runtime: by_weights[runtime.sign], BrightSpot(), BrightSpot(-1))) < 0.5
