import numpy as np
import pytest
from scipy.stats import binomtest, multinomial
from sklearn.metrics import cohen_kappa_score

from core.performance.paired import accuracy_difference, kappa_interval, mcnemar


def raters(table):
    """Two lists of classes that make up a table."""
    rows, columns = np.indices(np.shape(table))
    return np.repeat(rows.ravel(), np.ravel(table)), np.repeat(columns.ravel(), np.ravel(table))


def fleiss(table):
    """The large-sample standard error of Fleiss, Cohen and Everitt (1969), as in the book of Fleiss, equation 18.15."""
    p = np.asarray(table, float) / np.sum(table)
    rows, columns = p.sum(1), p.sum(0)
    chance, k = rows @ columns, cohen_kappa_score(*raters(table))
    on = sum(p[i, i] * (1 - (rows[i] + columns[i]) * (1 - k)) ** 2 for i in range(len(p)))
    off = (1 - k) ** 2 * sum(
        p[i, j] * (columns[i] + rows[j]) ** 2 for i in range(len(p)) for j in range(len(p)) if i != j
    )
    return np.sqrt((on + off - (k - chance * (1 - k)) ** 2) / np.sum(table)) / (1 - chance)


@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], [[30, 2, 1], [4, 25, 3], [0, 6, 40]]])
def test_kappa_is_scikit_learns(table):
    assert kappa_interval(table).value == pytest.approx(cohen_kappa_score(*raters(table)))


def test_the_interval_of_kappa_is_fleiss_for_many_images_and_wide_for_few():
    table = np.array([[300, 20, 10], [40, 250, 30], [0, 60, 400]])
    found, error = kappa_interval(table), fleiss(table)
    assert (found.low, found.high) == pytest.approx((found.value - 1.96 * error, found.value + 1.96 * error), abs=0.004)
    few = kappa_interval([[4, 0], [0, 4]])
    assert few.value == few.high == 1
    assert few.low < 0.75
    assert kappa_interval([[40, 0], [0, 40]]).low > few.low
    constant = kappa_interval([[2, 0, 0], [1, 0, 0], [1, 0, 0]])  # the second rater always says one class
    assert constant.value == 0
    assert constant.high - constant.low > 0.2


def test_kappa_is_not_defined_where_both_say_one_class_only():
    assert kappa_interval([[5, 0], [0, 0]]) is None


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (6, 2), (30, 10), (300, 260)])
def test_mcnemar_is_the_binomial_test_of_scipy(b, c):
    first = np.array([True] * b + [False] * c + [True] * 7 + [False] * 3)
    second = np.array([False] * b + [True] * c + [True] * 7 + [False] * 3)
    found = mcnemar(first, second)
    assert (found.first_only, found.second_only) == (b, c)
    expected = binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    assert found.p_value == pytest.approx(expected)


def test_the_difference_of_accuracies_holds_the_true_one_in_95_per_cent_of_small_samples():
    shares = [0.70, 0.15, 0.05, 0.10]  # both right, the first alone, the second alone, none
    draws = multinomial(40, shares, seed=np.random.default_rng(4)).rvs(1000)
    held = 0
    for a, b, c, d in draws:
        first = np.repeat([True, True, False, False], [a, b, c, d])
        second = np.repeat([True, False, True, False], [a, b, c, d])
        found = accuracy_difference(first, second)
        assert found.value == pytest.approx((b - c) / 40)
        held += found.low <= 0.10 <= found.high
    assert 0.92 < held / 1000 < 0.985


def test_the_difference_of_equal_raters_is_zero_and_says_how_few_images_there_are():
    right = np.array([True] * 9 + [False])
    found = accuracy_difference(right, right)
    assert found.value == 0
    assert found.low == pytest.approx(-found.high)
    assert found.high > 0.05
    reversed_ = accuracy_difference(np.array([True] * 8 + [False] * 2), np.array([False] * 4 + [True] * 6))
    back = accuracy_difference(np.array([False] * 4 + [True] * 6), np.array([True] * 8 + [False] * 2))
    assert (reversed_.low, reversed_.high) == pytest.approx((-back.high, -back.low))
