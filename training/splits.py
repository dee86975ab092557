"""Split a data set so that no group is torn apart."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from training.samples import SPLITS, Sample

SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}
SHARES_IN_WORDS = "70 % train, 15 % val, 15 % test"


def split_by_group(
    samples: Sequence[Sample], groups: Sequence[int], *, seed: int = 0, shares: dict[str, float] | None = None
) -> list[Sample]:
    """Return the samples with a split in which each group is on one side, with near the same share of every class.

    Groups are taken from the largest to the smallest, equal ones in an order drawn by the seed, and each goes to the
    split that is emptiest, relative to its share, in the group's own classes.

    Args:
        samples: what is split; the split that they have is replaced.
        groups: one number per sample; equal numbers stay together.
        seed: the same seed gives the same split, in whatever order the samples come.
        shares: share of each split, summing to 1; ``SHARES`` by default.
    """
    shares = shares or SHARES
    members: dict[int, list[int]] = {}
    for i in sorted(range(len(samples)), key=lambda i: samples[i].path):
        members.setdefault(groups[i], []).append(i)
    ordered = list(members.values())
    random.Random(seed).shuffle(ordered)  # noqa: S311 — a split, not a secret
    ordered.sort(key=len, reverse=True)
    totals = Counter(sample.label for sample in samples)
    wanted = {split: {label: share * n for label, n in totals.items()} for split, share in shares.items()}
    have: dict[str, Counter[str]] = {split: Counter() for split in shares}
    chosen = [""] * len(samples)
    for group in ordered:
        labels = Counter(samples[i].label for i in group)
        split = max(
            shares,
            key=lambda split: sum(n * (1 - have[split][label] / wanted[split][label]) for label, n in labels.items()),
        )
        have[split] += labels
        for i in group:
            chosen[i] = split
    return [replace(sample, split=split) for sample, split in zip(samples, chosen, strict=True)]


def split_off_val(samples: Sequence[Sample], groups: Sequence[int], *, seed: int = 0) -> list[Sample]:
    """Return the samples with a part of ``train``, group by group, as ``val``; the others stay where they are."""
    train = [i for i, sample in enumerate(samples) if sample.split == "train"]
    total = SHARES["train"] + SHARES["val"]
    shares = {split: SHARES[split] / total for split in SPLITS[:2]}
    again = split_by_group([samples[i] for i in train], [groups[i] for i in train], seed=seed, shares=shares)
    result = list(samples)
    for i, sample in zip(train, again, strict=True):
        result[i] = sample
    return result


def known_groups(samples: Sequence[Sample]) -> list[int] | None:
    """Return one number per sample, equal where a chain of shared ``group_id`` or ``patient_id`` joins them.

    None if no sample knows either.
    """
    first: dict[tuple[str, str], int] = {}
    pairs = [
        (first.setdefault((fact, value), i), i)
        for i, sample in enumerate(samples)
        for fact in ("group_id", "patient_id")
        if (value := sample.known(fact))
    ]
    return joined(len(samples), np.array(pairs)) if pairs else None


def joined(count: int, pairs: npt.NDArray[np.int64]) -> list[int]:
    """Return one number for each of ``count`` things, equal where a chain of pairs, shape (M, 2), joins them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = pairs.reshape(-1, 2).T
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    return [int(label) for label in connected_components(graph, directed=False)[1]]
