"""Training images, decoded once: a uint8 array on disk that runs over the same data share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import ImageError
from core.images.preprocessing import LUMA, Preprocessing, resize
from core.images.reader import read_image
from core.names import readable
from core.system.cache import TRAINING_IMAGES
from training.data.loading import Sample
from training.data.unreadable import Unreadable, check_unreadable

if TYPE_CHECKING:
    import torch

Bytes = npt.NDArray[np.uint8]
PIXELS, UNREADABLE = "images.npy", "unreadable.json"  # files of an entry of the cache


@dataclass(frozen=True)
class ImageStore:
    """The decoded images of one split.

    Attributes:
        key: SHA-256 that names these images at this size, hexadecimal.
        pixels: (N, H, W, channels) uint8, channels 1 or 3, read from disk as they are needed.
        labels: (N,) class indices.
        samples: the sample of each.
        unreadable: images that were left out: name and reason.
    """

    key: str
    pixels: Bytes
    labels: npt.NDArray[np.int64]
    samples: list[Sample]
    unreadable: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.labels)

    def tensor(self) -> torch.Tensor:
        """Return the pixels as a torch tensor of shape (N, H, W, channels), sharing memory with the file."""
        import torch

        return torch.from_numpy(self.pixels)


def load_images(
    samples: list[Sample],
    classes: tuple[str, ...],
    how: Preprocessing,
    contents: str,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ImageStore:
    """Decode images to the network's input size, or take them from the cache.

    A value is rounded to 8 bits after resizing. An image that can't be read is left out and noted.

    Args:
        samples: the samples of one split.
        classes: class labels in order.
        how: the preprocessing; its size and channels count here.
        contents: digest of the data set and its images' contents.
        progress: called with (done, total).

    Raises:
        DatasetError: if more than one image in twenty can't be read.
    """
    named = json.dumps([contents, samples[0].split, len(samples), how.height, how.width, how.channels])
    key = hashlib.sha256(named.encode()).hexdigest()
    folder = TRAINING_IMAGES.find(key[:20], PIXELS, UNREADABLE)
    if folder is None:
        with TRAINING_IMAGES.new(key[:20]) as new:
            _decode_into(new, samples, how, progress)
        folder = TRAINING_IMAGES.entry(key[:20])
    pixels: Bytes = np.load(folder / PIXELS, mmap_mode="c")
    notes: dict[str, str] = json.loads((folder / UNREADABLE).read_text(encoding="utf-8"))
    unreadable = [Unreadable(samples[int(place)].path, reason) for place, reason in notes.items()]
    check_unreadable(unreadable, len(samples), samples[0].split)
    left_out = {int(place): reason for place, reason in notes.items()}
    kept = [i for i in range(len(samples)) if i not in left_out]
    return ImageStore(
        key=key,
        pixels=pixels if not left_out else np.ascontiguousarray(pixels[kept]),
        labels=np.array([classes.index(samples[i].label) for i in kept], np.int64),
        samples=[samples[i] for i in kept],
        unreadable=[(readable(path.name), reason) for path, reason in unreadable],
    )


def _decode_into(folder: Path, samples: list[Sample], how: Preprocessing, progress: Callable[[int, int], None]) -> None:
    channels = 1 if how.channels == "grey" else 3
    notes: dict[int, str] = {}
    folder.mkdir()
    shape = (len(samples), how.height, how.width, channels)
    blank = np.zeros(shape[1:], np.uint8)
    # written and not memory-mapped, so that a full disk is an error that can be reported
    with (folder / PIXELS).open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for i, sample in enumerate(samples):
            pixels = blank
            try:
                pixels = _decode(sample.path, how)
            except ImageError as error:
                notes[i] = error.problem
            file.write(pixels.tobytes())
            progress(i + 1, len(samples))
    (folder / UNREADABLE).write_text(json.dumps(notes), encoding="utf-8")


def _decode(path: Path, how: Preprocessing) -> Bytes:
    picture = read_image(path).displayed()
    if how.channels == "grey" and picture.ndim == 3:
        picture = picture @ LUMA
    picture = resize(picture, how.height, how.width)
    if how.channels == "rgb" and picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    return np.rint(picture * 255).clip(0, 255).astype(np.uint8).reshape(how.height, how.width, -1)
