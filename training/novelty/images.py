"""Images to test a novelty gate with: images outside the training data, and disturbed images of the task itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import ImageError
from core.images.preprocessing import LUMA
from core.images.reader import read_image

FloatArray = npt.NDArray[np.float32]
Picture = FloatArray  # (H, W) or (H, W, 3), float32 in [0, 1]

# the one chest radiograph of pydicom-data, in four encodings; it is not outside the training data of the chest models
CHEST_FILES = "RG1_"
PHOTO_PACKAGES = (("skimage", "data"), ("sklearn", "datasets/images"))
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
NOISE_PICTURES = 40
BLUR = 6  # standard deviation in pixels at a width of 224; ribs are no longer visible


def grey(picture: Picture) -> Picture:
    """Return an image in grey, with the same number of channels."""
    if picture.ndim == 2:
        return picture
    return np.repeat((picture @ LUMA)[:, :, None], 3, axis=2)


def part(rows: tuple[float, float] = (0, 1), columns: tuple[float, float] = (0, 1)) -> Callable[[Picture], Picture]:
    """Return a function that crops an image to shares of its rows and columns; preprocessing resizes the rest."""

    def cut(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        top, bottom = (round(share * height) for share in rows)
        left, right = (round(share * width) for share in columns)
        return np.ascontiguousarray(picture[top:bottom, left:right])

    return cut


def half_padded(picture: Picture) -> Picture:
    """Return an image whose right half is black."""
    found = picture.copy()
    found[:, picture.shape[1] // 2 :] = 0
    return found


def blurred_by(pixels: float) -> Callable[[Picture], Picture]:
    """Return a function that blurs an image by a standard deviation in pixels at a width of 224."""

    def blur(picture: Picture) -> Picture:
        import cv2

        return np.asarray(cv2.GaussianBlur(picture, (0, 0), pixels / 224 * picture.shape[1]), dtype=np.float32)

    return blur


# disturbances of the task's own test images
DISTURBANCES: dict[str, Callable[[Picture], Picture]] = {
    "inverted": lambda picture: 1 - picture,
    "rotated by 90°": lambda picture: np.ascontiguousarray(np.rot90(picture)),
    "rotated by 270°": lambda picture: np.ascontiguousarray(np.rot90(picture, 3)),
    "upside down": lambda picture: np.ascontiguousarray(picture[::-1, ::-1]),
    "left half only": part(columns=(0, 0.5)),
    "right half only": part(columns=(0.5, 1)),
    "upper half only": part(rows=(0, 0.5)),
    "lower half only": part(rows=(0.5, 1)),
    "left half, the rest black": half_padded,
    "mirrored top to bottom": lambda picture: np.ascontiguousarray(picture[::-1]),
    "upper 60 % only": part(rows=(0, 0.6)),
    "middle quarter only": part(rows=(0.25, 0.75), columns=(0.25, 0.75)),
    "upper left quarter only": part(rows=(0, 0.5), columns=(0, 0.5)),
    "blurred": blurred_by(BLUR),
    "turned grey": grey,
}


def scaled(factor: float, offset: float = 0.0) -> Callable[[Picture], Picture]:
    """Return a function that scales brightness, adds an offset and clips to [0, 1]."""
    return lambda picture: np.clip(picture * np.float32(factor) + np.float32(offset), 0, 1)


def gamma(power: float) -> Callable[[Picture], Picture]:
    """Return a function that raises brightness to a power: above 1 darkens, below brightens."""
    return lambda picture: np.asarray(picture ** np.float32(power), dtype=np.float32)


def wrapped(factor: float, offset: float = 0.0) -> Callable[[Picture], Picture]:
    """Return a function that scales brightness modulo 1, as lost high bits or a wrong sign do."""
    return lambda picture: np.asarray((picture * np.float32(factor) + np.float32(offset)) % 1, dtype=np.float32)


def banded(levels: int) -> Callable[[Picture], Picture]:
    """Return a function that quantises brightness to a number of levels."""
    return lambda picture: np.asarray(
        np.floor(np.minimum(picture * levels, levels - 1)) / (levels - 1), dtype=np.float32
    )


def blanked(picture: Picture) -> Picture:
    """Return a blank image of the mean colour."""
    return np.broadcast_to(picture.mean(axis=(0, 1), keepdims=True), picture.shape).astype(np.float32)


# wrong exposure, contrast and sharpness
EXPOSURES: dict[str, Callable[[Picture], Picture]] = {
    "at a quarter of its brightness": scaled(0.25),
    "at 30 % of its brightness": scaled(0.3),
    "at 40 % of its brightness": scaled(0.4),
    "at half its brightness": scaled(0.5),
    "darkened by gamma 2.5": gamma(2.5),
    "at twice its brightness": scaled(2),
    "brightened by gamma 0.4": gamma(0.4),
    "lifted by 0.4": scaled(0.6, 0.4),
    "lifted to half": scaled(0.5, 0.5),
    "washed out": scaled(0.25, 0.75),
    "clipped at both ends": scaled(1 / 0.3, -0.35 / 0.3),
    "clipped above": scaled(2.5, -0.25),
    "clipped below": scaled(2, -1),
    "wrapped twice": wrapped(2),
    "wrapped four times": wrapped(4),
    "wrapped by its sign": wrapped(1, 0.5),
    "in 16 bands": banded(16),
    "in 8 bands": banded(8),
    "in 4 bands": banded(4),
    "at half its contrast": scaled(0.5, 0.25),
    "at 30 % of its contrast": scaled(0.3, 0.35),
    "slightly out of focus": blurred_by(2),
    "out of focus": blurred_by(4),
    "far out of focus": blurred_by(8),
    "blank": blanked,
}


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
        yield ("leg radiograph" if path.name.startswith("RG3_") else "MR, CT, ultrasound, other DICOM"), picture


def photographs() -> Iterator[Picture]:
    """Yield the photographs and drawings in the wheels of scikit-image and scikit-learn."""
    for package, folder in PHOTO_PACKAGES:
        for path in _files(package, folder, PHOTO_SUFFIXES):
            try:
                yield read_image(path).displayed()
            except ImageError:
                continue


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
