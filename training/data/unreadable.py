"""Images that can't be read: training, evaluation and publishing leave them out and count them, up to a share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from training.data.dataset import DatasetError

MAX_SHARE = 0.05


class Unreadable(NamedTuple):
    """An image that can't be read, and the reason."""

    path: Path
    reason: str


def check_unreadable(unreadable: Sequence[Unreadable], images: int, split: str) -> None:
    """Raise an error where too many images can't be read.

    Args:
        unreadable: those that can't.
        images: how many there are in all.
        split: the split that they are of.

    Raises:
        DatasetError: if they are more than one in twenty.
    """
    if len(unreadable) > MAX_SHARE * images:
        path, reason = unreadable[0]
        raise DatasetError(
            f"{len(unreadable)} of {images} images of the split {split!r} can't be read.",
            path=path,
            remedy=f"At most one in twenty is left out. The first of them: {reason}",
        )
