"""Scores of students with and without means against shortcuts, and the page that compares them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.errors import UsageError
from core.runtimes.load import load_runtime
from core.system.atomic_files import written_whole
from training.audit.audit import BORDER_ONLY, LUNGS_HIDDEN, SEED, changes, look, predicted_classes
from training.data.lungs import CHEST
from training.evaluation.clustered_bootstrap import Figure, figure
from training.evaluation.evaluate import evaluate
from training.evaluation.run_evaluation import read_evaluation
from training.evaluation.scored_data import open_scored
from training.runs.finished import read_run
from training.runs.folder import RunFolder

if TYPE_CHECKING:
    from core.models.bundle import Bundle

MEASURED_FILE = "shortcut-scores.json"  # in a run's folder, beside its evaluation on the test split
IMAGES = 400  # test images of which parts are hidden
ALL = "all images"
PLAIN = "plain distillation"


@dataclass(frozen=True)
class Scores:
    """Accuracies of one run on the test split, each with its 95 % interval, and those that it is chosen by.

    Attributes:
        variant: what it was trained with, e.g. ``plain distillation``.
        seed: its seed.
        settings: what its recipe has that plain distillation has not.
        images: number of test images.
        overall: on all of them.
        groups: on groups of them, by ``column=value``.
        hidden: on ``IMAGES`` of them with parts hidden, by what is hidden.
        validation: accuracies on the validation split, of ``ALL`` and of the same groups: what is better is told by
            these, so that the test split chooses nothing.
        machine: the processor that it was trained on, or an empty string.
    """

    variant: str
    seed: int
    settings: tuple[str, ...]
    images: int
    overall: Figure
    groups: dict[str, Figure]
    hidden: dict[str, Figure]
    validation: dict[str, float]
    machine: str


@dataclass(frozen=True)
class _Measured:
    """What is measured once of a run: its weights' checksum, accuracies on the validation split, parts hidden."""

    weights_sha256: str
    validation: dict[str, float]
    hidden: dict[str, Figure]


def scores_of(path: Path, variant: str, settings: tuple[str, ...], data: Path, groups: tuple[str, ...]) -> Scores:
    """Return the scores of a finished and evaluated run; what its evaluation lacks is measured once and kept there.

    Args:
        path: the run's folder.
        variant: what it was trained with.
        settings: its recipe's values that say so.
        data: the data set.
        groups: which groups, by ``column=value``.

    Raises:
        RunError: if it is not finished or not evaluated.
        UsageError: if the test or the validation split has no such group of 20 images or more.
    """
    measured = read_evaluation(path).scores
    run = RunFolder(path)
    _check_groups(groups, measured.subgroups, "test", path)
    more = _measure(path, data)
    _check_groups(groups, more.validation, "validation", path)
    return Scores(
        variant=variant,
        seed=run.read_result().seed or 0,
        settings=settings,
        images=measured.overall.images,
        overall=Figure(measured.overall.accuracy, *measured.intervals.accuracy),
        groups={
            name: Figure(measured.subgroups[name].scores.accuracy, *measured.subgroups[name].accuracy_interval)
            for name in groups
        },
        hidden=more.hidden,
        validation={name: more.validation[name] for name in (ALL, *groups)},
        machine=run.read_environment().processor,
    )


def _check_groups(wanted: tuple[str, ...], found: Collection[str], split: str, path: Path) -> None:
    if missing := [name for name in wanted if name not in found]:
        raise UsageError(
            f"The {split} split has no group {missing[0]!r}.",
            path=path,
            remedy=f"Name others with --group. It has {', '.join(name for name in found if name != ALL) or 'none'}.",
        )


def _measure(path: Path, data: Path) -> _Measured:
    """Return accuracies on the validation split and with parts hidden, from the run's folder or measured now."""
    bundle = read_run(path)
    kept = TypeAdapter(_Measured)
    file = path / MEASURED_FILE
    try:
        found = kept.validate_json(file.read_bytes())
        if found.weights_sha256 == bundle.card.weights_sha256:
            return found
    except (OSError, ValidationError):
        pass  # not measured yet, or damaged
    seen = evaluate(bundle, data, "val")
    accuracies = {ALL: seen.overall.accuracy, **{name: one.scores.accuracy for name, one in seen.subgroups.items()}}
    found = _Measured(bundle.card.weights_sha256, accuracies, _hidden_parts(bundle, data))
    with written_whole(file) as opened:
        json.dump(asdict(found), opened, indent=2)
    return found


