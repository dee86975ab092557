"""``python -m core monitor``: whether the analyses of the history change over the weeks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.monitoring.monitor import Stream

LAST = 6  # weeks that are printed; JSON has all


def monitor(
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    reference: Annotated[int, typer.Option(min=1, help="The first so many weeks with a figure are its reference.")] = 4,
    false_alarms: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Share of weeks without a change that may have an alarm.")
    ] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare each week of the history with its first weeks; an alarm marks what differs by more than chance."""
    from core.monitoring.monitor import Rule, monitor_history
    from core.records.history import History

    rule = Rule(reference, false_alarms)
    with History() as history:
        if history.notice:
            typer.echo(history.notice, err=True)
        streams = monitor_history(history, rule, task)
    if as_json:
        found = {
            "reference_weeks": reference,
            "false_alarms": false_alarms,
            "rule": rule.words(),
            "streams": [stream.as_dict() for stream in streams],
        }
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not streams:
        typer.echo("Nothing has been recorded yet.")
        return
    typer.echo(rule.words())
    for stream in streams:
        typer.echo("\n" + "\n".join(_lines(stream)))


def _lines(stream: Stream) -> list[str]:
    """Return a stream as a table of its last weeks, and below it the alarms of all."""
    shown = stream.weeks[-LAST:]
    rows = [["", "reference", *(f"{week:%d %b}" for week in shown)]]
    for trend in stream.trends:
        weeks = {week.begins: week for week in trend.weeks}
        cells = [trend.quantity.words(trend.reference) if trend.reference is not None else "–"]
        for begins in shown:
            week = weeks.get(begins)
            cells.append("–" if week is None else trend.quantity.words(week.value) + (" ⚠" if week.alarm else ""))
        rows.append([trend.quantity.name, *cells])
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    table = [
        "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))])
        for name, *cells in rows
    ]
    counted = f"{stream.images:,} images in {len(stream.weeks)} weeks"
    head = f"{stream.task}: {stream.teacher} and {stream.student}, {counted}"
    return [head, *(line.rstrip() for line in table), *(f"⚠ {alarm}" for alarm in stream.alarms)]
