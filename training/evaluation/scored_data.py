"""The images that a network is scored on: only what its training never saw, as far as that is on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.models.bundle import Bundle
from training.data.contents import content_digest
from training.data.dataset import Dataset, Progress, Sample
from training.data.label_map import label_map_of
from training.data.loading import of_split, open_dataset
from training.runs.finished import RunError, is_run
from training.runs.folder import RunFolder
from training.runs.split import RunSplit, as_the_run_saw_it, read_split


@dataclass(frozen=True)
class ScoredData:
    """A data set with the splits that a network was trained with.

    Attributes:
        dataset: the data set.
        kept: the split that the run kept; None for a bundle, and for a run of an older version.
        notes: what must be said beside a score, a sentence each.
        started_from: in words, what the network started from; empty where that is not on record.
    """

    dataset: Dataset
    kept: RunSplit | None = None
    notes: tuple[str, ...] = ()
    started_from: str = ""

    def of(self, split: str, classes: tuple[str, ...]) -> list[Sample]:
        """Return the samples of a split.

        Raises:
            DatasetError: if there are none, or one has a label that the classes lack.
        """
        return of_split(self.dataset.samples, split, classes)

    def notes_on(self, samples: list[Sample]) -> tuple[str, ...]:
        """Return what must be said beside a score on some of its samples."""
        if self.kept is None:
            return self.notes
        seen_by = {row.sha256: row.seen_by for row in self.kept.rows if row.seen_by}
        seen = Counter(seen_by.get(content_digest(sample.path), "") for sample in samples)
        seen.pop("", None)
        said = (
            f"of the {len(samples):,} images scored {count:,} had been trained on by {names}, from which this network "
            "comes: the score is too high"
            for names, count in sorted(seen.items())
        )
        return (*self.notes, *said)


def open_scored(
    bundle: Bundle,
    folder: Path,
    progress: Progress = lambda _what, _done, _total: None,
    label_map: Mapping[str, str] | None = None,
) -> ScoredData:
    """Open a data set to score a network on it.

    Args:
        bundle: a bundle or a finished run.
        folder: the data set.
        progress: called while images are read.
        label_map: labels that are renamed or left out; by default the run's own, where a run is scored.

    Raises:
        DatasetError: if the data set is unusable, or the run's split is damaged.
        RunError: if it can't be told which of the images a run was trained on.
    """
    dataset = open_dataset(folder, progress=progress, label_map=label_map or label_map_of(bundle.directory))
    if not is_run(bundle.directory):
        known = bundle.card.training.data_digest == dataset.digest()
        note = (
            f"which images {bundle.id} was trained on is not on record: if these are among them, the score is too high"
        )
        return ScoredData(dataset, notes=() if known else (note,))
    run = RunFolder(bundle.directory)
    about, kept = run.read_result(), read_split(run.split)
    notes = _unrecorded(about)
    started = str(about.get("started_from", ""))
    if kept is None:
        if about.get("data_digest") != dataset.digest():
            raise RunError(
                "The run keeps no split, as older versions made it, and the data are not as it saw them: which of the "
                "images it was trained on can't be told.",
                path=bundle.directory,
                remedy="Score it on the data as they were, or train it again.",
            )
        return ScoredData(dataset, notes=notes, started_from=started)
    dataset, changes = as_the_run_saw_it(dataset, kept, progress)
    return ScoredData(dataset, kept, (*changes.in_words(), *notes), started)


def _unrecorded(about: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"which images {one['name']} was trained on is not on record; this network "
        f"{'started from it' if one['role'] == 'start' else 'learnt from it'}"
        for one in about.get("lineage", ())
        if not one["on_record"]
    )
