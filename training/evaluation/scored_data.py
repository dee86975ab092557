"""The images that a network is scored on: only those that it was not trained on, as far as that is on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.models.bundle import Bundle
from training.data.contents import content_digest
from training.data.dataset import Dataset, Progress, Sample
from training.data.label_map import label_map_of
from training.data.loading import of_split, open_dataset
from training.runs.finished import is_run
from training.runs.folder import RunFolder
from training.runs.records import RunError, RunRecord
from training.runs.split import RunSplit, as_the_run_saw_it, read_split


@dataclass(frozen=True)
class ScoredData:
    """A data set with the splits that a network was trained with.

    Attributes:
        dataset: the data set.
        kept: the split that the run kept; None for a bundle, and for a run of an older version.
        notes: warnings that belong to a score, a sentence each.
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
        """Return the warnings that belong to a score on some of its samples."""
        if self.kept is None:
            return self.notes
        seen_by = {row.sha256: row.seen_by for row in self.kept.rows if row.seen_by}
        seen = Counter(seen_by.get(content_digest(sample.path), "") for sample in samples)
        seen.pop("", None)
        notes = (
            f"of the {len(samples):,} images scored {count:,} had been trained on by {names}, from which this network "
            "comes: the score is too high"
            for names, count in sorted(seen.items())
        )
        return (*self.notes, *notes)


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
        RunError: if it is not known which of the images a run was trained on.
    """
    dataset = open_dataset(folder, progress=progress, label_map=label_map or label_map_of(bundle.directory))
    if not is_run(bundle.directory):
        known = bundle.card.training.data_digest == dataset.digest()
        note = (
            f"which images {bundle.id} was trained on is not on record: if these are among them, the score is too high"
        )
        return ScoredData(dataset, notes=() if known else (note,))
    run = RunFolder(bundle.directory)
    record, kept = run.read_result(), read_split(run.split)
    notes, started = _unrecorded(record), record.started_from
    if kept is None:
        if record.data_digest != dataset.digest():
            raise RunError(
                "The run keeps no split, as older versions made it, and the data have changed since: which of the "
                "images it was trained on is not known.",
                path=bundle.directory,
                remedy="Score it on the data as they were, or train it again.",
            )
        return ScoredData(dataset, notes=notes, started_from=started)
    dataset, changes = as_the_run_saw_it(dataset, kept, progress)
    return ScoredData(dataset, kept, (*changes.in_words(), *notes), started)


def _unrecorded(run: RunRecord) -> tuple[str, ...]:
    return tuple(
        f"which images {one.name} was trained on is not on record; this network "
        f"{'started from it' if one.role == 'start' else 'was distilled from it'}"
        for one in run.lineage or ()
        if not one.on_record
    )
