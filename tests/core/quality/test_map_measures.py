"""Each measure against what is computed by hand, by SciPy, by torch or by pytorch-grad-cam."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from scipy.stats import bootstrap, entropy, spearmanr

from core.errors import UsageError
from core.quality.batching import probabilities
from core.quality.bootstrap import estimate
from core.quality.complexity import complexity, sparseness
from core.quality.drop import drop, explained_input, increase
from core.quality.localisation import energy_inside, pointing_game
from core.quality.measures import GROUPS, MEASURES, chosen_groups, in_order, title
from core.quality.perturbation import STEPS, area, deletion_inputs, insertion_inputs
from core.quality.randomisation import cascade, rank_correlation
from core.quality.road import SHARES, impute, road, road_inputs
from core.quality.stability import (
    NOISE,
    NOISY_COPIES,
    SHIFTS,
    max_sensitivity,
    noisy_copies,
    shift_sensitivity,
    shifted,
)


class BrightSpot:
    """Class 1 is the more probable, the more of the image's top left quarter is bright."""

    batch_size = 8

    def __init__(self):
        self.batches = []

    def forward(self, batch):
        self.batches.append(len(batch))
        spot = batch[:, 0, :8, :8].mean(axis=(1, 2))
        return np.stack([np.zeros_like(spot), 8 * spot - 4], axis=1).astype(np.float32)


def sigmoid(bright):
    return 1 / (1 + np.exp(-(8 * bright - 4)))


@pytest.fixture
def image():
    return np.ones((1, 3, 16, 16), np.float32)


@pytest.fixture
def smooth():
    """A map without equal values."""
    rows, columns = np.mgrid[:16, :16]
    return np.exp(-((rows - 4.1) ** 2 + (columns - 6.3) ** 2) / 30).astype(np.float32)


def spot_map():
    values = np.zeros((16, 16), np.float32)
    values[:8, :8] = 1
    return values


def test_deletion_and_insertion_change_the_highest_pixels_first(image):
    asked = {"deletion": deletion_inputs(image, spot_map()), "insertion": insertion_inputs(image, spot_map())}
    found = probabilities(BrightSpot(), asked)
    for step in range(1, STEPS):
        gone = min(64, 256 * step // STEPS) / 64  # of the spot, which is a quarter of 256 pixels
        assert found["deletion"][step - 1, 1] == pytest.approx(sigmoid(1 - gone), abs=1e-6)
        assert found["insertion"][step - 1, 1] == pytest.approx(sigmoid(gone), abs=1e-6)


def test_the_area_is_that_of_trapezoids():
    assert area([1, 0.5, 0.25]) == pytest.approx((0.75 + 0.375) / 2)
    assert area([0.3] * 10) == pytest.approx(0.3)


def test_inputs_of_several_measures_share_their_batches(image):
    runtime = BrightSpot()
    asked = {"one": [image] * 3, "none": [], "other": [0 * image] * 7}
    found = probabilities(runtime, asked, temperature=2.0)
    assert runtime.batches == [8, 2]
    np.testing.assert_allclose(found["one"][:, 1], [1 / (1 + np.exp(-2))] * 3)
    np.testing.assert_allclose(found["other"][:, 1], [1 / (1 + np.exp(2))] * 7)
    assert found["none"].shape == (0, 2)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # in pytorch-grad-cam
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_imputation_is_that_of_the_authors(smooth, share):
    random = np.random.default_rng(0)
    picture = random.normal(size=(3, 16, 16)).astype(np.float32)
    missing = random.permutation(256).reshape(16, 16) < share * 256
    expected = NoisyLinearImputer(noise=0)(torch.from_numpy(picture), torch.from_numpy(1 - missing.astype(np.float32)))
    np.testing.assert_allclose(impute(picture, missing, random, noise=0), expected.numpy(), atol=1e-5)
    noisy = impute(picture, missing, random, noise=0.5)
    np.testing.assert_array_equal(noisy[:, ~missing], picture[:, ~missing])
    assert np.std((noisy - expected.numpy())[:, missing]) == pytest.approx(0.5, rel=0.2)


def test_road_removes_the_most_or_the_least_relevant_pixels(smooth):
    picture = np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32)
    for most_relevant in (True, False):
        order = np.argsort(-smooth.ravel() if most_relevant else smooth.ravel())
        for share, found in zip(SHARES, road_inputs(picture, smooth, most_relevant=most_relevant), strict=True):
            changed = np.flatnonzero((found != picture).any(axis=(0, 1)).ravel())
            assert set(changed) == set(order[: round(256 * share)])
    assert road([0.2, 0.1], [0.8, 0.9]) == pytest.approx(0.35)


def test_drop_and_increase_are_the_formulas(image):
    full, explained = [0.8, 0.5, 0.9], [0.4, 0.6, 0.9]
    assert np.mean([drop(y, o) for y, o in zip(full, explained, strict=True)]) == pytest.approx(0.5 / 3)
    assert np.mean([increase(y, o) for y, o in zip(full, explained, strict=True)]) == pytest.approx(1 / 3)
    assert explained_input(image, spot_map()).sum() == 3 * 64


