"""Images to test a novelty gate with: images outside the training data, and mild changes of the task's own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from core.errors import ImageError
from core.images.reader import read_image
from core.uncertainty.disturbances import Picture, gamma, scaled

# the one chest radiograph of pydicom-data, in four encodings; it is not outside the training data of the chest models
CHEST_FILES = "RG1_"
LEG = "leg radiograph"
STAINED = "ihc.png"  # scikit-image's tile of colon, haematoxylin and DAB: tissue, in another stain
PHOTO_PACKAGES = (("skimage", "data"), ("sklearn", "datasets/images"))
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
NOISE_PICTURES = 40


def as_jpeg(quality: int) -> Callable[[Picture], Picture]:
    """Return a function that compresses an image as JPEG and decodes it."""

    def compress(picture: Picture) -> Picture:
        import cv2

        swapped = np.rint(255 * (picture[..., ::-1] if picture.ndim == 3 else picture)).astype(np.uint8)
        _ok, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.float32) / 255
        return np.asarray(decoded[..., ::-1] if picture.ndim == 3 else decoded, dtype=np.float32)

    return compress


# mild changes that should not change a prediction
MILD: dict[str, Callable[[Picture], Picture]] = {
    "compressed as JPEG of quality 75": as_jpeg(75),
    "at 90 % of its brightness": scaled(0.9),
    "at 90 % of its contrast": scaled(0.9, 0.05),
    "darkened by gamma 1.2": gamma(1.2),
    "brightened by gamma 0.8": gamma(0.8),
    "at 70 % of its brightness": scaled(0.7),
    "at 70 % of its contrast": scaled(0.7, 0.15),
    "darkened by gamma 1.6": gamma(1.6),
    "brightened by gamma 0.63": gamma(0.63),
}


def radiology_objects() -> Iterator[tuple[str, Picture]]:
    """Yield set name and image of each readable object of ``pydicom-data``: a leg, MR, CT, ultrasound, others."""
    for path in _files("data_store", "data", (".dcm",)):
        if path.name.startswith(CHEST_FILES):
            continue
        try:
            picture = read_image(path).displayed()
        except ImageError:
            continue
        yield (LEG if path.name.startswith("RG3_") else "MR, CT, ultrasound, other DICOM"), picture


def photographs() -> Iterator[Picture]:
    """Yield the photographs and drawings in the wheels of scikit-image and scikit-learn."""
    for package, folder in PHOTO_PACKAGES:
        for path in _files(package, folder, PHOTO_SUFFIXES):
            if path.name == STAINED:
                continue
            try:
                yield read_image(path).displayed()
            except ImageError:
                continue


def other_stain() -> Iterator[Picture]:
    """Yield the quarters of scikit-image's tile of tissue, stained with haematoxylin and DAB; none without it."""
    for path in _files("skimage", "data", PHOTO_SUFFIXES):
        if path.name == STAINED:
            picture = read_image(path).displayed()
            height, width = picture.shape[0] // 2, picture.shape[1] // 2
            for i in range(4):
                yield np.ascontiguousarray(picture[i // 2 * height :, i % 2 * width :][:height, :width])


def noise(colour: bool) -> Iterator[Picture]:
    """Yield seeded noise, white and smoothed at several scales."""
    import cv2

    random = np.random.default_rng(0)
    for i in range(NOISE_PICTURES):
        size = (224, 224, 3) if colour else (224, 224)
        picture = random.random(size, dtype=np.float32)
        if i % 4:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 2.0 ** (i % 4)), dtype=np.float32)
            picture = (picture - picture.min()) / np.ptp(picture)
        yield picture


def blank(colour: bool) -> Iterator[Picture]:
    """Yield blank images of one grey value, and for colour of one hue."""
    for level in np.linspace(0, 1, 9):
        yield np.full((224, 224), level, np.float32)
    if colour:
        for hue in np.eye(3):
            yield np.broadcast_to(np.asarray(hue, np.float32), (224, 224, 3)).copy()


def _files(package: str, folder: str, suffixes: tuple[str, ...]) -> list[Path]:
    found = importlib.util.find_spec(package)
    places = [] if found is None else list(found.submodule_search_locations or ())
    return sorted(p for place in places for p in (Path(place) / folder).glob("*") if p.suffix.lower() in suffixes)
