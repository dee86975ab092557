"""The real images on which a deployed model is compared, calibrated and scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.compare.ground_truth import Labels
from core.deploy.format import FloatArray
from core.errors import ImageError, UsageError
from core.images.demo import demonstration_radiograph
from core.images.preprocessing import Preprocessing, preprocess, to_network_input
from core.images.reader import find_images, read_image

if TYPE_CHECKING:
    from core.models.card import Card

FEWEST = 20  # images from which ranges, accuracy and temperature of int8 can be had at all


@dataclass(frozen=True, eq=False)
class Pictures:
    """Real images, preprocessed as the card says.

    Attributes:
        batch: shape (N, 3, H, W), float32.
        labels: index of each one's class, shape (N,); None where they are not labelled.
        source: where they come from, in words.
    """

    batch: FloatArray
    labels: npt.NDArray[np.int64] | None
    source: str

    def __len__(self) -> int:
        return len(self.batch)

    def images(self) -> Iterator[FloatArray]:
        """Yield the images one by one, each of shape (1, 3, H, W)."""
        for i in range(len(self.batch)):
            yield self.batch[i : i + 1]


def demonstration_pictures(how: Preprocessing) -> Pictures:
    """Return the demonstration radiograph and its four quarters, for a comparison where no images are given.

    Raises:
        ImageError: if the radiograph is not installed.
    """
    whole = read_image(demonstration_radiograph()).displayed()
    rows, columns = whole.shape[0] // 2, whole.shape[1] // 2
    quarters = [whole[top : top + rows, left : left + columns] for top in (0, rows) for left in (0, columns)]
    batch = np.concatenate([to_network_input(np.ascontiguousarray(part), how) for part in (whole, *quarters)])
    return Pictures(batch, None, "the demonstration radiograph and its quarters")


def labelled_pictures(folder: Path, card: Card, most: int) -> Pictures:
    """Read labelled images, evenly spaced in a folder's listing; the others of it are left out.

    A label is the name of an image's folder, or stands in a ``manifest.csv``; see ``core.compare.ground_truth``.

    Args:
        folder: the folder, with all below it.
        card: says the task, the classes and the preprocessing.
        most: the largest number of images.

    Raises:
        UsageError: if there is no such folder, or fewer than ``FEWEST`` images have a label and can be read.
    """
    if not folder.is_dir():
        raise UsageError("There is no such folder.", path=folder, remedy="Check its name.")
    task, labels = card.described_task, Labels()
    known = [(path, label) for path in find_images([folder]) if (label := labels.of(path.absolute(), task))]
    if len(known) > most:
        known = [known[i * len(known) // most] for i in range(most)]
    found, classes = [], []
    for path, label in known:
        try:
            found.append(preprocess(read_image(path), card.preprocessing))
        except ImageError:
            continue
        classes.append(card.classes.index(label))
    if len(found) < FEWEST:
        raise UsageError(
            f"Only {len(found)} images in this folder have a label and can be read; {FEWEST} are needed.",
            path=folder,
            remedy=f"Put them into folders named {', '.join(card.classes)}, or list them in a manifest.csv.",
        )
    return Pictures(np.concatenate(found), np.array(classes), str(folder.name))
