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
    """Which group each image is in.

    Attributes:
        names: the groups, e.g. ``nih_cxr14, Normal``.
        of_image: the group of each image, shape (N,).
    """

    names: tuple[str, ...]
    of_image: npt.NDArray[np.int64]

    @property
    def sizes(self) -> dict[str, int]:
        """How many images each group has."""
        return dict(zip(self.names, np.bincount(self.of_image, minlength=len(self.names)).tolist(), strict=True))

    def in_words(self) -> str:
        """Return the groups with their sizes in a sentence."""
        return f"groups of training images: {'; '.join(f'{name} {size:,}' for name, size in self.sizes.items())}"


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
    values = [", ".join(sample.known(column) or UNKNOWN for column in how.by) for sample in samples]
    sizes = Counter((value, sample.label) for value, sample in zip(values, samples, strict=True))
    named = [
        f"{value if sizes[value, sample.label] >= how.smallest else OTHERS}, {sample.label}"
        for value, sample in zip(values, samples, strict=True)
    ]
    names, of_image = np.unique(named, return_inverse=True)
    return Grouping(tuple(names.tolist()), of_image.astype(np.int64))


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
