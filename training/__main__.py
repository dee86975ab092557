"""The researcher's door: ``python -m training``, also installed as ``twinlens-train``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from core.door import run
from core.runtime import RuntimeChoice
from training.evaluate import Evaluation, Scores, evaluate
from training.train_commands import distill, teacher, throughput

app = typer.Typer(
    help="Make and measure the weights. For research use only, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options() -> None:
    """Options of all commands."""


app.command()(teacher)
app.command()(distill)
app.command()(throughput)


@app.command("evaluate")
def evaluate_command(
    bundle: Annotated[
        str, typer.Argument(help="A bundle's folder, or its identifier such as chest-xray/student-ofa595.")
    ],
    data: Annotated[Path, typer.Option(help="A folder with a manifest.csv.", file_okay=False)],
    split: Annotated[str, typer.Option(help="Which split to score.")] = "test",
    runtime: Annotated[RuntimeChoice, typer.Option(help="Which runtime computes.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="CPU threads.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a bundle on labelled images, the way a user gets its answers."""
    from core.bundle import read_bundle
    from core.catalogue import read_catalogue
    from core.console import Progress
    from training.datasets import of_split, read_manifest

    found = read_catalogue().bundles.get(bundle) or read_bundle(Path(bundle))
    total = len(of_split(read_manifest(data), split, found.card.classes))
    with Progress("Scoring", total) as shown:
        measured = evaluate(found, data, split, runtime, threads, progress=lambda image: shown.advance(image.name))
    typer.echo(json.dumps(measured.as_dict(), indent=2) if as_json else _lines(measured))


@app.command("check-data")
def check_data_command(
    folder: Annotated[
        Path, typer.Argument(help="The data set: COVID-QU-Ex, LC25000, a manifest.csv, or class folders.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the report here, as Markdown.", dir_okay=False)] = None,
) -> None:
    """Count, find leaks, duplicates, damaged files and shortcuts; ends with 1 if the data set has errors."""
    from training.check_data import run_check

    raise typer.Exit(run_check(folder, as_json, report))


def _lines(measured: Evaluation) -> str:
    rows = [("all", measured.overall), *measured.subgroups.items()]
    width = max(len(name) for name, _ in rows)
    head = f"{measured.bundle} on {measured.data} ({measured.split}), {measured.runtime}"
    return "\n".join([head, *(f"  {name:<{width}}  {_scores(scores)}" for name, scores in rows)])


def _scores(scores: Scores) -> str:
    return (
        f"{scores.images:5d} images  accuracy {100 * scores.accuracy:6.2f} %  macro F1 {100 * scores.macro_f1:6.2f} %  "
        f"ECE {scores.ece:.3f}"
    )


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
