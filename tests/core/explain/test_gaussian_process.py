"""The Gaussian process and the error of a heat map, against scikit-learn and against maps moved by small errors."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from core.explain.gaussian_process import NOISE, OWN_VARIANCE, GaussianProcess
from core.explain.map_error import may_appear, relative_change, sum_of_maps
from core.explain.similarity import pearson
from core.uncertainty.calibration import softmax

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.random((60, 9))
KNOWN = RANDOM.random((7, 9))
SCORES = RANDOM.standard_normal((7, 3))
WEIGHTS = RANDOM.standard_normal((60, 4))


def scale():
    distances = np.linalg.norm(ROWS[:, None] - ROWS[None], axis=2)
    return np.median(distances[distances > 0])


def by_scikit_learn(masks, scores):
    regressor = GaussianProcessRegressor(RBF(scale()), alpha=NOISE, optimizer=None)
    return regressor.fit(masks, scores - scores.mean())


@pytest.fixture
def process():
    found = GaussianProcess(ROWS)
    found.know(KNOWN, SCORES)
    return found


def test_scores_are_the_posterior_mean_of_scikit_learn(process):
    for c in range(3):
        expected = by_scikit_learn(KNOWN, SCORES[:, c]).predict(ROWS) + SCORES[:, c].mean()
        np.testing.assert_allclose(process.scores()[:, c], expected, atol=1e-6)


def test_the_variance_of_weighted_sums_follows_from_scikit_learns_covariance(process):
    for c in range(3):
        _, covariance = by_scikit_learn(KNOWN, SCORES[:, c]).predict(ROWS, return_cov=True)
        own = OWN_VARIANCE * np.eye(60)
        offset = SCORES[:, c] - SCORES[:, c].mean()
        prior = RBF(scale())(KNOWN) + NOISE * np.eye(7)
        amplitude = offset @ np.linalg.solve(prior, offset) / 7  # the variance of greatest likelihood
        expected = amplitude * WEIGHTS.T @ (covariance + own) @ WEIGHTS
        np.testing.assert_allclose(
            process.covariance(WEIGHTS, c), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
        )


def test_the_masks_chosen_are_those_that_leave_least_variance(process):
    candidates = RANDOM.random((12, 9))
    chosen = process.most_telling(candidates, WEIGHTS, 3)
    taken = []
    for best in chosen:

        def left(i, taken=tuple(taken)):
            masks = np.concatenate([KNOWN, candidates[[*taken, i]]])
            _, covariance = by_scikit_learn(masks, np.zeros(len(masks))).predict(ROWS, return_cov=True)
            return np.trace(WEIGHTS.T @ covariance @ WEIGHTS)

        assert best == min((i for i in range(12) if i not in taken), key=left)
        taken.append(best)


def test_masks_that_are_all_alike_have_one_score():
    process = GaussianProcess(np.zeros((5, 9)))
    process.know(np.zeros((2, 9)), np.full((2, 1), 3.0))
    np.testing.assert_allclose(process.scores(), 3.0)
    assert 0 <= process.covariance(np.ones((5, 1)), 0)[0, 0] < 1e-6


@pytest.mark.parametrize("low", [0.0, -0.5])
def test_the_relative_change_tells_by_how_much_small_errors_move_the_map(low):
    """With ``low`` below 0, the map is negative in places, where it is not shown."""
    maps = np.random.default_rng(1).random((40, 6, 6)) ** 3 + low
    maps[:, :3, :3] += 0.3
    scores = np.random.default_rng(2).standard_normal(40)
    mean, moved = sum_of_maps(maps, scores)
    weights = moved @ relative_change(mean, np.zeros(36))

    def heat_map(of):
        return np.maximum(np.tensordot(softmax(of), maps, 1), 0)

    for seed in range(5):
        errors = 1e-3 * np.random.default_rng(seed).standard_normal(40)
        moved = 1 - pearson(heat_map(scores), heat_map(scores + errors))
        assert ((weights.T @ errors) ** 2).sum() / 2 == pytest.approx(moved, rel=0.02)


def test_a_constant_map_is_not_moved():
    mean, _moved = sum_of_maps(np.ones((4, 3, 3)), np.arange(4.0))
    assert not relative_change(mean, np.zeros(9)).any()


def test_where_a_pixel_may_appear_or_vanish_the_error_is_the_mean_over_what_it_may_be():
    """The expected change of max(M, 0) by a small error, over normal M, against random ones."""
    mean, deviation = np.array([0.3, 0.05, -0.05, -0.3]), np.array([0.1, 0.1, 0.1, 0.0])
    step = 1e-3
    drawn = mean + deviation * np.random.default_rng(0).standard_normal((200_000, 4))
    expected = (np.maximum(drawn + step, 0) - np.maximum(drawn, 0)).mean(axis=0) / step
    for pixel in range(4):
        moved = np.eye(4)[pixel : pixel + 1]
        shown = np.maximum(mean, 0) - np.maximum(mean, 0).mean()
        change = moved[0] * expected
        change -= change.mean()
        change -= (change @ shown) * shown / (shown @ shown)
        found = (moved @ relative_change(mean, deviation))[0]
        np.testing.assert_allclose(found, change / np.linalg.norm(shown), atol=0.01)


@pytest.mark.parametrize(
    ("mean", "deviation", "may"), [(-0.01, 0.01, True), (-0.01, 0.001, False), (0.01, 0.01, False), (-0.01, 0.0, False)]
)
def test_an_empty_map_may_be_empty_by_an_error_only(mean, deviation, may):
    assert may_appear(np.array([mean, -1.0]), np.array([deviation, 0.0])) == may
