"""The split of a run, kept in its folder: which images it was trained on, by content and not by name."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from core.names import readable
from core.system.atomic_files import bytes_written_whole
from training.data.contents import UNREADABLE, content_digest
from training.data.dataset import SPLITS, Dataset, DatasetError, Progress, Sample
from training.data.duplicates import near_duplicates
from training.data.fingerprints import fingerprint
from training.data.parallel import spread
from training.data.splits import joined

TRAINED_ON = ("train", "val")
GONE = "gone"  # in place of a split: the run was trained on it before its data changed


@dataclass(frozen=True)
class SplitRow:
    """One image of a run.

    Attributes:
        path: from the data folder, with forward slashes.
        label: its class label.
        group: the group that a split keeps together, or an empty string.
        split: ``train``, ``val`` or ``test``; ``gone`` for what was trained on before changes were accepted.
        sha256: digest of the file's bytes, or ``unreadable``.
        seen_by: networks that were trained on it before: what the run started from, its teachers; separated by ``; ``.
    """

    path: str
    label: str
    group: str
    split: str
    sha256: str
    seen_by: str = ""

    @property
    def was_trained_on(self) -> bool:
        """Whether the run was trained or validated on it."""
        return self.split in (*TRAINED_ON, GONE)


COLUMNS = [field.name for field in fields(SplitRow)]


@dataclass(frozen=True)
class RunSplit:
    """The images of a run, in the order in which it sees them."""

    rows: tuple[SplitRow, ...]

    def digest(self) -> str:
        """Return what :meth:`training.data.dataset.Dataset.digest` gives for the same images."""
        rows = [row for row in self.rows if row.split != GONE]
        lines = sorted(f"{row.path}\t{row.label}\t{row.split}\t{row.group}\n" for row in rows)
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    def contents(self) -> str:
        """Return the SHA-256, hexadecimal, of the digest and the contents of the train and val images."""
        lines = (f"{row.path}\0{row.sha256}\n" for split in TRAINED_ON for row in self.of(split))
        return hashlib.sha256((self.digest() + "".join(lines)).encode("utf-8", "surrogateescape")).hexdigest()

    def of(self, split: str) -> list[SplitRow]:
        """Return the rows of one split."""
        return [row for row in self.rows if row.split == split]

    def seen(self) -> set[str]:
        """Return the contents that the run, or what it came from, was trained or validated on."""
        return {row.sha256 for row in self.rows if row.was_trained_on or row.seen_by} - {UNREADABLE}

    def write(self, path: Path) -> None:
        """Write the split as CSV; names of files that are no UTF-8 keep their bytes.

        Raises:
            WriteError: if it can't be written.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in self.rows)
        with bytes_written_whole(path) as file:
            file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def read_split(path: Path) -> RunSplit | None:
    """Read a run's split; None where the run keeps none, as those of older versions.

    Raises:
        DatasetError: if the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            head, *rows = csv.reader(file, strict=True)
        if head != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
            raise ValueError("its columns differ")
        split = RunSplit(tuple(SplitRow(*row) for row in rows))
        if unknown := {row.split for row in split.rows} - {*SPLITS, GONE}:
            raise ValueError(f"there is no split {min(unknown)!r}")
    except (OSError, ValueError, csv.Error) as cause:
        raise DatasetError(
            f"The run's split is damaged ({cause}).", path=path, remedy="Train again in another folder."
        ) from cause
    return split


def split_of(dataset: Dataset, seen_by: Mapping[str, Set[str]]) -> RunSplit:
    """Return the split of a data set as a run that begins keeps it; every file is read.

    Args:
        dataset: the data set.
        seen_by: contents that other networks were trained on, by the networks' names.
    """
    rows = []
    for sample in dataset.samples:
        digest = content_digest(sample.path)
        names = "; ".join(name for name, contents in seen_by.items() if digest in contents)
        rows.append(SplitRow(dataset.relative(sample.path), sample.label, sample.group, sample.split, digest, names))
    return RunSplit(tuple(rows))


@dataclass(frozen=True)
class Changes:
    """How a data set differs from what a run was trained on: files by what became of them.

    Attributes:
        new: images that are new to the run.
        missing: images of the run that are no longer there.
        altered: files of the run's images that files have changed.
        relabelled: images that have another label now.
        moved: images that the data set now gives another split than the run had them in.
        copies: images outside the run's training whose content or group it was trained on all the same.
    """

    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()

    def in_words(self) -> list[str]:
        """Return what has changed, a sentence each, with an example."""
        found = (
            (self.new, "images that are new to the run"),
            (self.missing, "images of the run that are no longer there"),
            (self.altered, "images of the run whose files have changed"),
            (self.relabelled, "images with another label now"),
            (self.moved, "images with another split now, which keep the run's"),
            (self.copies, "copies of images that the run was trained on, or images of one group with them, left out"),
        )
        return [f"{what}: {len(files):,} (e.g. {readable(files[0])})" for files, what in found if files]


def as_the_run_saw_it(
    dataset: Dataset, kept: RunSplit, progress: Progress = lambda _what, _done, _total: None
) -> tuple[Dataset, Changes]:
    """Give the images of a data set the splits that they had in a run, whatever their names and splits are now.

    An image that is new to the run keeps the data set's split, unless the run had others of its group or nearly the
    same picture. What the run was trained on, or a copy of it, is never in ``test``.

    Args:
        dataset: the data set as it is now; every file is read.
        kept: the run's split.
        progress: called while new images are compared with those that were trained on.
    """
    # of copies, and of a group in several splits, what was trained on counts
    rows = sorted(kept.rows, key=lambda row: (not row.was_trained_on, row.split == GONE), reverse=True)
    rows = [replace(row, split=TRAINED_ON[0]) if row.split == GONE else row for row in rows]
    by_content = {row.sha256: row for row in rows if row.sha256 != UNREADABLE}
    group_splits = {row.group: row.split for row in rows if row.group}
    by_path = {row.path: row for row in rows}
    found: dict[str, list[str]] = defaultdict(list)
    held: set[str] = set()
    splits: list[str] = []
    new: list[int] = []
    for i, sample in enumerate(dataset.samples):
        name, digest = dataset.relative(sample.path), content_digest(sample.path)
        of_content = by_content.get(digest)
        row = of_content or by_path.get(name)
        if row is None:
            new.append(i)
            found["new"].append(name)
            splits.append(group_splits.get(sample.group, sample.split))
            continue
        held |= {row.path, name}
        splits.append(row.split)
        if of_content is None:
            found["altered"].append(name)
        if row.label != sample.label:
            found["relabelled"].append(name)
    for i in _resembling(dataset.samples, splits, new, progress):
        splits[i] = TRAINED_ON[0]
    for sample, split in zip(dataset.samples, splits, strict=True):
        name = dataset.relative(sample.path)
        own = by_path[name].split if name in by_path else sample.split
        if own == "test" != split:
            found["copies"].append(name)
        elif split != sample.split:
            found["moved"].append(name)
    found["missing"] = [row.path for row in kept.rows if row.split != GONE and row.path not in held]
    samples = [replace(sample, split=split) for sample, split in zip(dataset.samples, splits, strict=True)]
    return replace(dataset, samples=samples), Changes(**{what: tuple(files) for what, files in found.items()})


def _resembling(samples: list[Sample], splits: list[str], new: list[int], progress: Progress) -> list[int]:
    """Return which of the new images in ``test`` are nearly the same picture as one that was trained on."""
    unknown = set(new)
    suspects = [i for i in new if splits[i] == "test"]
    trained = [i for i, split in enumerate(splits) if split in TRAINED_ON and i not in unknown]
    if not suspects or not trained:
        return []
    prints = spread("Comparing new images", fingerprint, [samples[i].path for i in suspects + trained], progress)
    alike = joined(len(prints), near_duplicates(prints))
    trained_groups = set(alike[len(suspects) :])
    return [i for i, group in zip(suspects, alike, strict=False) if group in trained_groups]
