"""``python -m core quality``: how good the heat maps of models are, on the images of a folder."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import TwinlensError, UsageError
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import known_runtime, runtime_choices

if TYPE_CHECKING:
    from core.models.bundle import Bundle
    from core.quality.run import QualityReport

JSON_FILE, PAGE_FILE = "quality.json", "quality.md"
STOPPED = 3  # exit code where a run was stopped before its end, as of a training run


def quality(
    models: Annotated[list[str], typer.Argument(help="Identifiers of bundles, or their folders; all of one task.")],
    data: Annotated[Path, typer.Option(help="Folder of images: class folders or a manifest.csv.", file_okay=False)],
    methods: Annotated[
        str, typer.Option(help="How maps are made, with commas between: fast, exact, Grad-CAM, …; all for all.")
    ] = "fast,Grad-CAM",
    measures: Annotated[
        str,
        typer.Option(help="faithfulness, localisation, stability, randomisation, complexity; all for all."),
    ] = "all",
    images: Annotated[
        int, typer.Option(min=1, help="So many images, each class with its share; all if there are no more.")
    ] = 50,
    costly: Annotated[
        int, typer.Option(min=0, help="Of how many of them stability and random weights are measured.")
    ] = 4,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="These also for methods with a forward for every feature map: hours.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    dataset: Annotated[str | None, typer.Option(help="The images in words, for page and card.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for page, JSON and plots; a run that was stopped resumes there.", file_okay=False),
    ] = None,
    write_card: Annotated[bool, typer.Option("--write-card", help="Store the figures in the models' cards.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    runtime: Annotated[
        RuntimeChoice,
        typer.Option(help=f"Which runtime computes: {', '.join(runtime_choices())}.", callback=known_runtime),
    ] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="CPU threads.")] = None,
) -> None:
    """Measure how faithful, stable and well placed the heat maps of models are; Ctrl+C ends it with what there is."""
    from core.cli.output import Progress
    from core.quality.explainers import chosen_explainers, explainers
    from core.quality.measures import GROUPS, chosen_groups
    from core.quality.run import Request, measure_quality
    from core.reports.map_quality import quality_page

    bundles = _bundles(models)
    asked = Request(
        bundles=tuple(bundles),
        data=_folder(data, out),
        explainers=tuple(chosen_explainers(explainers() if methods.strip() == "all" else methods.split(","))),
        groups=GROUPS if measures.strip() == "all" else chosen_groups(measures.split(",")),
        images=images,
        costly_images=costly,
        seed=seed,
        exhaustive=exhaustive,
        runtime=runtime,
        threads=threads,
    )
    with Progress("Measuring") as shown:
        report = measure_quality(asked, out, lambda name, done, total: shown.show("Measuring", done, total, name))
    if not report.measured and not report.stopped:
        reasons = "; ".join(report.failures[:3])
        raise TwinlensError(f"No image could be measured: {reasons}.", path=data, remedy="Choose other images.")
    called, machine = dataset or report.data, _machine()
    found = {"dataset": called, "machine": machine, **asdict(report)}
    if out is not None:
        _write(report, found, out, called, machine)
    if write_card and not report.stopped:
        _write_cards(bundles, report, called, machine)
    page = json.dumps(found, indent=2, ensure_ascii=False) if as_json else quality_page(report, called, machine)
    typer.echo(page.removesuffix("\n"))
    if report.stopped:
        resume = "; the same command resumes" if out is not None else ""
        typer.echo(f"Stopped after {report.measured} of {report.wanted} images{resume}.", err=True)
        raise typer.Exit(STOPPED)
    if report.failures:
        typer.echo(f"{len(report.failures)} of the measurements failed; the page lists them.", err=True)
        raise typer.Exit(1)


def _bundles(names: Iterable[str]) -> list[Bundle]:
    """Return the models of these identifiers or folders, each once."""
    from core.models.bundle import read_bundle
    from core.models.catalogue import read_catalogue

    installed = read_catalogue().bundles
    found = {bundle.id: bundle for bundle in (installed.get(name) or read_bundle(Path(name)) for name in names)}
    return list(found.values())


def _folder(data: Path, out: Path | None) -> Path:
    """Return the data folder.

    Raises:
        UsageError: if it is none, or the results would lie among the images.
    """
    if not data.is_dir():
        raise UsageError("There is no such folder.", path=data, remedy="Give the folder of the images to --data.")
    if out is not None and out.resolve().is_relative_to(data.resolve()):
        raise UsageError("The results would lie among the images.", path=out, remedy="Choose another folder for --out.")
    return data


def _machine() -> str:
    """Return what this machine is, in a sentence; without torch or OpenVINO less of it is known."""
    from core.system.cpu_count import usable_cpus

    try:
        from core.benchmarks.suite import machine

        return machine().line()
    except ImportError:
        return f"Machine: {platform.processor() or platform.machine()}, {usable_cpus()} cores."


def _write(report: QualityReport, found: dict[str, object], out: Path, dataset: str, machine: str) -> None:
    from core.reports.map_quality import quality_page
    from core.reports.map_quality_plots import can_plot, write_plots
    from core.system.atomic_files import written_whole

    plots = write_plots(report, out) if can_plot() else []
    with written_whole(out / JSON_FILE) as file:
        file.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    with written_whole(out / PAGE_FILE) as file:
        file.write(quality_page(report, dataset, machine, plots))
    if not plots and not can_plot():
        typer.echo("No plots were made: matplotlib is not installed (extra 'train').", err=True)


def _write_cards(bundles: list[Bundle], report: QualityReport, dataset: str, machine: str) -> None:
    from core.models.card_file import replace_card
    from core.quality.card_section import map_quality

    for bundle in bundles:
        part = map_quality(report, bundle.id, dataset, machine, date.today())
        if part is not None:
            replace_card(bundle, bundle.card.model_copy(update={"map_quality": part}))
            typer.echo(f"Stored in the card of {bundle.id}", err=True)
