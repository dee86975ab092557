"""What the headless door shows: a comparison in four lines, and progress that suits a terminal or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.architectures import get_architecture
from core.tasks import get_task

RUNTIME_NAMES = {"openvino": "OpenVINO", "torch": "torch"}


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show progress on standard error: a bar with the time left on a terminal, nothing in a pipe.

    Args:
        what: what is under way, in a word.
        total: number of steps.

    Yields:
        A function to call after each step with the step's name.
    """
    if total < 2 or not sys.stderr.isatty():
        yield lambda _name: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda name: bars.update(bar, advance=1, description=f"{what} {escape(name)[:40]}")


def summary(record: dict[str, Any]) -> str:
    """Return a comparison's record in lines for a person."""
    if record["error"] is not None:
        return f"✗ {record['error']}"
    task = get_task(record["task"])
    lines = [f"{record['path']}  ({task.name})"]
    for side in ("teacher", "student"):
        answer = record[side]
        name = get_architecture(answer["model"].split("-")[-1]).name
        chances = sorted(answer["probabilities"].items(), key=lambda item: -item[1])
        said = " · ".join(f"{task.class_name(label)} {100 * p:.1f} %" for label, p in chances)
        where = f"{RUNTIME_NAMES[answer['runtime']]} · {answer['device']}"
        lines.append(f"  {side} {name:<9} {said}  ({milliseconds(answer['latency_ms'])} · {where})")
    agreement = record["agreement"]
    first = task.class_name(record["teacher"]["predicted"])
    verdict = f"✓ both say {first}" if agreement["same_class"] else "≠ they disagree"
    facts = [verdict, f"divergence {agreement['js_divergence']:.3f} bit"]
    if agreement["cam_iou20"] is not None:
        facts.append(
            f"maps for {first}: overlap {agreement['cam_iou20']:.2f}, correlation {agreement['cam_pearson']:.2f}"
        )
    facts.append(f"student {agreement['speed_ratio']:.1f}× faster, {agreement['size_ratio']:.1f}× smaller")
    lines.append("  " + " · ".join(facts))
    lines += [f"  note: {notice}" for notice in record["notices"]]
    return "\n".join(lines)


def milliseconds(value: float) -> str:
    """Return a time in the unit that keeps two or three digits."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"
