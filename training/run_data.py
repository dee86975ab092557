"""What a run learns from: the samples of a data folder by split, and a digest that names them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import ImageError
from training.datasets import Sample, of_split, read_manifest


@dataclass(frozen=True)
class RunData:
    """The labelled images of a run.

    Attributes:
        folder: where they lie.
        classes: class labels in the order of the network's outputs.
        train: samples that are learned from.
        val: samples that choose the best epoch.
        digest: SHA-256 over names, labels, splits and contents of all images, hexadecimal.
    """

    folder: Path
    classes: tuple[str, ...]
    train: list[Sample]
    val: list[Sample]
    digest: str


def open_run_data(folder: Path, classes: tuple[str, ...]) -> RunData:
    """Open a data folder for training.

    Raises:
        DatasetError: if it is unusable, or the train or val split is empty or has a strange label.
    """
    samples = read_manifest(folder)
    train, val = of_split(samples, "train", classes), of_split(samples, "val", classes)
    return RunData(folder, classes, train, val, _digest(folder, samples))


def _digest(folder: Path, samples: list[Sample]) -> str:
    whole = hashlib.sha256()
    for sample in samples:
        try:
            with sample.path.open("rb") as file:
                contents = hashlib.file_digest(file, "sha256").hexdigest()
        except IsADirectoryError as cause:
            raise ImageError("This is a folder, not an image.", path=sample.path) from cause
        except OSError:
            contents = "unreadable"
        name = sample.path.relative_to(folder) if sample.path.is_relative_to(folder) else sample.path
        whole.update(f"{name.as_posix()}\0{sample.label}\0{sample.split}\0{contents}\n".encode())
    return whole.hexdigest()
