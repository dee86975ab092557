"""What a run learns from: the samples of a data folder by split, and the digests that name them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.datasets import Dataset, Sample, of_split, open_dataset


@dataclass(frozen=True)
class RunData:
    """The labelled images of a run.

    Attributes:
        folder: where they lie.
        classes: class labels in the order of the network's outputs.
        train: samples that are learned from.
        val: samples that choose the best epoch.
        digest: the data set's digest, over names, labels, splits and groups.
        contents: SHA-256 over the digest and the contents of the train and val images, hexadecimal.
    """

    folder: Path
    classes: tuple[str, ...]
    train: list[Sample]
    val: list[Sample]
    digest: str
    contents: str


def open_run_data(folder: Path, classes: tuple[str, ...], *, label_map: Mapping[str, str] | None = None) -> RunData:
    """Open a data folder for training.

    Args:
        folder: the data folder.
        classes: class labels in the order of the network's outputs.
        label_map: the recipe's.

    Raises:
        DatasetError: if it is unusable, or the train or val split is empty or has a strange label.
    """
    dataset = open_dataset(folder, label_map=label_map)
    train, val = of_split(dataset.samples, "train", classes), of_split(dataset.samples, "val", classes)
    return RunData(folder, classes, train, val, dataset.digest(), _contents(dataset, train + val))


def _contents(dataset: Dataset, samples: list[Sample]) -> str:
    whole = hashlib.sha256(dataset.digest().encode())
    for sample in samples:
        try:
            with sample.path.open("rb") as file:
                contents = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            contents = "unreadable"
        whole.update(f"{dataset.relative(sample.path)}\0{contents}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
