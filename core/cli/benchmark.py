"""``python -m core benchmark``: measure this machine, and tell what became slower."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.files import find
from core.errors import TwinlensError, UsageError
from core.system.extras import how_to_add

if TYPE_CHECKING:
    from core.benchmarks.results import Report
    from core.models.catalogue import Catalogue

STOPPED, TERMINATED = 130, 143  # exit codes of Ctrl-C and SIGTERM


def benchmark(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer runs, under three minutes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Only measure latency, score-cam, start, memory or counts.")
    ] = None,
    folder: Annotated[
        list[str] | None, typer.Option(help="Only measure how fast these images or folders are compared.")
    ] = None,
    fidelity: Annotated[
        list[str] | None, typer.Option(help="Only measure how close Score-CAM's maps come, on these images or folders.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model for --fidelity.")] = "chest-xray/student-ofa595",
    every: Annotated[int, typer.Option(min=1, help="Take every so many-th image for --folder and --fidelity.")] = 1,
    report: Annotated[int | None, typer.Option(min=1, help="Only write a PDF report of so many images.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write JSON, table and plot into this folder, as far as they are.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Tell what became slower than in this result (JSON); exit code 1 if anything.")
    ] = None,
    read: Annotated[Path | None, typer.Option(help="Measure nothing: take this result (JSON).")] = None,
) -> None:
    """Measure latency, Score-CAM, start-up and memory on this machine; when stopped, what was measured is kept."""
    from core.benchmarks.regressions import changes, changes_table
    from core.benchmarks.results import markdown, read_report
    from core.models.catalogue import read_catalogue

    before = None if compare is None else read_report(compare)
    catalogue = read_catalogue()
    if fidelity is not None:
        _fidelity(catalogue, model, list(find(fidelity))[::every], as_json=as_json)
        return
    if report is not None:
        _report(catalogue, report, as_json=as_json)
        return
    if read is not None:
        found, code = read_report(read), 0
    else:
        found, code = _measured(catalogue, only, list(find(folder))[::every] if folder else [], quick=quick, out=out)
    if out is not None:
        _write(found, out, plotted=True)
    typer.echo(found.as_json() if as_json else markdown(found))
    if before is not None:
        seen = changes(before, found)
        typer.echo(f"\n{changes_table(seen)}", err=as_json)
        code = code or int(any(change.verdict == "worse" for change in seen))
    if code:
        raise typer.Exit(code)


def _measured(
    catalogue: Catalogue, only: list[str] | None, images: list[Path], *, quick: bool, out: Path | None
) -> tuple[Report, int]:
    """Measure, and return what was measured and the exit code: not 0 if it was stopped."""
    from core.benchmarks import suite
    from core.benchmarks.folder import folder_speed
    from core.benchmarks.results import Report
    from core.cli.output import Progress

    if unknown := set(only or ()) - set(suite.PARTS):
        raise UsageError(f"There is no part {unknown.pop()!r}.", remedy=f"The parts are {', '.join(suite.PARTS)}.")
    found = Report(suite.machine())
    with ExitStack() as stack:
        terminated = stack.enter_context(_stopped_by_sigterm())
        shown = stack.enter_context(Progress())
        try:
            if images:
                for row in folder_speed(catalogue, images):
                    found.folder.append(row)
                    _write(found, out)
            else:
                parts, progress = only or suite.PARTS, partial(shown.show, "Comparing")
                for _what in suite.measure(found, catalogue, parts, quick=quick, progress=progress):
                    _write(found, out)
                if "counts" in parts and not quick and not any(count.of for count in found.counts):
                    typer.echo("Instructions were not counted: Valgrind is not installed, or failed.", err=True)
        except KeyboardInterrupt:
            found.complete = False
            return found, TERMINATED if terminated() else STOPPED
        except TwinlensError as error:  # what was measured before is worth having
            found.complete = False
            typer.echo(f"Error: {error}", err=True)
            return found, 1
    return found, 0


@contextmanager
def _stopped_by_sigterm() -> Iterator[Callable[[], bool]]:
    """Have SIGTERM stop the work as Ctrl-C does; yield whether it did."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGTERM, before)


def _write(found: Report, out: Path | None, *, plotted: bool = False) -> None:
    """Write JSON and table into a folder, if one is wanted, and the plot where matplotlib is installed."""
    from core.benchmarks.results import markdown
    from core.system.atomic_files import written_whole

    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (("benchmark.json", found.as_json()), ("benchmark.md", markdown(found))):
        with written_whole(out / name) as file:
            file.write(f"{text}\n")
    if plotted and found.score_cam:
        if find_spec("matplotlib") is None:
            typer.echo(f"No plot was drawn: matplotlib is not installed. {how_to_add('train')}", err=True)
            return
        from core.benchmarks.plot import plot

        plot(found, out / "benchmark.svg")


def _report(catalogue: Catalogue, images: int, *, as_json: bool) -> None:
    from core.benchmarks.report import measure
    from core.benchmarks.suite import machine

    found = measure(catalogue, images)
    typer.echo(json.dumps(asdict(found), indent=2) if as_json else f"{machine().line()}\n\n{found.line()}")


def _fidelity(catalogue: Catalogue, model: str, images: list[Path], *, as_json: bool) -> None:
    from core.benchmarks.fidelity import fidelity, fidelity_table
    from core.benchmarks.suite import machine
    from core.cli.output import Progress

    if model not in catalogue.bundles:
        raise UsageError(f"There is no model {model!r}.", remedy=f"Installed are {', '.join(catalogue.bundles)}.")
    with Progress("Explaining", len(images)) as shown:
        found = fidelity(catalogue.bundles[model], images, shown.advance)
    where = machine()
    figures = {"machine": asdict(where), **asdict(found)}
    typer.echo(json.dumps(figures, indent=2) if as_json else fidelity_table(where, found.rows, found.stop))
