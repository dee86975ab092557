"""A labelled image set in memory: its samples, and what it was made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import TwinlensError

SPLITS = ("train", "val", "test")

# called with what is under way, how many steps are done and how many there are; it may raise to cancel
Progress = Callable[[str, int, int], None]


# a value of a fact that means that it is not known, e.g. "unknown (none published)" or pandas' "<NA>"
UNKNOWN = re.compile(
    r"[-–—?.]+|<na>|#n/a|(n/?a|n\.a\.|nan|none|null|nil|missing|undefined|anonym(ous|i[sz]ed))(\s*\(.*\))?"
    r"|(un|not )(known|available|applicable|given|provided|stated|recorded|reported|specified|defined)(\s\D*)?",
    re.IGNORECASE | re.DOTALL,
)
# words of a folder or a manifest's column that name a split, and words that may stand beside them
SPLIT_WORDS = {
    "train": "train", "training": "train", "trainval": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val", "development": "val",
    "test": "test", "testing": "test", "tests": "test",
}  # fmt: skip
FILLERS = {"and", "set", "sets", "data", "dataset", "split", "images", "image", "folder"}


class DatasetError(TwinlensError):
    """A data set is missing, empty or does not fit the task."""


def split_of(name: str) -> str:
    """Return the split that a folder or a manifest names, in any case and with words such as *set* beside it.

    ``Test Set`` is test, ``dev`` is val; ``Train and Validation Set`` is train, from which val is then split off. An
    empty string means that the name is none of a split.
    """
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word and word not in FILLERS]
    if not words or any(word not in SPLIT_WORDS for word in words):
        return ""
    splits = {SPLIT_WORDS[word] for word in words}
    return splits.pop() if len(splits) == 1 else "train" if splits == {"train", "val"} else ""


@dataclass(frozen=True)
class LeftOut:
    """A file of a data set's folder that is no sample, or a folder that holds none.

    Attributes:
        path: the file or folder.
        reason: why, a phrase that follows "left out: ", the same for all of one kind.
        files: how many files it stands for.
    """

    path: Path
    reason: str
    files: int = 1


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    Attributes:
        path: the image file.
        label: its class label, as the task writes it.
        split: ``train``, ``val`` or ``test``.
        facts: what else is known, e.g. a manifest's other columns: ``source``, ``population``, ``group_id``.
        masks: files that outline something in the image, by what they outline: ``lung``, ``infection``.
    """

    path: Path
    label: str
    split: str
    facts: dict[str, str]
    masks: dict[str, Path] = field(default_factory=dict)

    def known(self, fact: str) -> str:
        """Return a fact, or an empty string where there is none or it is given as unknown.

        ``unknown``, ``N/A``, ``NA``, ``nan``, ``None``, ``NULL``, ``-``, ``?`` and the like mean unknown, in any
        case and with a remark in brackets; a name that only begins so, such as Nanjing, is a name.
        """
        value = self.facts.get(fact, "").strip()
        return "" if UNKNOWN.fullmatch(value) else value

    @property
    def group(self) -> str:
        """What must lie in one split: the ``group_id``, else the ``patient_id``, else an empty string."""
        return self.known("group_id") or self.known("patient_id")


@dataclass(frozen=True)
class Dataset:
    """A labelled image set.

    Attributes:
        folder: where it lies.
        kind: the name of its layout.
        samples: its images.
        split_made: in words, where its split comes from.
        left_out: the folder's other files, with the reason.
        labels: how many images there are of each label as the folders or the manifest write it, before ``label_map``.
        label_map: labels that were renamed, e.g. ``COVID`` to ``COVID-19``, or left out, to an empty string.
    """

    folder: Path
    kind: str
    samples: list[Sample]
    split_made: str
    left_out: tuple[LeftOut, ...] = ()
    labels: dict[str, int] = field(default_factory=dict)
    label_map: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted({sample.label for sample in self.samples}))

    def relative(self, path: Path) -> str:
        """Return a file's path from the data set's folder, with forward slashes; as it is where it lies elsewhere."""
        return (path.relative_to(self.folder) if path.is_relative_to(self.folder) else path).as_posix()

    def digest(self) -> str:
        """Return the SHA-256, hexadecimal, of every sample's relative path, label, split and group, sorted by path.

        It is cheap, since no image is read, and the same on every machine where the set lies in one folder. It changes
        when an image is added, removed, relabelled or moved to another split, not when a file's content changes.
        """
        lines = sorted(f"{self.relative(s.path)}\t{s.label}\t{s.split}\t{s.group}\n" for s in self.samples)
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def of_split(samples: list[Sample], split: str, classes: tuple[str, ...]) -> list[Sample]:
    """Return the samples of one split.

    Raises:
        DatasetError: if there are none, or one has a label that the classes lack.
    """
    chosen = [sample for sample in samples if sample.split == split]
    if not chosen:
        raise DatasetError(f"The data set has no images in the split {split!r}.")
    for sample in chosen:
        if sample.label not in classes:
            raise DatasetError(
                f"The label {sample.label!r} is not one of the model's classes {', '.join(classes)}.",
                path=sample.path,
                remedy=f"Map it with --map {sample.label}=CLASS, or leave it out with --map {sample.label}=",
            )
    return chosen


def in_batches(samples: list[Sample], size: int) -> Iterator[list[Sample]]:
    """Yield the samples in order, ``size`` at a time."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]
