"""Groups of training images by source and class, and epochs that show as many images of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import UsageError
from training.data.dataset import Sample
from training.recipe_parts import Subgroups

UNKNOWN, OTHERS = "unknown", "others"


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which group each training image is in.

    Attributes:
        names: the groups, e.g. ``nih_cxr14, Normal``.
        of_image: the group of each image, shape (N,).
        by: the columns that they are made by.
    """

    names: tuple[str, ...]
    of_image: npt.NDArray[np.int64]
    by: tuple[str, ...]

    def in_words(self) -> str:
        """Return the groups with their sizes in a sentence."""
        sizes = np.bincount(self.of_image, minlength=len(self.names)).tolist()
        named = (f"{name} {size:,}" for name, size in zip(self.names, sizes, strict=True))
        return f"groups of training images: {'; '.join(named)}"

    def of(self, samples: Sequence[Sample]) -> npt.NDArray[np.int64]:
        """Return a number for each of other images, shape (M,), equal within a group; small groups are as in training.

        Images of a group that training has not are a group, too.
        """
        own = [name if (name := _named(s, self.by)) in self.names else f"{OTHERS}, {s.label}" for s in samples]
        return np.unique(own, return_inverse=True)[1].astype(np.int64)


def grouped(samples: Sequence[Sample], how: Subgroups) -> Grouping:
    """Group images by columns of the manifest and class; small groups of a class are one, called ``others``.

    Args:
        samples: the training images.
        how: the recipe's part.

    Raises:
        UsageError: if nothing is known of one of the columns.
    """
    for column in how.by:
        if not any(sample.known(column) for sample in samples):
            raise UsageError(
                f"No training image has a {column!r}, by which they are to be grouped.",
                remedy="Name other columns of the manifest in subgroups.by.",
            )
    named = [_named(sample, how.by) for sample in samples]
    sizes = Counter(named)
    kept = [
        name if sizes[name] >= how.smallest else f"{OTHERS}, {sample.label}"
        for name, sample in zip(named, samples, strict=True)
    ]
    names, of_image = np.unique(kept, return_inverse=True)
    return Grouping(tuple(names.tolist()), of_image.astype(np.int64), how.by)


def _named(sample: Sample, by: Sequence[str]) -> str:
    return ", ".join([*(sample.known(column) or UNKNOWN for column in by), sample.label])


def balanced_order(groups: npt.NDArray[np.int64], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return places of as many images as there are, as many of each group as of any other, up to one, shuffled.

    No image of a group returns before all of them have been drawn.

    Args:
        groups: the group of each image, shape (N,).
        random: draws the images and their order.
    """
    places = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    shares = [len(part) for part in np.array_split(np.arange(len(groups)), len(places))]
    chosen = []
    for own, share in zip(random.permutation(np.arange(len(places))), shares, strict=True):
        rounds = -(-share // len(places[own]))
        chosen.append(np.concatenate([random.permutation(places[own]) for _ in range(rounds)])[:share])
    return random.permutation(np.concatenate(chosen)).astype(np.int64)
