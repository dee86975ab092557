"""The runs of :mod:`training.campaign.make_all` as a page: each network's scores, and what distillation gains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.models.architectures import model_name
from training.evaluation.run_evaluation import EVALUATION_FILE, read_evaluation
from training.evaluation.scores import Evaluation
from training.runs.folder import RunFolder
from training.runs.records import RunRecord

HEAD = (
    "run",
    "network",
    "teacher",
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
        teacher: its teachers' names, or an empty string.
        run: its ``run.json``.
        scores: its evaluation.
        machine: the processor that it was trained on last, or an empty string.
    """

    task: str
    name: str
    teacher: str
    run: RunRecord
    scores: Evaluation
    machine: str = ""

    @property
    def accuracy(self) -> float:
        """Accuracy on the test split, in [0, 1]."""
        return self.scores.overall.accuracy


def read_results(out: Path) -> list[Result]:
    """Return the runs below ``OUT/TASK/RUN`` that were evaluated with the weights that they ended with."""
    found = []
    for path in sorted(out.glob(f"*/*/{EVALUATION_FILE}")):
        folder = RunFolder(path.parent)
        run, scores = folder.read_result(), read_evaluation(path.parent).scores
        if run.weights_sha256 != scores.weights_sha256:
            continue
        teachers = ", ".join(model_name(teacher.bundle) for teacher in run.teachers)
        machine = folder.read_environment().processor
        found.append(Result(path.parent.parent.name, path.parent.name, teachers, run, scores, machine))
    return sorted(found, key=lambda r: (r.task, r.run.role == "student", r.run.network, r.teacher, r.name))


def results_page(results: list[Result]) -> str:
    """Return the page as Markdown: a table a task, and the gain of distillation over the seeds."""
    lines: list[str] = []
    for task in dict.fromkeys(result.task for result in results):
        own = [result for result in results if result.task == task]
        border = next((r.scores.border for r in own if r.scores.border is not None), None)
        lines += [f"## {task}", "", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|", *map(_row, own), ""]
        if border is not None:
            share = 100 * border.border
            lines += [f"A linear model that sees only the border of the images scores {share:.2f} %.", ""]
        if machines := sorted({result.machine for result in own if result.machine}):
            lines += [f"Trained on {'; '.join(machines)}. Minutes are a run's own, whatever else the machine did.", ""]
        lines += [*_by_group(own), *_distillation(own), ""]
    return "\n".join(lines)


def _row(result: Result) -> str:
    run, overall = result.run, result.scores.overall
    low, high = result.scores.intervals.accuracy
    cells = (
        result.name,
        model_name(run.network),
        result.teacher or "none: labels only",
        run.started_from,
        str(_seed(result)),
        f"{run.parameters / 1e6:.2f} M",
        f"{run.macs / 1e9:.3f}",
        "–" if run.val is None else f"{100 * run.val.accuracy:.2f} %",
        f"{100 * overall.accuracy:.2f} % ({100 * low:.1f}–{100 * high:.1f})",
        f"{100 * overall.macro_f1:.2f} %",
        f"{overall.ece:.3f}",
        f"{run.seconds / 60:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _by_group(results: list[Result]) -> list[str]:
    """Return a table of accuracy by group of the test split, a column a run; nothing where there are no groups."""
    groups = dict.fromkeys(group for result in results for group in result.scores.subgroups)
    if not groups:
        return []
    lines = [f"| {' | '.join(('group', *(result.name for result in results)))} |", "|---" * (len(results) + 1) + "|"]
    for group in groups:
        found = [result.scores.subgroups.get(group) for result in results]
        cells = ("–" if scores is None else f"{100 * scores.scores.accuracy:.2f} %" for scores in found)
        lines.append(f"| {' | '.join((group, *cells))} |")
    return [*lines, ""]


def _distillation(results: list[Result]) -> list[str]:
    """Return a sentence for each teacher: by how much its students score better than without a teacher, by seed."""
    students = [result for result in results if result.run.role == "student"]
    alone = {_seed(result): result.accuracy for result in students if not result.teacher}
    lines = []
    for teacher in dict.fromkeys(result.teacher for result in students if result.teacher):
        taught = {_seed(r): r.accuracy for r in students if r.teacher == teacher}
        gains = np.array([100 * (taught[seed] - alone[seed]) for seed in sorted(taught.keys() & alone.keys())])
        if len(gains):
            seeds = f"{len(gains)} seed{'s' if len(gains) > 1 else ''}: {', '.join(f'{gain:+.2f}' for gain in gains)}"
            lines.append(
                f"- Distilled from {teacher}, the student scores {gains.mean():+.2f} points against training without a "
                f"teacher "
                f"({seeds})."
            )
    return lines


def _seed(result: Result) -> int:
    return result.run.seed or 0
