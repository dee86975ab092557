"""What the command line prints: a comparison in four lines, and progress that suits a terminal or a pipe."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import typer

from core.compare.record import PredictionRecord, Record
from core.compare.wording import (
    NO_COMPARISON,
    NOT_ASSESSABLE,
    agree_or_not,
    figures,
    milliseconds,
    uncertainty,
)
from core.models.architectures import model_name
from core.runtimes.load import runtime_name
from core.tasks import Task, get_task

if TYPE_CHECKING:
    import rich.progress


class Progress:
    """Progress of a long job: a bar on standard error where that is a terminal, else silence; lines go above the bar.

    Args:
        what: what is under way, in a word.
        total: number of steps; a job of a single step has no bar.
    """

    def __init__(self, what: str = "", total: int = 0) -> None:
        self._what = what
        self._done = 0
        self._total = total
        self._bars: rich.progress.Progress | None = None

    def __enter__(self) -> Self:
        if self._total != 1 and sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self._bars = progress.Progress(
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                progress.TextColumn("{task.fields[note]}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def advance(self, name: str) -> None:
        """Note that a step is done, by its name."""
        self._done += 1
        self._draw(f"{self._what} {name[:40]}", "")

    def show(self, what: str, done: int, total: int, note: str = "") -> None:
        """Show how many steps are done; another name than before begins another bar.

        Args:
            what: what is under way, in a few words.
            done: number of steps that are done.
            total: number of steps.
            note: what stands behind the bar.
        """
        if what != self._what and self._bars is not None:
            for bar in self._bars.task_ids:
                self._bars.remove_task(bar)
        self._what, self._done, self._total = what, done, total
        self._draw(what, note)

    def say(self, text: str) -> None:
        """Print lines on standard output, or above the bar where both are on one terminal."""
        if self._bars is not None and sys.stdout.isatty():
            self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(text)
            sys.stdout.flush()

    def _draw(self, description: str, note: str) -> None:
        if self._bars is None:
            return
        if not self._bars.task_ids:
            self._bars.add_task(description, total=self._total, note=note)
        bar = self._bars.task_ids[-1]
        self._bars.update(bar, completed=self._done, total=self._total, description=description, note=note)


def summary(record: Record, *, with_hidden: bool = False) -> str:
    """Return a comparison's record in lines for a person.

    Args:
        record: the comparison.
        with_hidden: whether predictions for an image outside the training data are shown.
    """
    if record.error is not None:
        return f"✗ {record.error}"
    task = get_task(record.task)
    lines = [f"{record.path}  ({task.name})"]
    for side, one in (("teacher", record.teacher), ("student", record.student)):
        name = model_name(one.model)
        words = _warning(one, task)
        if with_hidden or not one.novel:
            chances = sorted(one.probabilities.items(), key=lambda item: -item[1])
            found = " · ".join(f"{task.class_name(label)} {100 * p:.1f} %" for label, p in chances)
            words = f"{found}  {words}" if words else found
        where = f"{runtime_name(one.runtime)} · {one.device}"
        lines.append(f"  {side} {name:<9} {words}  ({milliseconds(one.latency_ms)} · {where})")
    if record.is_novel and not with_hidden:
        lines.append(f"  {NO_COMPARISON}; --with-hidden shows it")
    else:
        sign = "✓" if record.agreement.same_class else "≠"
        both = agree_or_not(task, record.teacher.predicted, record.student.predicted)
        facts = figures(task, record.teacher.predicted, record.agreement)
        lines.append(f"  {sign} " + " · ".join([both, *facts]))
    lines += [f"  note: {notice}" for notice in record.notices]
    return "\n".join(lines)


@dataclass
class Totals:
    """Counts the results of many images, for the line at the end.

    Attributes:
        images: all of them.
        unread: those that could not be read.
        not_assessable: those outside a model's training data.
        agree: those of the others to which both models give the same class.
        uncertain: those of the others about which a model is uncertain.
    """

    images: int = 0
    unread: int = 0
    not_assessable: int = 0
    agree: int = 0
    uncertain: int = 0

    def add(self, record: Record) -> None:
        """Count a comparison's record."""
        self.images += 1
        if record.error is not None:
            self.unread += 1
        elif record.is_novel:
            self.not_assessable += 1
        else:
            self.agree += record.agreement.same_class
            self.uncertain += record.teacher.is_uncertain or record.student.is_uncertain

    def line(self) -> str:
        """Return the counts in words."""
        compared = self.images - self.unread - self.not_assessable
        return (
            f"{self.images} images: {compared} compared, {self.not_assessable} not assessable, "
            f"{self.unread} could not be read. "
            f"The models agree on {self.agree} and disagree on {compared - self.agree}; "
            f"one or both are uncertain about {self.uncertain}."
        )


def _warning(one: PredictionRecord, task: Task) -> str:
    """Return what limits a prediction, else an empty string."""
    if one.novelty is not None and one.novel:
        return f"⚠ {NOT_ASSESSABLE}. {one.novelty.reason}"
    words = uncertainty(task, one.predicted, one.plausible)
    return f"⚠ {words}" if words else ""
