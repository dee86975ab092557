"""The images of a folder that maps are measured on: their labels, their masks, and a sample of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.compare.ground_truth import Labels
from core.errors import ImageError, UsageError
from core.images.preprocessing import resize
from core.images.reader import SUPPORTED, find_images, read_image
from core.names import readable
from core.tasks import Task

IMAGES, MASKS = "images", " masks"  # the folder of a class's images, and what the folders of masks beside it end in


@dataclass(frozen=True)
class LabelledImage:
    """One image.

    Attributes:
        path: the file.
        name: its path within the data folder, as text.
        label: its class, None where it is not known.
        masks: files of its masks by what they outline, e.g. ``lung``.
    """

    path: Path
    name: str
    label: str | None
    masks: dict[str, Path]


def find_labelled(folder: Path, task: Task) -> list[LabelledImage]:
    """Return the images of a folder with their labels and masks; masks themselves are no images.

    Masks lie as in COVID-QU-Ex: beside the folder ``images`` there are folders such as ``lung masks``, with a file of
    the same name for each image that has one.

    Args:
        folder: the data.
        task: whose classes are meant.

    Raises:
        UsageError: if there are no images.
    """
    labels = Labels()
    found = []
    for path in find_images([folder.resolve()]):
        if path.parent.name.endswith(MASKS) and (path.parent.parent / IMAGES).is_dir():
            continue
        name = readable(path.relative_to(folder.resolve()).as_posix()) if path != folder.resolve() else path.name
        found.append(LabelledImage(path, name, labels.of(path, task), _masks(path)))
    if not found:
        raise UsageError("There are no images in this folder.", path=folder, remedy=SUPPORTED)
    return found


def _masks(path: Path) -> dict[str, Path]:
    if path.parent.name != IMAGES:
        return {}
    folders = sorted(path.parent.parent.glob(f"*{MASKS}/"))
    return {place.name.removesuffix(MASKS): place / path.name for place in folders if (place / path.name).is_file()}


def drawn(images: list[LabelledImage], count: int, seed: int = 0) -> list[LabelledImage]:
    """Return a sample of images in which each class has its share: a systematic sample of the images sorted by class.

    Its order is random, so that the first images of a run that is stopped are of all classes.

    Args:
        images: all of them.
        count: how many are wanted; all, if there are no more.
        seed: of the sample and its order.
    """
    order = sorted(images, key=lambda image: image.name)
    chance = random.Random(seed)  # noqa: S311 - no secret
    chance.shuffle(order)
    order.sort(key=lambda image: image.label or "")
    count = min(count, len(order))
    sample = [order[(2 * i + 1) * len(order) // (2 * count)] for i in range(count)]
    chance.shuffle(sample)
    return sample


def read_mask(path: Path, size: tuple[int, int]) -> npt.NDArray[np.bool_] | None:
    """Return a mask at the network's input size, or None where it is empty, as of an image without a finding.

    Args:
        path: a grey picture; what is brighter than half its brightest pixel is inside.
        size: height and width.

    Raises:
        ImageError: if it can't be read.
    """
    picture = read_image(path).displayed()
    grey = picture if picture.ndim == 2 else picture.max(axis=2)
    if not np.isfinite(grey).all():
        raise ImageError("The mask has values that are no numbers.", path=path, remedy="Remove it or make it again.")
    inside = resize((grey > grey.max() / 2).astype(np.float32), *size) >= 0.5
    return np.asarray(inside) if inside.any() else None
