"""What a layout of a data set is, and what its reader returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.data.dataset import LeftOut, Sample
from training.data.listing import Listing

# reasons for which an image is no sample
MASK = "a mask"
NO_CLASS = "in no folder of a class"
NO_SPLIT = "beside the folders of the splits"


@dataclass(frozen=True)
class Found:
    """What a layout makes of a folder's files.

    Attributes:
        folder: the folder that the data set's names count from.
        samples: the images; their split is empty where the layout gives none.
        left_out: the files that are no samples, beside those that the listing leaves out whatever the layout.
    """

    folder: Path
    samples: list[Sample]
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """A way in which data sets lie on disk.

    Attributes:
        name: its name on cards and reports.
        in_words: its description in the message for an unknown folder.
        read: returns what is found, or None for a folder of another layout; its second argument holds labels that are
            classes beside those of the tasks.
        splits: in words, where its splits come from.
        group_file: whether a ``groups.csv`` beside the images gives groups of them.
        cut_tiles: whether images without known groups are tiles cut from originals, which a split keeps together.
    """

    name: str
    in_words: str
    read: Callable[[Listing, Sequence[str]], Found | None]
    splits: str = "the folders' own"
    group_file: bool = True
    cut_tiles: bool = False
