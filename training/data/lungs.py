"""Where the lungs lie in the training images: the data set's own masks, else the usual place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UsageError
from core.quality.labelled_images import read_mask
from core.system.cache import TRAINING_IMAGES
from training.data.contents import content_digest
from training.data.dataset import Sample
from training.data.regions import Mask, usual_lungs

if TYPE_CHECKING:
    import numpy.typing as npt

CHEST = "chest-xray"  # the task whose images show lungs
LUNG = "lung"  # the mask's name
USUAL = "two ellipses where lungs usually lie"


@dataclass(frozen=True, eq=False)
class Lungs:
    """Masks of the lungs.

    Attributes:
        key: names them: another one where they lie elsewhere.
        masks: shape (N, side, side), one for each training image, or (1, side, side), the same for all.
    """

    key: str
    masks: Mask

    def of(self, places: npt.NDArray[np.int64]) -> Mask:
        """Return the masks of images by their places, shape (B, side, side)."""
        return self.masks[places] if len(self.masks) > 1 else np.repeat(self.masks, len(places), axis=0)


def find_lungs(samples: list[Sample], side: int, task: str) -> Lungs:
    """Return where the lungs lie in images of ``side``² pixels.

    Outlines are taken only where all images have one: masks of one source beside ellipses of another would give the
    source away. An image whose mask is empty counts as lung everywhere.

    Args:
        samples: the training images.
        side: height and width in pixels.
        task: identifier of the task.

    Raises:
        UsageError: if the images are no chest radiographs and are not all outlined.
        ImageError: if a mask can't be read.
    """
    if all(LUNG in sample.masks for sample in samples):
        return _outlined(samples, side)
    if task != CHEST:
        raise UsageError(
            "It is not known where the lungs lie: not all training images have a lung mask.",
            remedy=f"Set hide.lungs_only to 0, and explanation.on to image; they are for {CHEST} or data with masks.",
        )
    return Lungs(f"{USUAL}, {side}", usual_lungs(side)[None])


def _outlined(samples: list[Sample], side: int) -> Lungs:
    digests = "".join(content_digest(sample.masks[LUNG]) for sample in samples)
    key = hashlib.sha256(f"lungs {side} {digests}".encode()).hexdigest()[:20]
    entry = TRAINING_IMAGES.find(f"{key}.npy")
    if entry is None:
        with TRAINING_IMAGES.new(f"{key}.npy") as path:
            np.save(path, np.stack([_mask(sample, side) for sample in samples]))
        entry = TRAINING_IMAGES.entry(f"{key}.npy")
    masks: Mask = np.load(entry, mmap_mode="c")
    return Lungs(key, masks)


def _mask(sample: Sample, side: int) -> Mask:
    found = read_mask(sample.masks[LUNG], (side, side))
    return np.ones((side, side), bool) if found is None else found