def _hidden_parts(bundle: Bundle, data: Path) -> dict[str, Figure]:
    """Return accuracies on test images with lungs hidden and with the border alone, as the audit hides them."""
    card = bundle.card
    samples = open_scored(bundle, data).of("test", card.classes)
    drawn = np.sort(np.random.default_rng(SEED).permutation(len(samples))[:IMAGES])
    colour = card.preprocessing.channels == "rgb"
    pictures = look([samples[i] for i in drawn], card.classes, colour=colour, chest=card.task == CHEST)
    engine = load_runtime(bundle)
    found = {}
    for name, change in changes(pictures).items():
        if name in (LUNGS_HIDDEN, BORDER_ONLY):
            right = predicted_classes(engine, card.preprocessing, pictures.pixels, change) == pictures.labels
            found[name] = figure(right, pictures.clusters)
    return found


def write_scores(path: Path, rows: list[Scores]) -> None:
    """Write scores as JSON."""
    with written_whole(path) as file:
        json.dump([asdict(row) for row in rows], file, indent=2)


def read_scores(path: Path) -> list[Scores]:
    """Read what :func:`write_scores` wrote.

    Raises:
        UsageError: if it is missing or damaged.
    """
    try:
        return TypeAdapter(list[Scores]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as cause:
        raise UsageError(f"These scores can't be read ({cause}).", path=path, remedy="Make them again.") from cause


def scores_page(rows: list[Scores]) -> str:
    """Return scores as Markdown: a row a run, and which variant, if any, is better than plain distillation."""
    groups, hidden = list(rows[0].groups), list(dict.fromkeys(name for row in rows for name in row.hidden))
    head = ["student", "seed", f"all {rows[0].images} test images", *groups, *hidden]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [row.overall, *(row.groups[name] for name in groups), *(row.hidden.get(name) for name in hidden)]
        lines.append(f"| {row.variant} | {row.seed} | {' | '.join(map(_cell, cells))} |")
    lines += ["", "| student | what its recipe has more |", "|---|---|"]
    lines += [f"| {row.variant} | `{' '.join(row.settings) or '–'}` |" for row in rows if row.seed == rows[0].seed]
    machines = sorted({row.machine for row in rows if row.machine})
    return "\n".join([*lines, "", verdict(rows), *(["", f"Trained on {'; '.join(machines)}."] if machines else []), ""])


def verdict(rows: list[Scores]) -> str:
    """Return which variant is better on every group and no worse overall, by the means over the seeds.

    The validation split decides; among several it is the one that is best on its worst group. The test split tells
    what that is worth.
    """
    variants = list(dict.fromkeys(row.variant for row in rows))
    if PLAIN not in variants:
        return f"There is no {PLAIN} to compare with yet."
    names = (ALL, *rows[0].groups)
    seen = {one: _means([[row.validation[name] for name in names] for row in rows if row.variant == one])
            for one in variants}  # fmt: skip
    plain = seen.pop(PLAIN)
    better = {
        variant: own
        for variant, own in seen.items()
        if own[0] >= plain[0] and all(a > b for a, b in zip(own[1:], plain[1:], strict=True))
    }
    if not better:
        return f"On the validation split no student is better than {PLAIN} on every group without a loss overall."
    best = max(better, key=lambda variant: min(better[variant][1:]))
    own, plain = (_means([_tested(row) for row in rows if row.variant == one]) for one in (best, PLAIN))
    where = ("overall", *(f"on {name}" for name in rows[0].groups))
    gains = [f"{100 * (a - b):+.1f} points {place}" for a, b, place in zip(own, plain, where, strict=True)]
    seeds = len({row.seed for row in rows if row.variant == best})
    caution = " One seed: training again may give another order." if seeds == 1 else ""
    return (
        f"On the validation split better than {PLAIN} on every group without a loss overall: {best}. "
        f"On the test split: {', '.join(gains)}.{caution}"
    )


def _tested(row: Scores) -> list[float]:
    return [row.overall.mean, *(one.mean for one in row.groups.values())]


def _means(each: list[list[float]]) -> list[float]:
    """Return the mean of each figure over the seeds."""
    return [float(mean) for mean in np.array(each).mean(axis=0)]


def _cell(found: Figure | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found.mean:.1f} % ({100 * found.low:.1f}–{100 * found.high:.1f})"
