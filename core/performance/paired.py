"""Two raters of the same images: Cohen's kappa, McNemar's test and the difference of their accuracies."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, sqrt

import numpy as np
import numpy.typing as npt

from core.compare.agreement import Interval, kappas, wilson

DRAWS, FEWEST_DRAWS = 4000, 100  # of tables
MOST_CELLS, CELLS_AT_ONCE = 20_000_000, 1_000_000  # of these, where there are many classes
Bools = npt.NDArray[np.bool_]


def kappa_interval(table: npt.ArrayLike) -> Interval | None:
    """Return Cohen's kappa with a 95 % interval, each in [-1, 1]; None where it is not defined.

    It is the middle of kappa under the posterior of the table: Dirichlet, with a prior that weighs as much as one
    image, spread evenly over the cells. It equals the asymptotic interval (Fleiss, Cohen and Everitt 1969) for many
    images, and does not shrink to nothing where all agree, or where one rater always says one class. The draws are the
    same at each call.

    Args:
        table: images by the class of the first rater (rows) and of the second (columns), shape (C, C).
    """
    table = np.asarray(table, np.float64)
    found = float(kappas(table))
    if np.isnan(found):
        return None
    weights, random = table.ravel() + 1 / table.size, np.random.default_rng(0)
    draws = max(FEWEST_DRAWS, min(DRAWS, MOST_CELLS // weights.size))
    block = max(1, CELLS_AT_ONCE // weights.size)
    drawn = []
    for begin in range(0, draws, block):
        tables = random.dirichlet(weights, min(block, draws - begin))
        drawn.append(kappas(tables.reshape(-1, *table.shape)))
    low, high = np.nanpercentile(np.concatenate(drawn), [2.5, 97.5])
    return Interval(found, min(found, float(low)), max(found, float(high)))


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test of two raters on the same images.

    Attributes:
        first_only: images that only the first rater got right.
        second_only: images that only the second got right.
        p_value: two-sided, in [0, 1].
    """

    first_only: int
    second_only: int
    p_value: float


def mcnemar(first: Bools, second: Bools) -> McNemar:
    """Return McNemar's test in its exact form: a binomial test of the images that only one of the two got right.

    Args:
        first: shape (N,), whether the first rater is right.
        second: shape (N,), whether the second is.
    """
    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    n = one + other
    tail = sum(exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) - n * log(2)) for i in range(min(one, other) + 1))
    return McNemar(one, other, min(1.0, 2 * tail))


def accuracy_difference(first: Bools, second: Bools) -> Interval:
    """Return the first rater's accuracy minus the second's with a 95 % interval, each in [-1, 1].

    The interval is Newcombe's for paired shares (Stat. Med. 1998, 17:2635, method 10): Wilson's limits of both shares,
    joined by their correlation.

    Args:
        first: shape (N,), whether the first rater is right; there must be an image.
        second: shape (N,), whether the second is.
    """
    n = len(first)
    a, b = int((first & second).sum()), int((first & ~second).sum())
    c, d = int((second & ~first).sum()), int((~first & ~second).sum())
    one, other = wilson(a + b, n), wilson(a + c, n)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    joint = a * d - b * c
    corrected = max(0.0, joint - n / 2) if joint > 0 else joint
    correlation = corrected / sqrt(margins) if margins else 0.0

    def reach(left: float, right: float) -> float:
        return sqrt(max(0.0, left**2 - 2 * correlation * left * right + right**2))

    difference = one.value - other.value
    return Interval(
        difference,
        difference - reach(one.value - one.low, other.high - other.value),
        difference + reach(one.high - one.value, other.value - other.low),
    )
