import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearns_curve

from core.performance.roc import area_interval, auroc, roc_curve


@pytest.mark.parametrize("step", [0, 0.1])
def test_curve_and_area_are_scikit_learns_with_and_without_ties(step):
    random = np.random.default_rng(2)
    positive = random.random(150) < 0.3
    values = random.normal(positive * 1.2)
    if step:
        values = np.round(values / step) * step
    found = roc_curve(values, positive)
    false, true, _thresholds = sklearns_curve(positive, values, drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive, false)
    np.testing.assert_allclose(found.true_positive, true)
    assert auroc(values, positive) == pytest.approx(roc_auc_score(positive, values))
    assert (found.positives, found.negatives) == (positive.sum(), (~positive).sum())


def test_there_is_no_curve_without_both_sides():
    assert roc_curve([0.1, 0.9], [True, True]) is None
    assert auroc([0.1, 0.9], [False, False]) is None


@pytest.mark.parametrize(("area", "m", "n"), [(0.893, 51, 58), (0.5, 10, 10), (0.97, 5, 200), (0.05, 30, 20)])
def test_the_limits_are_1_96_standard_errors_of_hanley_and_mcneil_away(area, m, n):
    size = (m + n) / 2

    def gap(limit):
        first, second = limit / (2 - limit), 2 * limit**2 / (1 + limit)
        variance = limit * (1 - limit) + (size - 1) * (first - limit**2) + (size - 1) * (second - limit**2)
        return (area - limit) ** 2 - 1.959964**2 * variance / (m * n)

    found = area_interval(area, m, n)
    assert found.low == pytest.approx(brentq(gap, 1e-9, area), abs=1e-6)
    assert found.high == pytest.approx(brentq(gap, area, 1 - 1e-9), abs=1e-6)


def test_sides_that_are_apart_have_an_interval_that_says_how_few_images_there_are():
    few, many = area_interval(1.0, 5, 5), area_interval(1.0, 500, 500)
    assert few.high == many.high == 1
    assert few.low < 0.8
    assert many.low > 0.99
    assert area_interval(0.0, 5, 5).high == pytest.approx(1 - few.low)


def test_the_interval_holds_the_area_in_95_per_cent_of_small_samples():
    from scipy.stats import norm

    random = np.random.default_rng(0)
    true, held = norm.cdf(1.5 / np.sqrt(2)), 0
    for _ in range(1000):
        positive = np.arange(40) < 15
        found = roc_curve(random.normal(1.5 * positive), positive).interval
        held += found.low <= true <= found.high
    assert 0.92 < held / 1000 < 0.985
