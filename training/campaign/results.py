"""The runs of :mod:`training.campaign.make_all` as a page: what each network scores, and whether distillation pays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.models.architectures import model_name

HEAD = (
    "run",
    "network",
    "learnt from",
    "start",
    "seed",
    "parameters",
    "GMACs",
    "validation",
    "accuracy (95 %)",
    "macro F1",
    "ECE",
    "minutes",
)


@dataclass(frozen=True)
class Result:
    """An evaluated run.

    Attributes:
        task: its task.
        name: its folder's name.
        teacher: whom it learnt from, or an empty string.
        about: what ``run.json`` says.
        scores: what ``evaluation.json`` says.
        machine: the processor that it was trained on last, or an empty string.
    """

    task: str
    name: str
    teacher: str
    about: dict[str, Any]
    scores: dict[str, Any]
    machine: str = ""

    @property
    def accuracy(self) -> float:
        """Accuracy on the test split, in [0, 1]."""
        return float(self.scores["overall"]["accuracy"])


def read_results(out: Path) -> list[Result]:
    """Return the runs below ``OUT/TASK/RUN`` that were evaluated with the weights that they ended with."""
    found = []
    for path in sorted(out.glob("*/*/evaluation.json")):
        about, scores = (json.loads(p.read_text(encoding="utf-8")) for p in (path.with_name("run.json"), path))
        if about.get("weights_sha256") != scores["weights_sha256"]:
            continue
        teachers = ", ".join(model_name(teacher["id"].partition("@")[0]) for teacher in about["teachers"])
        environment = path.with_name("environment.json")
        machine = json.loads(environment.read_text(encoding="utf-8"))["processor"] if environment.is_file() else ""
        found.append(Result(path.parent.parent.name, path.parent.name, teachers, about, scores, machine))
    return sorted(found, key=lambda r: (r.task, r.about["role"] == "student", r.about["network"], r.teacher, r.name))


def results_page(results: list[Result]) -> str:
    """Return the page as Markdown: a table a task, and what the seeds say about distillation."""
    lines: list[str] = []
    for task in dict.fromkeys(result.task for result in results):
        own = [result for result in results if result.task == task]
        border = next((r.scores["border"] for r in own if r.scores.get("border")), None)
        lines += [f"## {task}", "", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|", *map(_row, own), ""]
        if border is not None:
            share = 100 * border["border"]
            lines += [f"A linear model that sees only the border of the images scores {share:.2f} %.", ""]
        if machines := sorted({result.machine for result in own if result.machine}):
            lines += [f"Trained on {'; '.join(machines)}. Minutes are a run's own, whatever else the machine did.", ""]
        lines += [*_by_group(own), *_distillation(own), ""]
    return "\n".join(lines)


def _row(result: Result) -> str:
    about, overall = result.about, result.scores["overall"]
    low, high = result.scores["intervals"]["accuracy"]
    cells = (
        result.name,
        model_name(about["network"]),
        result.teacher or "the labels alone",
        about.get("started_from", ""),
        str(about["seed"]),
        f"{about['parameters'] / 1e6:.2f} M",
        f"{about['macs'] / 1e9:.3f}",
        f"{100 * about['val']['accuracy']:.2f} %",
        f"{100 * overall['accuracy']:.2f} % ({100 * low:.1f}–{100 * high:.1f})",
        f"{100 * overall['macro_f1']:.2f} %",
        f"{overall['ece']:.3f}",
        f"{about['seconds'] / 60:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _by_group(results: list[Result]) -> list[str]:
    """Return a table of accuracy by group of the test split, a column a run; nothing where there are no groups."""
    groups = dict.fromkeys(group for result in results for group in result.scores["subgroups"])
    if not groups:
        return []
    lines = [f"| {' | '.join(('group', *(result.name for result in results)))} |", "|---" * (len(results) + 1) + "|"]
    for group in groups:
        found = [result.scores["subgroups"].get(group) for result in results]
        cells = ("–" if scores is None else f"{100 * scores['scores']['accuracy']:.2f} %" for scores in found)
        lines.append(f"| {' | '.join((group, *cells))} |")
    return [*lines, ""]


def _distillation(results: list[Result]) -> list[str]:
    """Return a sentence a teacher: by how much its students are better than those that learnt alone, seed by seed."""
    students = [result for result in results if result.about["role"] == "student"]
    alone = {result.about["seed"]: result.accuracy for result in students if not result.teacher}
    lines = []
    for teacher in dict.fromkeys(result.teacher for result in students if result.teacher):
        taught = {r.about["seed"]: r.accuracy for r in students if r.teacher == teacher}
        gains = np.array([100 * (taught[seed] - alone[seed]) for seed in sorted(taught.keys() & alone.keys())])
        if len(gains):
            seeds = f"{len(gains)} seed{'s' if len(gains) > 1 else ''}: {', '.join(f'{gain:+.2f}' for gain in gains)}"
            lines.append(
                f"- Distilled from {teacher}, the student scores {gains.mean():+.2f} points against learning alone "
                f"({seeds})."
            )
    return lines
