"""The commands of ``python -m core``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from core import __version__
from core.cli.benchmark import benchmark
from core.cli.card import card
from core.cli.deploy import export
from core.cli.files import find
from core.cli.history import history_app
from core.cli.monitor import monitor
from core.cli.own_models import OWN_MODELS, Stated, import_own
from core.cli.own_models import inspect as look_into
from core.cli.quality import quality
from core.cli.runner import run
from core.compare.comparison import CamMode
from core.errors import UsageError
from core.reports.layout import PaperSize
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import known_runtime, runtime_choices

app = typer.Typer(
    help="Teacher and distilled student side by side, without a screen. For research use only, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(history_app, name="history")
app.command()(benchmark)
app.command()(export)
app.command()(quality)
app.command()(card)
app.command()(monitor)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Runtime = Annotated[
    RuntimeChoice,
    typer.Option(help=f"Which runtime computes: {', '.join(runtime_choices())}.", callback=known_runtime),
]
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
    from core.cli.models import describe, print_table
    from core.compare.figures import as_dict
    from core.models.catalogue import read_catalogue

    catalogue = read_catalogue()
    rows = [describe(bundle) for bundle in catalogue.bundles.values()]
    if as_json:
        broken = [str(error) for error in catalogue.broken]
        typer.echo(
            json.dumps({"models": [as_dict(row) for row in rows], "broken": broken}, indent=2, ensure_ascii=False)
        )
    else:
        print_table(rows)
        for error in catalogue.broken:
            typer.echo(f"Not usable: {error}", err=True)
    if catalogue.broken or any(row.checksum != "ok" for row in rows):
        raise typer.Exit(1)


@app.command()
def compare(
    images: Annotated[list[str], typer.Argument(help="Images, folders or patterns such as 'scans/*.dcm'.")],
    task: Annotated[
        str | None, typer.Option(help="Task; by default the one whose images each image resembles.")
    ] = None,
    teacher: Annotated[str | None, typer.Option(help="Teacher network, e.g. vgg19.")] = None,
    student: Annotated[str | None, typer.Option(help="Student network, e.g. ofa595.")] = None,
    cam: Annotated[CamMode, typer.Option(help="Score-CAM: clustered, every map, or none.")] = "fast",
    csv: Annotated[Path | None, typer.Option(help="Write a table to this file.", dir_okay=False)] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="Write records as JSON lines to this file.", dir_okay=False)
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a PDF report to this file.", dir_okay=False)] = None,
    paper: Annotated[PaperSize, typer.Option(help="Paper of the report.")] = "A4",
    impression: Annotated[str, typer.Option(help="Text for the report's field of that name.")] = "",
    institution: Annotated[str, typer.Option(help="Department or hospital at the head of the report.")] = "",
    reader: Annotated[str, typer.Option(help="Who reads the images, beside the report's signature.")] = "",
    logo: Annotated[
        Path | None, typer.Option(help="PNG or JPEG file at the head of the report.", exists=True, dir_okay=False)
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write overlays and raw heat maps into this folder.", file_okay=False)
    ] = None,
    dicom: Annotated[
        Path | None, typer.Option(help="Write DICOM results into this folder, for DICOM images.", file_okay=False)
    ] = None,
    write: Annotated[
        list[str] | None, typer.Option(metavar="FORMAT=PLACE", help="Write any export format, e.g. csv=out.csv.")
    ] = None,
    hide_names: Annotated[bool, typer.Option("--hide-names", help="Call images by numbers in all files.")] = False,
    with_identity: Annotated[
        bool, typer.Option("--with-identity", help="Carry the patient's identity into report and DICOM results.")
    ] = False,
    with_hidden: Annotated[
        bool, typer.Option("--with-hidden", help="Show also hidden predictions, for images outside the training data.")
    ] = False,
    labelled: Annotated[
        bool,
        typer.Option("--labelled", help="Score against labels: names of folders, or a manifest.csv."),
    ] = False,
    history: Annotated[bool, typer.Option(help="Record the comparisons in the history.")] = True,
    as_json: AsJson = False,
    runtime: Runtime = "auto",
    threads: Threads = None,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Times each forward is run; the median counts.")] = 1,
    region: Annotated[str, typer.Option(help="Of a whole slide: x,y,w,h in pixels of its full resolution.")] = "",
    grid: Annotated[
        int | None, typer.Option(min=64, help="Side of the fields of a whole slide, in such pixels.")
    ] = None,
) -> None:
    """Compare teacher and student on each image, or on parts of whole slides."""
    from contextlib import ExitStack

    from core.cli.output import Progress, Totals, summary
    from core.cli.slides import examine_all, stated_parts
    from core.compare.record import Record, write_json
    from core.compare.session import Choice, ComparisonSession
    from core.exports.batch import Outputs
    from core.exports.format import Wanted
    from core.models.catalogue import read_catalogue
    from core.reports.letterhead import letterhead
    from core.tasks import get_task

    catalogue = read_catalogue()  # it brings the tasks that tables have columns for
    if task is not None:
        get_task(task)
    paths, parts = list(find(images)), stated_parts(region, grid)
    session, choice = ComparisonSession(catalogue), Choice(task, teacher, student, cam, runtime, threads)
    named = {"csv": csv, "jsonl": jsonl, "maps": export, "report": report, "dicom": dicom}
    places = {name: place for name, place in named.items() if place is not None} | dict(map(_place, write or ()))
    wanted = Wanted(
        places=places, task=task, paper=paper, impression=impression, letterhead=letterhead(institution, reader, logo),
        hide_names=hide_names, with_identity=with_identity, with_hidden=with_hidden, labelled=labelled,
        history=history,
    )  # fmt: skip
    settings = {"cam": cam, "runtime": runtime, "threads": threads, "repeats": repeats}
    totals = Totals()
    with ExitStack() as stack:
        outputs = stack.enter_context(Outputs(wanted, settings))
        shown = stack.enter_context(Progress("Comparing", len(paths)))

        def records() -> Iterator[Record]:
            for found in examine_all(
                session, paths, choice, parts, catalogue, repeats=repeats, with_identity=with_identity
            ):
                totals.add(found.record)
                outputs.add(found)
                shown.advance(Path(found.record.path).name)
                yield found.record

        if as_json:
            write_json(records(), sys.stdout)
        else:
            for record in records():
                shown.say(summary(record, with_hidden=with_hidden))
            if totals.images > 1:
                shown.say(totals.line())
    for line in outputs.remarks:
        typer.echo(line, err=True)
    if totals.unread:
        typer.echo(f"{totals.unread} of {totals.images} images could not be read.", err=True)
    if totals.unread or outputs.failed:
        raise typer.Exit(1)


@app.command(name="import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="A bundle (folder or .zip), an .onnx file, or weights of a network of timm (.safetensors)."
        ),
    ],
    classes: Annotated[str, typer.Option(help="Your own model: its labels in the order of its outputs: A,B,C.")] = "",
    task: Annotated[str, typer.Option(help="Your own model: an installed task.")] = "",
    new_task: Annotated[str, typer.Option(help="Your own model: the name of a new task with its classes.")] = "",
    grey: Annotated[bool, typer.Option("--grey", help="The new task's images are grey.")] = False,
    role: Annotated[str, typer.Option(help="Your own model: teacher or student.")] = "student",
    name: Annotated[str, typer.Option(help="Your own model: its name; for weights of timm, timm's.")] = "",
    size: Annotated[int, typer.Option(help="Your own model: side of its input in pixels, where the file is open.")] = 0,
    mean: Annotated[str, typer.Option(help="Your own model: mean of each channel, in [0, 1].")] = "",
    std: Annotated[str, typer.Option(help="Your own model: deviation of each channel.")] = "",
    tensor: Annotated[str, typer.Option(help="Your own model: the value that heat maps are made of, or none.")] = "",
    calibrate: Annotated[Path | None, typer.Option(help="Your own model: images in a folder for each class.")] = None,
    inspect: Annotated[bool, typer.Option("--inspect", help="Your own model: only say what it is, as JSON.")] = False,
    label: Annotated[
        str, typer.Option(help="A bundle: installs it beside others of its network, under this label.")
    ] = "",
) -> None:
    """Verify a model bundle and copy it to your own; or make a network of your own a bundle."""
    from core.models.catalogue import import_bundle, read_provenance
    from core.runtimes.load import load_runtime

    if inspect:
        typer.echo(json.dumps(look_into(source, size)))
        return
    if source.suffix.lower() in OWN_MODELS:
        said = Stated(classes, task, new_task, grey, role, name, size, mean, std, tensor)
        for line in import_own(source, said, calibrate):
            typer.echo(line)
        return
    origin = read_provenance(source)
    bundle = import_bundle(source, load_runtime, label)
    typer.echo(f"Imported {bundle.id} ({origin.name}) to {bundle.directory}")
    typer.echo(f"  made by {origin.made_by}, {origin.made_on}; trained on {origin.data}; licence {origin.licence}")
    typer.echo(f"  SHA-256 of the weights {origin.digest}")
    if origin.replaces and not label:
        typer.echo(f"  It stands in for the {origin.replaces} bundle of that name.")
    if not bundle.has_graph:
        typer.echo(f"  It has no graph, so it needs torch, and is slower: python -m core upgrade {bundle.id}")


@app.command()
def upgrade(
    bundles: Annotated[list[str] | None, typer.Argument(help="Bundles: identifiers, or folders.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All installed bundles that have no graph.")] = False,
) -> None:
    """Give bundles of older versions a graph, with which they run without torch; torch is needed for this once."""
    from core.models.bundle import read_bundle
    from core.models.bundle_writing import upgrade_bundle
    from core.models.catalogue import read_catalogue
    from core.runtimes.load import load_runtime, runtime_name

    catalogue = read_catalogue()
    if bool(bundles) == every:
        raise UsageError("What is to be upgraded?", remedy="Name bundles, or give --all.")
    older = [bundle for bundle in catalogue.bundles.values() if not bundle.has_graph]
    named = [catalogue.bundles.get(name) or read_bundle(Path(name)) for name in bundles or ()]
    for bundle in older if every else named:
        runtime = load_runtime(upgrade_bundle(bundle))
        typer.echo(f"{bundle.id} has a graph, which {runtime_name(runtime.name)} runs")


@app.command(name="label")
def label_(
    bundle: Annotated[str, typer.Argument(help="Identifier of a bundle of your own, as models lists it.")],
    label: Annotated[str, typer.Argument(help="The label; none takes it off.")] = "",
) -> None:
    """Give a model bundle of your own a label, so that another of its network can be installed beside it."""
    from core.models.catalogue import relabel_bundle

    typer.echo(f"{bundle} is now {relabel_bundle(bundle, label).id}")


@app.command()
def remove(
    bundle: Annotated[str, typer.Argument(help="Identifier of a bundle of your own, as models lists it.")],
) -> None:
    """Remove a model bundle of your own; those that came with Twinlens stay."""
    from core.models.catalogue import remove_bundle

    remove_bundle(bundle)
    typer.echo(f"Removed {bundle}")


@app.command(name="decode", hidden=True)
def _decode() -> None:
    """Decode compressed DICOM pixels that come on standard input, for another process of Twinlens."""
    from core.images.gdcm_worker import serve

    serve()


@app.command(name="explain", hidden=True)
def _explain() -> None:
    """Make class activation maps of images that come on standard input, for another process of Twinlens."""
    from core.explain.cam_worker import serve

    serve()


def _place(argument: str) -> tuple[str, Path]:
    """Return the format and the place that ``FORMAT=PLACE`` names.

    Raises:
        UsageError: if it names none.
    """
    name, sign, place = argument.partition("=")
    if not sign or not place:
        raise UsageError(f"{argument!r} names no format and place.", remedy="Write it as FORMAT=PLACE.")
    return name, Path(place)


def main() -> None:
    """Run the command line."""
    run(app)
