"""The command line: ``python -m training``, also installed as ``twinlens-train``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.cli.runner import run
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import known_runtime, runtime_choices
from core.system.extras import require
from training.campaign.make_all import make_all
from training.campaign.shortcut import shortcut
from training.cli.hold_out import hold_out
from training.cli.new_task import new_task
from training.cli.train import EventsOption, MapOption, TaskOption, distill, outline, task_override, teacher, throughput
from training.data.border_scores import border_words
from training.data.label_map import parse_label_map
from training.evaluation.evaluate import evaluate
from training.evaluation.scores import Evaluation, Scores
from training.loop.malloc import keep_freed_memory
from training.runs.networks import find_bundle

app = typer.Typer(
    help="Train, evaluate and publish models. For research use only, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


Data = Annotated[Path, typer.Option(help="The data set's folder.", file_okay=False)]
Engine = Annotated[
    RuntimeChoice,
    typer.Option(help=f"Which runtime computes: {', '.join(runtime_choices())}.", callback=known_runtime),
]
Threads = Annotated[int | None, typer.Option(min=1, max=256, help="CPU threads.")]


@app.callback()
def options() -> None:
    """Options of all commands."""
    if "--help" not in sys.argv:
        require("train", "Training")


app.command()(teacher)
app.command()(distill)
app.command()(outline)
app.command()(throughput)
app.command("make-all")(make_all)
app.command()(shortcut)
app.command("new-task")(new_task)
app.command("hold-out")(hold_out)


@app.command("evaluate")
def evaluate_command(
    bundle: Annotated[
        str, typer.Argument(help="A bundle's or run's folder, or an identifier such as chest-xray/student-ofa595.")
    ],
    data: Data,
    split: Annotated[str, typer.Option(help="Which split to score.")] = "test",
    teacher: Annotated[str | None, typer.Option(help="A bundle to compare the predictions with.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with plots to this .md file.")] = None,
    label_map: MapOption = None,
    runtime: Engine = "auto",
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a model on labelled images, computed as in the program. A run's test scores are kept in its folder."""
    from core.cli.output import Progress
    from training.evaluation.run_evaluation import write_evaluation
    from training.runs.finished import is_run

    labels = parse_label_map(label_map or [])
    found = find_bundle(bundle)
    other = None if teacher is None else find_bundle(teacher)
    with Progress() as bars:
        measured = evaluate(found, data, split, runtime, threads, bars.show, other, labels)
    if is_run(found.directory) and split == "test":  # what publishing asks for, and what tables of runs show
        write_evaluation(found.directory, data, measured)
    if report is not None:
        from training.evaluation.report import write_report

        write_report(measured, report)
    typer.echo(json.dumps(measured.as_dict(), indent=2) if as_json else _lines(measured))


@app.command("check-data")
def check_data_command(
    folder: Annotated[
        Path, typer.Argument(help="The data set: COVID-QU-Ex, LC25000, a manifest.csv, or class folders.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the report here, as Markdown.", dir_okay=False)] = None,
    label_map: MapOption = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe to train it with: task, labels and batch size are checked.")
    ] = None,
    task: TaskOption = None,
    events: EventsOption = "text",
) -> None:
    """Count, find leaks, duplicates, damaged files and shortcuts; ends with 1 if the data set has errors."""
    from training.cli.data_check import run_check
    from training.recipe_files import read_recipe

    wanted = None if recipe is None else read_recipe(recipe, task_override(task))
    raise typer.Exit(run_check(folder, as_json, report, events, parse_label_map(label_map or []), wanted))


@app.command("publish")
def publish_command(
    run_folder: Annotated[Path, typer.Argument(help="A finished and evaluated run.", file_okay=False)],
    data: Annotated[
        Path | None, typer.Option(help="The data set; by default the one of the evaluation.", file_okay=False)
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Folder of weights; by default your own.", file_okay=False)] = None,
    card_texts: Annotated[
        str | None, typer.Option(help="A TOML file with texts for the card: data, intended_use, licence, limits.")
    ] = None,
    data_name: Annotated[str | None, typer.Option(help="What the data set is called, for the card.")] = None,
    intended_use: Annotated[str | None, typer.Option(help="What the model is for, for the card.")] = None,
    licence: Annotated[str | None, typer.Option(help="The licence of the weights, for the card.")] = None,
    runtime: Engine = "auto",
    threads: Threads = None,
) -> None:
    """Make a run a model that the program finds. What is not given for its card is listed there as not stated."""
    from training.publish.publish import publish
    from training.runs.card_texts import card_texts_of

    texts = card_texts_of(card_texts, data=data_name, intended_use=intended_use, licence=licence)
    made = publish(run_folder, data, to, runtime, threads, say=typer.echo, texts=texts)
    typer.echo(f"{made.id}: {made.directory}")


@app.command("pack")
def pack_command(
    bundle: Annotated[str, typer.Argument(help="A bundle's folder or identifier.")],
    data: Data,
    label_map: MapOption = None,
    runtime: Engine = "auto",
    threads: Threads = None,
) -> None:
    """Store a published model's weights as small as its accuracy allows, and fit and measure it anew."""
    from training.publish.publish import repack

    made = repack(find_bundle(bundle), data, parse_label_map(label_map or []), runtime, threads, say=typer.echo)
    typer.echo(f"{made.id}: {made.weights_bytes / 1e6:.1f} MB, {made.directory}")


@app.command("novelty")
def novelty_command(
    bundle: Annotated[str, typer.Argument(help="A bundle's folder or identifier.")],
    data: Data,
    other: Annotated[
        Path | None,
        typer.Option(
            help="A data set of another task, to stand for unknown images; measures other detectors too.",
            file_okay=False,
        ),
    ] = None,
    images: Annotated[int, typer.Option(min=5, help="Number of images of each set.")] = 60,
    label_map: MapOption = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Refit and measure again what publishing fits, and store it in the bundle.")
    ] = False,
    runtime: Engine = "auto",
    threads: Threads = None,
) -> None:
    """Measure how predictions change when test images are changed, and how unknown images are detected; or refit."""
    if refit:
        from training.publish.publish import refit as refit_bundle

        made = refit_bundle(find_bundle(bundle), data, parse_label_map(label_map or []), runtime, threads)
        outside = made.card.scores[0].refused or 0
        typer.echo(f"{made.id}: {100 * outside:.1f} % of the test images are not assessable.")
        return
    from training.novelty.benchmark import gate_table, measure, table
    from training.novelty.robustness import measure_robustness, robustness_table
    from training.novelty.silent_errors import measure_shifts, shifts_table

    how = (images, runtime, threads, parse_label_map(label_map or []))
    typer.echo(robustness_table(dict(measure_robustness(find_bundle(bundle), data, *how))))
    typer.echo("\n" + shifts_table(list(measure_shifts(find_bundle(bundle), data, *how))))
    if other is not None:
        rows = measure(find_bundle(bundle), data, other, *how)
        typer.echo(f"\n{gate_table(rows)}\n\n{table(rows)}")


