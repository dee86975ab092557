"""The headless door: ``python -m core``, also installed as ``twinlens-cli``."""

from __future__ import annotations

import glob
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core import __version__
from core.comparison import CamMode
from core.door import run
from core.errors import UsageError
from core.runtime import RuntimeChoice

if TYPE_CHECKING:
    from core.catalogue import Catalogue

app = typer.Typer(
    help="Teacher and distilled student side by side, without a screen. For research use only, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Runtime = Annotated[RuntimeChoice, typer.Option(help="Which runtime computes.")]
Threads = Annotated[int | None, typer.Option(min=1, max=256, help="CPU threads.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Twinlens {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Options of all commands."""


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the installed models with their scores and the state of their files."""
    from core.catalogue import read_catalogue
    from core.model_table import describe, print_table

    catalogue = read_catalogue()
    rows = [describe(bundle) for bundle in catalogue.bundles.values()]
    if as_json:
        broken = [str(error) for error in catalogue.broken]
        typer.echo(json.dumps({"models": rows, "broken": broken}, indent=2, ensure_ascii=False))
    else:
        print_table(rows)
        for error in catalogue.broken:
            typer.echo(f"Not usable: {error}", err=True)
    if catalogue.broken or any(row["checksum"] != "ok" for row in rows):
        raise typer.Exit(1)


@app.command()
def compare(
    images: Annotated[list[str], typer.Argument(help="Images, folders or patterns such as 'scans/*.dcm'.")],
    task: Annotated[str | None, typer.Option(help="Task; by default told from each image's colour.")] = None,
    teacher: Annotated[str | None, typer.Option(help="Teacher network, e.g. vgg19.")] = None,
    student: Annotated[str | None, typer.Option(help="Student network, e.g. ofa595.")] = None,
    cam: Annotated[CamMode, typer.Option(help="Score-CAM: clustered, every map, or none.")] = "fast",
    csv: Annotated[Path | None, typer.Option(help="Write a table to this file.", dir_okay=False)] = None,
    as_json: AsJson = False,
    runtime: Runtime = "auto",
    threads: Threads = None,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Times each forward is run; the median counts.")] = 1,
) -> None:
    """Show what teacher and student say about each image."""
    from contextlib import ExitStack

    from core.batch import BatchComparer, CsvTable, Record, write_json, written_whole
    from core.catalogue import read_catalogue
    from core.console import Progress, summary
    from core.tasks import get_task

    if task is not None:
        get_task(task)
    paths = list(_find(images))
    comparer = BatchComparer(read_catalogue(), task, teacher, student, cam, runtime, threads, repeats)
    unread = 0
    with ExitStack() as stack:
        table = None if csv is None else CsvTable(stack.enter_context(written_whole(csv)), task)
        shown = stack.enter_context(Progress("Comparing", len(paths)))

        def records() -> Iterator[Record]:
            nonlocal unread
            for path in paths:
                record = comparer.compare_file(path)
                unread += record["error"] is not None
                if table is not None:
                    table.add(record)
                shown.advance(path.name)
                yield record

        if as_json:
            write_json(records(), sys.stdout)
        else:
            for record in records():
                shown.say(summary(record))
    if unread:
        typer.echo(f"{unread} of {len(paths)} images could not be read.", err=True)
        raise typer.Exit(1)


@app.command()
def benchmark(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer runs, under three minutes.")] = False,
    as_json: AsJson = False,
    fidelity: Annotated[
        list[str] | None, typer.Option(help="Only measure how close Score-CAM's maps come, on these images or folders.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model for --fidelity.")] = "chest-xray/student-ofa595",
    every: Annotated[int, typer.Option(min=1, help="Take every so many-th image for --fidelity.")] = 1,
) -> None:
    """Measure latency, Score-CAM, start-up and memory on this machine."""
    from core import benchmark as bench
    from core.catalogue import read_catalogue
    from core.console import Progress

    catalogue = read_catalogue()
    if fidelity is not None:
        _fidelity(catalogue, model, list(_find(fidelity))[::every], as_json=as_json)
        return
    images = 100 if quick else 1000
    rows = bench.latency(list(catalogue.bundles.values()), runs=10 if quick else 50)
    with Progress("Comparing", images) as shown:
        memory = bench.memory(catalogue, images, lambda i: shown.advance(str(i)))
    maps = bench.score_cam_speed(catalogue, quick=quick)
    report = bench.Report(bench.machine(), rows, bench.ratios(rows), maps, bench.startup(), memory)
    typer.echo(json.dumps(asdict(report), indent=2) if as_json else bench.markdown(report))


def _fidelity(catalogue: Catalogue, model: str, images: list[Path], *, as_json: bool) -> None:
    from core.benchmark import fidelity_table, machine
    from core.cam_benchmark import fidelity
    from core.console import Progress

    if model not in catalogue.bundles:
        raise UsageError(f"There is no model {model!r}.", remedy=f"Installed are {', '.join(catalogue.bundles)}.")
    with Progress("Explaining", len(images)) as shown:
        rows = fidelity(catalogue.bundles[model], images, shown.advance)
    found = {"machine": asdict(machine()), "rows": [asdict(row) for row in rows]}
    typer.echo(json.dumps(found, indent=2) if as_json else fidelity_table(machine(), rows))


def _find(arguments: list[str]) -> Iterator[Path]:
    """Yield the images that the arguments name; a pattern is expanded here where the shell has not done it.

    Raises:
        UsageError: if they name none.
    """
    from core.images import find_images

    named: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        pattern = glob.has_magic(argument) and not path.exists()
        matches = glob.glob(argument, recursive=True) if pattern else []  # noqa: PTH207 - it may be an absolute one
        named += [Path(match) for match in sorted(matches)] or [path]
    found = list(find_images(named))
    if not found:
        raise UsageError(
            f"There are no images in {', '.join(arguments)}.", remedy="PNG, JPEG, TIFF, BMP and DICOM files are opened."
        )
    yield from found


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
