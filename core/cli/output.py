"""What the headless door shows: a comparison in four lines, and progress that suits a terminal or a pipe."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import typer

from core.compare.wording import RUNTIME_NAMES, agreement, milliseconds
from core.models.architectures import model_name
from core.tasks import Task, get_task

if TYPE_CHECKING:
    import rich.progress


class Progress:
    """Progress of a long job: a bar on standard error where that is a terminal, else silence; lines go above the bar.

    Args:
        what: what is under way, in a word.
        total: number of steps.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._bars: rich.progress.Progress | None = None

    def __enter__(self) -> Self:
        if self._total > 1 and sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self._bars = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar = self._bars.add_task(self._what, total=self._total)
            self._bars.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def advance(self, name: str) -> None:
        """Note that a step is done, by its name."""
        if self._bars is not None:
            from rich.markup import escape

            self._bars.update(self._bar, advance=1, description=f"{self._what} {escape(name)[:40]}")

    def say(self, text: str) -> None:
        """Print lines on standard output, or above the bar where both are on one terminal."""
        if self._bars is not None and sys.stdout.isatty():
            self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(text)


def summary(record: dict[str, Any], *, with_refused: bool = False) -> str:
    """Return a comparison's record in lines for a person.

    Args:
        record: the comparison as plain values.
        with_refused: whether answers to an image that a model can't judge are shown.
    """
    if record["error"] is not None:
        return f"✗ {record['error']}"
    task = get_task(record["task"])
    lines = [f"{record['path']}  ({task.name})"]
    for side in ("teacher", "student"):
        answer = record[side]
        name = model_name(answer["model"])
        said = _warning(answer, task)
        if with_refused or not answer["novel"]:
            chances = sorted(answer["probabilities"].items(), key=lambda item: -item[1])
            found = " · ".join(f"{task.class_name(label)} {100 * p:.1f} %" for label, p in chances)
            said = f"{found}  {said}" if said else found
        where = f"{RUNTIME_NAMES[answer['runtime']]} · {answer['device']}"
        lines.append(f"  {side} {name:<9} {said}  ({milliseconds(answer['latency_ms'])} · {where})")
    if not with_refused and (record["teacher"]["novel"] or record["student"]["novel"]):
        lines.append("  no verdict: an answer is kept back; --with-refused shows it")
    else:
        lines.append("  " + " · ".join(agreement(record)))
    lines += [f"  note: {notice}" for notice in record["notices"]]
    return "\n".join(lines)


@dataclass
class Totals:
    """Counts what came of many images, for the line at the end.

    Attributes:
        images: all of them.
        unread: those that could not be read.
        refused: those that a model can't judge.
        agree: those of the others to which both models give the same class.
        unsure: those of the others about which a model is unsure.
    """

    images: int = 0
    unread: int = 0
    refused: int = 0
    agree: int = 0
    unsure: int = 0

    def add(self, record: dict[str, Any]) -> None:
        """Count a comparison's record."""
        self.images += 1
        if record["error"] is not None:
            self.unread += 1
            return
        answers = record["teacher"], record["student"]
        if any(answer["novel"] for answer in answers):
            self.refused += 1
            return
        self.agree += record["agreement"]["same_class"]
        self.unsure += any(_is_unsure(answer) for answer in answers)

    def line(self) -> str:
        """Return the counts in words."""
        judged = self.images - self.unread - self.refused
        return (
            f"{self.images} images: {judged} judged, {self.refused} can't be judged, {self.unread} could not be read. "
            f"The models agree on {self.agree} and disagree on {judged - self.agree}; "
            f"one or both are unsure about {self.unsure}."
        )


def _is_unsure(answer: dict[str, Any]) -> bool:
    return answer["plausible"] is not None and len(answer["plausible"]) != 1


def _warning(answer: dict[str, Any], task: Task) -> str:
    """Return what must be said before an answer is believed, else an empty string."""
    if answer["novel"]:
        return f"⚠ can't judge this image: {answer['novelty']['reason']}"
    if not _is_unsure(answer):
        return ""
    names = " or ".join(task.class_name(label) for label in answer["plausible"])
    return f"⚠ unsure: {names}" if names else "⚠ unsure: no class is plausible enough"
