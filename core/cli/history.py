"""The history on the command line: ``python -m core history list | export | review | clear``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UsageError

if TYPE_CHECKING:
    from core.records.analysis import Analysis

history_app = typer.Typer(help="What was analysed on this machine.", no_args_is_help=True)

Text = Annotated[str, typer.Argument(help="Words that occur in path, note, model or class.")]
Task = Annotated[str | None, typer.Option(help="Only this task.")]
Same = Annotated[bool | None, typer.Option("--same/--different", help="Whether both agree.")]
Reading = Annotated[
    str | None,
    typer.Option("--reading", help="Your reading: a class, other, not_assessable; agree, disagree, unsure of old."),
]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")]


@history_app.command("list")
def list_records(
    text: Text = "",
    task: Task = None,
    same: Same = None,
    reading: Reading = None,
    limit: Limit = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List records, or those that the words and options name."""
    found = _found(text, task, same, reading, limit)
    if as_json:
        typer.echo(json.dumps({"analyses": [row.as_dict() for row in found]}, indent=2, ensure_ascii=False))
        return
    from core.models.catalogue import read_catalogue
    from core.tasks import TASKS

    read_catalogue()  # it brings the tasks of imported models
    for row in found:
        known = TASKS.get(row.task)
        names = {} if known is None else {label.id: label.name for label in known.classes}
        predictions = " · ".join(
            "not assessable"
            if one.is_novel
            else f"{names.get(one.predicted, one.predicted)} {100 * one.confidence:.1f} %"
            for one in (row.teacher, row.student)
        )
        sign = "–" if row.is_novel else "✓" if row.same_class else "≠"
        where = row.path or f"image {row.image_sha256[:12]}"
        note = " · ".join(filter(None, (row.review.in_words(known), row.note)))
        when = datetime.fromisoformat(row.analysed_at).isoformat(timespec="seconds")
        typer.echo(f"{row.id}  {when}  {where}")
        typer.echo(f"    {sign} {predictions}{' · ' if note else ''}{note}")


@history_app.command("export")
def export_records(
    file: Annotated[Path, typer.Argument(help="The CSV file to write.", dir_okay=False)],
    text: Annotated[str, typer.Option(help="Words that occur in path, note, model or class.")] = "",
    task: Task = None,
    same: Same = None,
    reading: Reading = None,
    limit: Limit = 1_000_000,
) -> None:
    """Write records as a table."""
    from core.exports.history_table import write_history

    write_history(file, _found(text, task, same, reading, limit))


@history_app.command("review")
def review_record(
    number: Annotated[int, typer.Argument(help="The record's number.")],
    reading: Annotated[str, typer.Argument(help="Your reading: a class, other or not_assessable.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Record your reading of an image."""
    from core.models.catalogue import read_catalogue
    from core.records.history import History
    from core.records.review import Review, reading_named
    from core.tasks import get_task

    read_catalogue()  # it brings the tasks of imported models
    with History() as history:
        named = reading_named(get_task(history.record(number).task), reading)
        history.review(number, Review(named, note))


@history_app.command("clear")
def clear_records(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete all records for good."""
    from core.records.history import History

    with History() as history:
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("Deleting the history has to be confirmed.", remedy="Add --yes.")
            typer.confirm(f"Delete all {history.count()} records?", abort=True)
        typer.echo(f"{history.clear()} records deleted.")


def _found(text: str, task: str | None, same: bool | None, reading: str | None, limit: int) -> Iterator[Analysis]:
    from core.records.history import History, Query

    with History() as history:
        if history.notice:
            typer.echo(history.notice, err=True)
        yield from history.find(Query(text, task, same, reading, limit=limit))
