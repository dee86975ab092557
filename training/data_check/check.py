"""``check-data``: is a data set fit to train on, and will scores measured on it mean what they seem to mean?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from training.data.border_probe import probe
from training.data.border_scores import ProbeScores
from training.data.dataset import Dataset, Progress, Sample
from training.data.fingerprints import Fingerprint, are_coloured, fingerprint
from training.data.loading import tile_groups_of
from training.data.parallel import spread
from training.data.unreadable import Unreadable
from training.data_check.findings import (
    duplicate_findings,
    group_findings,
    look_findings,
    probe_findings,
    sibling_findings,
    split_findings,
    unreadable_findings,
)
from training.data_check.fitness import fitness_findings, left_out_counts, left_out_findings
from training.data_check.metric import dimensions
from training.data_check.report import SEVERITIES, DataReport, Look
from training.recipe import Recipe


def check(
    dataset: Dataset,
    progress: Progress = lambda _what, _done, _total: None,
    recipe: Recipe | None = None,
) -> DataReport:
    """Read every image of a data set and return what should be known before it is trained on.

    Args:
        dataset: what :func:`training.data.loading.open_dataset` returned.
        recipe: what it is to be trained by, or None.
        progress: called after each step with what is under way, how many steps are done and how many there are; what it
            raises stops the check.
    """
    samples = dataset.samples
    prints = spread("Reading", fingerprint, [sample.path for sample in samples], progress)
    looks = [*_looks("class", (s.label for s in samples), prints), *_looks("source", _sources(samples), prints)]
    scores = _probe(samples, prints)
    findings = [
        *fitness_findings(dataset, recipe),
        *unreadable_findings(dataset, prints),
        *split_findings(dataset),
        *group_findings(dataset),
        *duplicate_findings(dataset, prints),
        *(sibling_findings(dataset, tile_groups_of(dataset, progress)) if are_coloured(prints) else []),
        *look_findings(samples, looks),
        *probe_findings(scores),
        *left_out_findings(dataset),
    ]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    report = DataReport(
        name=dataset.name,
        kind=dataset.kind,
        split_made=dataset.split_made,
        digest=dataset.digest(),
        images=len(samples),
        labels=dataset.labels,
        label_map=dataset.label_map,
        left_out=left_out_counts(dataset),
        classes=_counted((s.label, s.split) for s in samples),
        sources=_counted((s.known("source"), s.label) for s in samples if s.known("source")),
        masks=dict(Counter(what for s in samples for what in sorted(s.masks))),
        looks=looks,
        probe=scores,
        findings=findings,
    )
    return replace(report, metric=dimensions(samples, report))


def _sources(samples: Sequence[Sample]) -> list[str]:
    return [sample.known("source") for sample in samples]


def _looks(by: str, values: Iterable[str], prints: Sequence[Fingerprint | Unreadable]) -> list[Look]:
    members: dict[str, list[Fingerprint]] = {}
    for value, found in zip(values, prints, strict=True):
        if value and isinstance(found, Fingerprint):
            members.setdefault(value, []).append(found)
    looks = []
    for value, images in sorted(members.items()):
        brightness = [float(image.thumbnail.mean()) for image in images]
        looks.append(
            Look(
                by=by,
                value=value,
                images=len(images),
                width=int(np.median([image.width for image in images])),
                height=int(np.median([image.height for image in images])),
                brightness=float(np.mean(brightness)),
                spread=float(np.std(brightness)),
                formats=dict(Counter(image.format for image in images).most_common()),
            )
        )
    return looks


def _probe(samples: Sequence[Sample], prints: Sequence[Fingerprint | Unreadable]) -> ProbeScores | None:
    readable = [(s, found) for s, found in zip(samples, prints, strict=True) if isinstance(found, Fingerprint)]
    if not readable:
        return None
    thumbnails = np.stack([found.thumbnail for _sample, found in readable])
    return probe(thumbnails, [s.label for s, _found in readable], [s.split for s, _found in readable])


def _counted(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (row, column), count in sorted(Counter(pairs).items()):
        table.setdefault(row, {})[column] = count
    return table
