"""The commands that train: ``teacher``, any network by its recipe, and ``distill``, a network from its teachers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.errors import UsageError
from core.names import path_from
from training.recipe import Recipe
from training.recipe_files import read_recipe
from training.runs.folder import RunFolder

Recipes = typer.Option("--recipe", help="A TOML file, or the name of a bundled recipe; with --resume the run's own.")
RecipeOption = Annotated[Path, Recipes]
RunRecipeOption = Annotated[Path | None, Recipes]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="The data folder; with --resume the run's own.", file_okay=False)
]
OutOption = Annotated[Path, typer.Option("--out", help="The run's folder.", file_okay=False)]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Resume the run in this folder, if there is one.")]
AcceptOption = Annotated[
    bool, typer.Option("--accept-changes", help="Resume also with another recipe, other images or other teachers.")
]
TaskOption = Annotated[str | None, typer.Option("--task", help="The task, for a recipe of any task, e.g. own-student.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Override a value: key=value, e.g. optim.epochs=5.")]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", help="A label of the data set and its class: COVID=COVID-19; COVID= leaves it out."),
]
MinutesOption = Annotated[float | None, typer.Option(min=0, help="Stop at a checkpoint after so many minutes.")]
ThreadsOption = Annotated[int | None, typer.Option(min=1, max=256, help="CPU threads.")]
TensorBoardOption = Annotated[bool, typer.Option("--tensorboard", help="Also write the epochs for TensorBoard.")]
EventsOption = Annotated[Literal["text", "json"], typer.Option(help="How progress is reported.")]


def teacher(
    out: OutOption,
    recipe: RunRecipeOption = None,
    data: DataOption = None,
    resume: ResumeOption = False,
    accept_changes: AcceptOption = False,
    task: TaskOption = None,
    settings: SetOption = None,
    label_map: MapOption = None,
    minutes: MinutesOption = None,
    threads: ThreadsOption = None,
    tensorboard: TensorBoardOption = False,
    events: EventsOption = "text",
) -> None:
    """Train a network by its recipe. The exit code is 3 if it was stopped and can be resumed."""
    asked = _asked(
        recipe, data, out, resume, accept_changes, [*task_override(task), *(settings or ()), *_mapped(label_map)]
    )
    _run(asked, minutes, threads, tensorboard, events)


def distill(
    out: OutOption,
    recipe: RunRecipeOption = None,
    data: DataOption = None,
    resume: ResumeOption = False,
    accept_changes: AcceptOption = False,
    teachers: Annotated[
        list[str] | None,
        typer.Option("--teacher", help="A bundle or finished run; replaces the recipe's."),
    ] = None,
    task: TaskOption = None,
    settings: SetOption = None,
    label_map: MapOption = None,
    minutes: MinutesOption = None,
    threads: ThreadsOption = None,
    tensorboard: TensorBoardOption = False,
    events: EventsOption = "text",
) -> None:
    """Distil a network from its teachers. The exit code is 3 if it was stopped and can be resumed."""
    overrides = [*task_override(task), *(settings or ()), *_mapped(label_map)]
    if teachers:
        overrides.append(f"teachers.bundles={list(teachers)!r}")
    asked = _asked(recipe, data, out, resume, accept_changes, overrides)
    if not asked.recipe.teachers.bundles:
        raise UsageError("The recipe names no teacher.", remedy="Name one with --teacher, or use the teacher command.")
    _run(asked, minutes, threads, tensorboard, events)


def task_override(task: str | None) -> tuple[str, ...]:
    """Return what sets a recipe's task (:func:`training.recipe_files.read_recipe`); nothing for None."""
    return () if task is None else (f"task={json.dumps(task)}",)


def _mapped(label_map: list[str] | None) -> tuple[str, ...]:
    from training.data.label_map import as_override, parse_label_map

    return as_override(parse_label_map(label_map or []))


def outline(
    recipe: RecipeOption,
    settings: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count parameters and multiply-accumulate operations of a recipe's network, without training it."""
    from dataclasses import asdict

    import training.loop.model_size

    found = training.loop.model_size.model_size(read_recipe(recipe, tuple(settings or ())))
    if as_json:
        typer.echo(json.dumps(asdict(found)))
    else:
        typer.echo(f"{found.network}: {found.parameters / 1e6:.2f} M parameters, {found.macs / 1e9:.3f} GMACs")


def throughput(
    recipe: Annotated[Path, typer.Option("--recipe", help="A student's recipe with a teacher.")],
    settings: SetOption = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps timed for each way.")] = 5,
    threads: ThreadsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure images per second: teacher, student alone, from cached logits, from the teacher itself."""
    from dataclasses import asdict

    import torch

    from training.loop.throughput import measure

    if threads is not None:
        torch.set_num_threads(threads)
    rows = measure(read_recipe(recipe, tuple(settings or ())), steps)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        typer.echo("\n".join(f"{row.what:<40} {row.images_per_second:8.1f} images/s" for row in rows))


@dataclass(frozen=True)
class _Asked:
    recipe: Recipe
    data: Path
    out: Path
    resume: bool
    accept_changes: bool


def _asked(
    recipe: Path | None, data: Path | None, out: Path, resume: bool, accept_changes: bool, overrides: list[str]
) -> _Asked:
    """Return what is to be trained on what; what is not named is taken from the run in the folder, if it is resumed."""
    folder = RunFolder(out)
    there = resume and folder.recipe.is_file()
    if recipe is None and there:
        recipe = folder.recipe
    if data is None and there and (named := folder.read_data().folder) is not None:
        data = path_from(named)
    missing = [option for option, value in (("--recipe", recipe), ("--data", data)) if value is None]
    if recipe is None or data is None:
        raise UsageError(
            f"{' and '.join(missing)} must be named, unless a run is resumed.",
            path=out,
            remedy="This folder holds no run." if resume else "",
        )
    return _Asked(read_recipe(recipe, tuple(overrides)), data, out, resume, accept_changes)


def _run(
    asked: _Asked,
    minutes: float | None,
    threads: int | None,
    tensorboard: bool,
    how: str,
) -> None:
    from contextlib import ExitStack

    import torch

    from training.cli.progress import Follower, print_json
    from training.loop.events import STOPPED, Listener, StopRequest, both, stopped_by_signals
    from training.loop.loop import train

    if threads is not None:
        torch.set_num_threads(threads)
    stop = StopRequest(RunFolder(asked.out).stop, minutes)
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals(stop))
        listen: Listener = print_json if how == "json" else stack.enter_context(Follower())
        if tensorboard:
            from training.cli.tensorboard import TensorBoard

            listen = both(listen, stack.enter_context(TensorBoard(asked.out)))
        ended = train(
            asked.recipe,
            asked.data,
            asked.out,
            resume=asked.resume,
            accept_changes=asked.accept_changes,
            listen=listen,
            stop=stop,
        )
    if ended.status == "stopped":
        raise typer.Exit(STOPPED)
