"""Split a data set so that no group lies in two splits, and so that a file more or less moves no other.

Each group is drawn by a hash of its own name: of the patient, else of the group, else of the images' contents. So the
split depends on no other group, nor on names and order of files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from training.data.contents import UNREADABLE, content_digest
from training.data.dataset import SPLITS, Sample

SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}
SHARES_IN_WORDS = "about 70 % train, 15 % val, 15 % test by a hash of each group"


def split_by_group(
    samples: Sequence[Sample], groups: Sequence[int], *, seed: int = 0, shares: dict[str, float] | None = None
) -> list[Sample]:
    """Return the samples with a split in which each group is on one side.

    The shares are met on average only: a data set of few groups may get other ones, and a split may lack a class. In
    return a group that is added, removed or renamed moves no other. Only where an image that is added joins two groups
    does one of these follow the other.

    Args:
        samples: what is split; the split that they have is replaced.
        groups: one number per sample; equal numbers stay together.
        seed: the same seed gives the same split, whatever the other groups are.
        shares: share of each split, summing to 1; ``SHARES`` by default.
    """
    shares = shares or SHARES
    members: dict[int, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    chosen = [""] * len(samples)
    for group_members in members.values():
        split = _drawn(_name([samples[i] for i in group_members], seed), seed, shares)
        for i in group_members:
            chosen[i] = split
    return [replace(sample, split=split) for sample, split in zip(samples, chosen, strict=True)]


def _name(group: Sequence[Sample], seed: int) -> str:
    """Return what a group is drawn by: one of its patients, group identifiers or contents, in this order."""
    for fact in ("patient_id", "group_id"):
        if names := {f"{fact} {value}" for sample in group if (value := sample.known(fact))}:
            return min(names, key=lambda name: _hash(f"first {seed} {name}"))
    names = {digest if (digest := content_digest(s.path)) != UNREADABLE else s.path.name for s in group}
    return min(names, key=lambda name: _hash(f"first {seed} {name}"))


def _drawn(name: str, seed: int, shares: dict[str, float]) -> str:
    place, end = _hash(f"split {seed} {name}"), 0.0
    for split, share in shares.items():
        end += share
        if place < end:
            return split
    return list(shares)[-1]  # the shares' sum was rounded down


def _hash(text: str) -> float:
    """Return a number in [0, 1) that only depends on the text."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:6]) / 2**48


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

    None if no sample has either.
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
