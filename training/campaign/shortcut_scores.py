"""Scores of students with and without means against shortcuts, and the page that compares them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.errors import UsageError
from core.runtimes.load import load_runtime
from core.system.atomic_files import written_whole
from training.audit.audit import BORDER_ONLY, LUNGS_HIDDEN, SEED, changes, look, predicted_classes
from training.data.lungs import CHEST
from training.evaluation.clustered_bootstrap import Figure, figure
from training.evaluation.run_evaluation import read_evaluation
from training.evaluation.scored_data import open_scored
from training.runs.finished import read_run
from training.runs.folder import RunFolder

HIDDEN_FILE = "hidden-parts.json"  # in a run's folder
IMAGES = 400  # test images of which parts are hidden
PLAIN = "plain distillation"


@dataclass(frozen=True)
class Scores:
    """Accuracies of one run on the test split, each with its 95 % interval.

    Attributes:
        variant: what it was trained with, e.g. ``plain distillation``.
        seed: its seed.
        settings: what its recipe has that plain distillation has not.
        images: number of test images.
        overall: on all of them.
        groups: on groups of them, by ``column=value``.
        hidden: on ``IMAGES`` of them with parts hidden, by what is hidden.
        machine: the processor that it was trained on, or an empty string.
    """

    variant: str
    seed: int
    settings: tuple[str, ...]
    images: int
    overall: Figure
    groups: dict[str, Figure]
    hidden: dict[str, Figure]
    machine: str


def scores_of(path: Path, variant: str, settings: tuple[str, ...], data: Path, groups: tuple[str, ...]) -> Scores:
    """Return the scores of a finished and evaluated run; parts are hidden once, and the result stays in its folder.

    Args:
        path: the run's folder.
        variant: what it was trained with.
        settings: its recipe's values that say so.
        data: the data set.
        groups: which groups, by ``column=value``.

    Raises:
        RunError: if it is not finished or not evaluated.
        UsageError: if the test split has no such group of 20 images or more.
    """
    measured = read_evaluation(path).scores
    run = RunFolder(path)
    if missing := [name for name in groups if name not in measured.subgroups]:
        raise UsageError(
            f"The evaluation has no group {missing[0]!r}.",
            path=path,
            remedy=f"Name others with --group. It has {', '.join(measured.subgroups) or 'none'}.",
        )
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
        hidden=_hidden_parts(path, data),
        machine=run.read_environment().processor,
    )


def _hidden_parts(path: Path, data: Path) -> dict[str, Figure]:
    """Return accuracies with lungs hidden and with the border alone, as the audit hides them, from the file or anew."""
    bundle = read_run(path)
    with_digest = TypeAdapter(tuple[str, dict[str, Figure]])
    file = path / HIDDEN_FILE
    try:
        digest, found = with_digest.validate_json(file.read_bytes())
        if digest == bundle.card.weights_sha256:
            return found
    except (OSError, ValidationError):
        pass  # not measured yet, or damaged
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
    with written_whole(file) as opened:
        json.dump([card.weights_sha256, {name: asdict(value) for name, value in found.items()}], opened, indent=2)
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

    Among several it is the one that is best on its worst group.
    """
    means = {
        variant: _means([row for row in rows if row.variant == variant])
        for variant in dict.fromkeys(row.variant for row in rows)
    }
    plain = means.pop(PLAIN, None)
    if plain is None:
        return f"There is no {PLAIN} to compare with yet."
    better = {
        variant: own
        for variant, own in means.items()
        if own[0] >= plain[0] and all(a > b for a, b in zip(own[1:], plain[1:], strict=True))
    }
    if not better:
        return f"No student is better than {PLAIN} on every group without a loss overall."
    best = max(better, key=lambda variant: min(better[variant][1:]))
    gains = [
        f"{100 * (a - b):+.1f} points {where}"
        for a, b, where in zip(
            better[best], plain, ("overall", *(f"on {name}" for name in rows[0].groups)), strict=True
        )
    ]
    seeds = len({row.seed for row in rows if row.variant == best})
    caution = " One seed: training again may give another order." if seeds == 1 else ""
    return f"Better than {PLAIN} on every group without a loss overall: {best} ({', '.join(gains)}).{caution}"


def _means(rows: list[Scores]) -> list[float]:
    """Return mean accuracies over the seeds: overall, then of each group."""
    each = np.array([[row.overall.mean, *(one.mean for one in row.groups.values())] for row in rows])
    return [float(mean) for mean in each.mean(axis=0)]


def _cell(found: Figure | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found.mean:.1f} % ({100 * found.low:.1f}–{100 * found.high:.1f})"
