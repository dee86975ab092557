"""``check-data``: is a data set fit to train on, and will scores measured on it mean what they seem to mean?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import typer

import core.cli.output
from core.errors import UsageError
from core.system.atomic_files import written_whole
from training.data_findings import (
    duplicate_findings,
    group_findings,
    look_findings,
    probe_findings,
    sibling_findings,
    split_findings,
    unreadable_findings,
)
from training.data_fitness import fitness_findings, left_out_counts, left_out_findings
from training.data_report import SEVERITIES, DataReport, Look
from training.datasets import open_dataset, tile_groups_of
from training.events import Preparing
from training.fingerprints import Fingerprint, are_coloured, fingerprint
from training.parallel import spread
from training.progress import print_json
from training.recipe import Recipe
from training.samples import Dataset, Progress, Sample
from training.shortcut_probe import ProbeScores, probe

TOLD_EVERY = 20  # steps between lines of progress


def check(
    dataset: Dataset,
    progress: Progress = lambda _what, _done, _total: None,
    recipe: Recipe | None = None,
) -> DataReport:
    """Read every image of a data set and return what should be known before it is trained on.

    Args:
        dataset: what :func:`training.datasets.open_dataset` returned.
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
    return DataReport(
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


def run_check(
    folder: Path,
    as_json: bool,
    report: Path | None,
    events: Literal["text", "json"] = "text",
    label_map: Mapping[str, str] | None = None,
    recipe: Recipe | None = None,
) -> int:
    """Check a data set for the command line; return the exit code: 1 if there are errors, else 0.

    Args:
        folder: the data set.
        as_json: whether the report is printed as JSON.
        report: where it is also written as Markdown, or None.
        events: ``json`` tells progress as lines of JSON before the report.
        label_map: labels that are renamed or left out, in place of the recipe's map.
        recipe: what the data set is to be trained by, or None.

    Raises:
        UsageError: if there is no such folder, or none for the report.
        DatasetError: if it holds no data set.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", remedy="Name the folder of a data set.")
    if report is not None and not report.resolve().parent.is_dir():
        raise UsageError(f"There is no folder for the report {report}.", remedy="Make it first.")
    with Stages() as stages:
        progress: Progress = _tell if events == "json" else stages
        labels = label_map or (recipe.label_map if recipe is not None else {})
        found = check(open_dataset(folder, progress=progress, label_map=labels), progress, recipe)
    page = found.as_markdown()
    if report is not None:
        with written_whole(report) as file:
            file.write(page)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))  # in ASCII, so that any name can be printed
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(page))
    else:
        typer.echo(page)
    return 1 if found.has_errors else 0


def _tell(what: str, done: int, total: int) -> None:
    if done % TOLD_EVERY == 0 or done == total:
        print_json(Preparing(what, done, total))


class Stages:
    """Shows one bar after another on the terminal, one for each thing that is under way."""

    def __init__(self) -> None:
        self._what = ""
        self._shown: core.cli.output.Progress | None = None

    def __enter__(self) -> Stages:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._shown is not None:
            self._shown.__exit__(*exception)

    def __call__(self, what: str, _done: int, total: int) -> None:
        """Show one more step of what is under way."""
        if what != self._what:
            self.__exit__(None, None, None)
            self._what, self._shown = what, core.cli.output.Progress(what, total).__enter__()
        if self._shown is not None:
            self._shown.advance("")


def _sources(samples: Sequence[Sample]) -> list[str]:
    return [sample.known("source") for sample in samples]


def _looks(by: str, values: Iterable[str], prints: Sequence[Fingerprint | str]) -> list[Look]:
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


def _probe(samples: Sequence[Sample], prints: Sequence[Fingerprint | str]) -> ProbeScores | None:
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