def test_energy_and_pointing_game_of_a_mask():
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    mask = np.zeros((4, 4), np.bool_)
    mask[3] = True
    assert energy_inside(values, mask) == pytest.approx((12 + 13 + 14 + 15) / 120)
    assert (pointing_game(values, mask), pointing_game(values, ~mask)) == (1, 0)
    nothing = np.zeros((4, 4), np.float32)
    assert (energy_inside(nothing, mask), pointing_game(nothing, mask)) == (0, 0)


def test_complexity_is_the_entropy_and_sparseness_the_gini_index(smooth):
    assert complexity(smooth) == pytest.approx(entropy(smooth.astype(float).ravel()))
    x = smooth.astype(float).ravel()
    assert sparseness(smooth) == pytest.approx(np.abs(x[:, None] - x).sum() / (2 * x.size**2 * x.mean()))
    one = np.zeros((16, 16), np.float32)
    one[3, 3] = 0.7
    assert (complexity(one), sparseness(one)) == (0, pytest.approx(1 - 1 / 256))
    assert complexity(np.ones((16, 16), np.float32)) == pytest.approx(np.log(256))
    assert (complexity(0 * one), sparseness(0 * one)) == (None, None)


def test_noise_is_small_and_the_largest_change_counts(image, smooth):
    copies = list(noisy_copies(image))
    assert len(copies) == NOISY_COPIES
    assert all(0.9 * NOISE < np.abs(copy - image).max() <= NOISE + 1e-6 for copy in copies)
    assert not np.array_equal(copies[0], copies[1])
    assert max_sensitivity(smooth, [smooth * 1.1, smooth * 0.5]) == pytest.approx(0.5)
    assert max_sensitivity(0 * smooth, [smooth]) is None


def test_a_map_that_moves_with_the_image_is_stable_under_shift(smooth):
    picture = np.repeat(smooth[None, None], 3, axis=1)
    moved = [(shift, shifted(picture, shift)[0, 0]) for shift in SHIFTS]
    assert shift_sensitivity(smooth, moved) == 0
    assert all(np.abs(one - smooth).max() > 0.1 for _, one in moved)
    assert shift_sensitivity(smooth, [(shift, smooth) for shift, _ in moved]) > 0.1, "a map that stays where it was"


@pytest.fixture
def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4, 2)
    )


def test_the_cascade_randomises_from_the_last_layer_to_the_first(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network[1].weight.data += 1  # trained, since a normalisation begins with ones
    random_state = torch.get_rng_state()
    seen = []
    for name, random in cascade(network, seed=3, stages=None):
        changed = {
            k.split(".")[0] for k, v in random.state_dict().items() if not torch.equal(v, network.state_dict()[k])
        }
        seen.append((name, changed))
    assert seen == [("4", {"4"}), ("1", {"1", "4"}), ("0", {"0", "1", "4"})]
    torch.manual_seed(4)
    fresh = torch.nn.Linear(4, 2)
    assert torch.equal(random[4].weight, fresh.weight), "as Quantus seeds it"
    assert torch.equal(network[0].weight, before["0.weight"])
    torch.set_rng_state(random_state)
    assert [name for name, _ in cascade(network, stages=2)] == ["1", "0"]
    assert [name for name, _ in cascade(network, stages=9)] == ["4", "1", "0"]
    assert torch.equal(torch.get_rng_state(), random_state)


def test_the_rank_correlation_is_spearmans(smooth):
    other = np.random.default_rng(0).integers(0, 5, (16, 16)).astype(np.float32)  # with ties
    assert rank_correlation(smooth, other) == pytest.approx(spearmanr(smooth.ravel(), other.ravel()).statistic)
    assert rank_correlation(smooth, smooth**3) == pytest.approx(1)
    assert rank_correlation(smooth, 0 * smooth) == 0


def test_the_interval_is_that_of_scipys_bootstrap():
    values = np.random.default_rng(0).gamma(2, size=40)
    found = estimate(values)
    expected = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, random_state=1).confidence_interval
    assert (found.value, found.images) == (pytest.approx(values.mean()), 40)
    assert (found.low, found.high) == (pytest.approx(expected.low, rel=0.03), pytest.approx(expected.high, rel=0.03))
    assert estimate(values) == found
    assert (estimate([0.3]).low, estimate([0.3]).high) == (None, None)


def test_measures_are_found_by_key_and_group():
    assert in_order(["energy:lung", "drop", "unknown", "energy:infection"]) == [
        "drop",
        "energy:infection",
        "energy:lung",
    ]
    assert title("energy:lung") == "Energy inside (lung)"
    assert chosen_groups(["Stability", " faithfulness"]) == ("faithfulness", "stability")
    assert {measure.group for measure in MEASURES.values()} == set(GROUPS)
    with pytest.raises(UsageError, match="There are faithfulness, localisation"):
        chosen_groups(["speed"])
