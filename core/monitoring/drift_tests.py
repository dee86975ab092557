"""Whether a week differs from a reference by more than chance: exact tests, which hold for any number of images.

Both assume that the images of week and reference are exchangeable where nothing has changed. Images of one patient are
alike, so that many of one patient in a week make false alarms more frequent than stated.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

EXCEEDANCES = 10  # after so many draws at least as extreme as what was seen a permutation test ends early
BATCH = 32  # draws at a time
SLACK = 1e-9  # relative; sums of the same values in another order count as equal


def fisher_p(reference: Values, week: Values) -> float:
    """Return the two-sided p-value of Fisher's exact test for two shares, in (0, 1].

    The sum of the probabilities, under the hypergeometric distribution, of all tables that are no more probable than
    the one seen (Fisher 1935; Agresti 2002, section 3.5).

    Args:
        reference: zeros and ones, shape (N,).
        week: the same, shape (M,).
    """
    total, drawn = len(reference) + len(week), len(week)
    hits, seen = round(float(reference.sum() + week.sum())), round(float(week.sum()))
    possible = range(max(0, drawn - (total - hits)), min(hits, drawn) + 1)
    logs = np.array([_log_choose(hits, k) + _log_choose(total - hits, drawn - k) for k in possible])
    logs -= _log_choose(total, drawn)
    return min(1.0, float(np.exp(logs[logs <= logs[seen - possible.start] + SLACK]).sum()))


def permutation_p(reference: Values, week: Values, most_draws: int, seed: int = 0) -> float:
    """Return the two-sided p-value of a permutation test for two means, in (0, 1].

    Draws are sequential (Besag and Clifford 1991): they end when ``EXCEEDANCES`` of them differ at least as much as
    what was seen, so that weeks like the reference cost little. The p-value is valid in either case.

    Args:
        reference: shape (N,).
        week: shape (M,).
        most_draws: how many draws at most; the smallest p-value is 1 / (most_draws + 1).
        seed: of the draws, so that a report can be made again.
    """
    pooled = np.concatenate([reference, week])
    pooled = pooled - pooled.mean()
    # the smaller part of the two is drawn: its sum is the other's with the sign changed
    size = min(len(reference), len(week))
    seen = abs(float(pooled[len(reference) :].sum()))
    seen -= SLACK * float(np.abs(pooled).sum())
    random = np.random.default_rng(seed)
    exceeded = 0
    for done in range(0, most_draws, BATCH):
        draws = min(BATCH, most_draws - done)
        chosen = random.random((draws, len(pooled))).argpartition(size - 1, axis=1)[:, :size]
        for i, extreme in enumerate(np.abs(pooled[chosen].sum(axis=1)) >= seen, start=done + 1):
            exceeded += bool(extreme)
            if exceeded == EXCEEDANCES:
                return exceeded / i
    return (exceeded + 1) / (most_draws + 1)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
