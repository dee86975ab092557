"""Classes that no task knows, as folders of images: cuttings of the surfaces that come with scikit-image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SURFACES = ("brick", "grass", "gravel")
# parts of a picture's width that the cuttings of a split lie in, so that no two splits show the same stones
PARTS = {"train": (0.0, 0.6), "val": (0.6, 0.8), "test": (0.8, 1.0)}


def write_surfaces(folder: Path, images: dict[str, int], size: int = 64, names: tuple[str, ...] = SURFACES) -> Path:
    """Write ``SPLIT/CLASS/NUMBER.png``.

    Args:
        folder: where they go.
        images: how many of each class a split has.
        size: their side in pixels; each shows 60 to 100 pixels of the picture.
        names: pictures of scikit-image, one a class.
    """
    from skimage import data

    random = np.random.default_rng(0)
    for name in names:
        picture = np.asarray(getattr(data, name)())
        height, width = picture.shape[:2]
        for split, count in images.items():
            first, last = (round(width * part) for part in PARTS[split])
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                side = int(random.integers(60, min(100, last - first, height)))
                x, y = int(random.integers(first, last - side + 1)), int(random.integers(0, height - side + 1))
                cut = cv2.resize(picture[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
                Image.fromarray(cut).save(place / f"{number:03d}.png")
    return folder