@app.command("coverage")
def coverage_command(
    bundle: Annotated[str, typer.Argument(help="A bundle's folder or identifier.")],
    data: Data,
    label_map: MapOption = None,
    runtime: Engine = "auto",
    threads: Threads = None,
) -> None:
    """Measure the coverage of conformal sets, by several rules."""
    from training.evaluation.conformal_coverage import coverage, table

    typer.echo(table(coverage(find_bundle(bundle), data, runtime, threads, parse_label_map(label_map or []))))


@app.command("views")
def views_command(
    bundle: Annotated[str, typer.Argument(help="A bundle's folder or identifier, or a run's folder.")],
    data: Data,
    split: Annotated[str, typer.Option(help="Which split to score.")] = "val",
    runtime: Engine = "auto",
    threads: Threads = None,
) -> None:
    """Compare a network's scores on whole images with those on centre crops and slightly blurred ones."""
    from training.audit.views import compare_views, table

    found = compare_views(find_bundle(bundle), data, split, runtime, threads, lambda view: typer.echo(view, err=True))
    typer.echo(table(found))


@app.command("audit")
def audit_command(
    bundle: Annotated[str, typer.Argument(help="A bundle's folder or identifier.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the report and its plots.", file_okay=False)],
    teacher: Annotated[str | None, typer.Option(help="Its teacher, shown beside it.")] = None,
    images: Annotated[int, typer.Option(min=5, help="Number of test images.")] = 200,
    label_map: MapOption = None,
    runtime: Engine = "auto",
    threads: Threads = None,
) -> None:
    """Audit a model for shortcuts, and write a report."""
    from training.audit.audit import audit
    from training.audit.page import write_page

    models = [find_bundle(name) for name in (bundle, teacher) if name is not None]
    labels = parse_label_map(label_map or [])
    found = audit(models, data, images, runtime, threads, lambda what: typer.echo(what, err=True), labels)
    typer.echo(str(write_page(found, out)))


def _lines(measured: Evaluation) -> str:
    """Return an evaluation in lines for a person."""
    all_, known = measured.overall, measured.limits
    groups = {name: group.scores for name, group in measured.subgroups.items()}
    width = max(len(name) for name in ("all", *groups))
    low, high = measured.intervals.accuracy
    lines = [
        f"{measured.bundle} on {measured.data} ({measured.split}), {measured.runtime}",
        *(f"  {name:<{width}}  {_scores(scores)}" for name, scores in {"all": all_, **groups}.items()),
        f"  accuracy {_percent(low)} to {_percent(high)} (95 %), AUROC {all_.auroc or float('nan'):.4f}, "
        f"Brier {all_.brier:.4f}, ECE {all_.ece_uncalibrated:.3f} before temperature {measured.temperature:.2f}",
    ]
    if known.covered is not None and known.unsure is not None:
        lines.append(
            f"  conformal sets contain the label in {_percent(known.covered)}; uncertain {_percent(known.unsure)}"
        )
    if known.refused is not None:
        lines.append(f"  not assessable {_percent(known.refused)}")
    if measured.border is not None:
        lines.append(f"  {border_words(measured.border)}")
    if measured.agreement is not None:
        with_ = measured.agreement
        lines.append(f"  same class as {with_.bundle} in {_percent(with_.same_class)}, KL {with_.kl:.4f} nat")
    lines += [f"  started from {measured.started_from}"] if measured.started_from else []
    lines += [f"  ⚠ {note}" for note in measured.notes]
    return "\n".join(lines)


def _scores(scores: Scores) -> str:
    return (
        f"{scores.images:5d} images  accuracy {_percent(scores.accuracy):>8}  macro F1 {_percent(scores.macro_f1):>8}  "
        f"ECE {scores.ece:.3f}"
    )


def _percent(share: float) -> str:
    """Return a share in per cent with two digits."""
    return f"{100 * share:.2f} %"


def main() -> None:
    """Run the command line."""
    keep_freed_memory()
    run(app)
