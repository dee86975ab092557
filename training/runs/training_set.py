"""The samples of a run by split, in the order in which the run first used them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.uncertainty.gate_fit import FOLDS
from training.data.contents import content_digest
from training.data.dataset import SPLITS
from training.data.loading import Dataset, Sample, of_split, open_dataset
from training.runs.lineage import Ancestor
from training.runs.records import AncestorRecord
from training.runs.split import GONE, TRAINED_ON, RunSplit, as_the_run_saw_it, split_of


@dataclass(frozen=True)
class RunData:
    """The labelled images of a run.

    Attributes:
        dataset: the data set with the run's splits.
        classes: class labels in the order of the network's outputs.
        train: the training samples.
        val: the validation samples, which select the best epoch.
        split: all images of the run, as they are kept in its folder.
        lineage: what the network comes from, as ``run.json`` states it.
        differences: in words, how the images differ from those that the run began with; empty for a run that begins.
        news: in words, what else should be known: changes in the data folder that the run does not see, thin splits.
    """

    dataset: Dataset
    classes: tuple[str, ...]
    train: list[Sample]
    val: list[Sample]
    split: RunSplit
    lineage: tuple[AncestorRecord, ...] = ()
    differences: tuple[str, ...] = ()
    news: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the images lie."""
        return self.dataset.folder

    @property
    def digest(self) -> str:
        """The data set's digest, over names, labels, splits and groups, hexadecimal."""
        return self.split.digest()

    @property
    def contents(self) -> str:
        """The SHA-256 of names and contents of the train and val images, hexadecimal."""
        return self.split.contents()


def open_run_data(
    folder: Path,
    classes: tuple[str, ...],
    kept: RunSplit | None = None,
    ancestors: Sequence[Ancestor] = (),
    label_map: Mapping[str, str] | None = None,
) -> RunData:
    """Open a data folder for training; every file is read once.

    Args:
        folder: the data folder.
        classes: class labels in the order of the network's outputs.
        kept: the split of the run that is resumed, or None for one that begins.
        ancestors: what the network comes from: its start and its teachers.
        label_map: the recipe's.

    Raises:
        DatasetError: if it is unusable, or the train or val split is empty or has a label that is no class.
    """
    dataset = open_dataset(folder, label_map=label_map)
    seen_by = {one.name: one.seen for one in ancestors if one.seen is not None}
    if kept is None:
        own = _run_data(dataset, classes, split_of(dataset, seen_by))
        return replace(own, lineage=tuple(one.record(own.digest) for one in ancestors), news=_thin(own))
    if (unchanged := _of_the_same_run(dataset, classes, kept)) is not None:
        return unchanged
    dataset, changes = as_the_run_saw_it(dataset, kept)
    now = split_of(dataset, seen_by)
    before = {row.sha256: row.seen_by for row in kept.rows}
    rows = [replace(row, seen_by=row.seen_by or before.get(row.sha256, "")) for row in now.rows]
    # what the run was trained on stays on record when its file has gone or holds something else
    held = {row.sha256 for row in rows}
    gone = [replace(row, split=GONE) for row in kept.rows if row.was_trained_on and row.sha256 not in held]
    split = RunSplit((*rows, *gone))
    return replace(_run_data(dataset, classes, split), differences=tuple(changes.in_words()))


def _run_data(dataset: Dataset, classes: tuple[str, ...], split: RunSplit) -> RunData:
    train, val = (of_split(dataset.samples, name, classes) for name in TRAINED_ON)
    return RunData(dataset, classes, train, val, split)


def _thin(data: RunData) -> tuple[str, ...]:
    """Return which splits have too few images, a sentence each: better known before a run than after it."""
    notes = []
    if len(data.val) < FOLDS:
        notes.append(f"val has only {len(data.val)} images: too few to calibrate and publish a model")
    for split in SPLITS[1:]:
        counts = Counter(row.label for row in data.split.of(split))
        if lacking := [label for label in data.classes if not counts[label]]:
            notes.append(f"{split} has no images of {', '.join(lacking)}: they are not scored")
    return tuple(notes)


def _of_the_same_run(dataset: Dataset, classes: tuple[str, ...], kept: RunSplit) -> RunData | None:
    """Return the run's own images in its own order; None where one that it was trained on is not what it was."""
    by_path = {dataset.relative(sample.path): sample for sample in dataset.samples}
    by_content: dict[tuple[str, str], Sample] = {}
    for sample in dataset.samples:
        by_content.setdefault((content_digest(sample.path), sample.label), sample)
    samples = []
    for row in kept.rows:
        if row.split == GONE:
            continue
        found = by_path.get(row.path)
        if found is None or (content_digest(found.path), found.label) != (row.sha256, row.label):
            found = by_content.get((row.sha256, row.label))
        if found is not None:
            samples.append(replace(found, split=row.split))
        elif row.split in TRAINED_ON:
            return None
    more = len(dataset.samples) - len(samples)
    news = (f"images added to the data folder after the run began, which it does not use: {more:,}",)
    own = _run_data(replace(dataset, samples=samples), classes, kept)
    return replace(own, news=news if more > 0 else ())
