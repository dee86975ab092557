"""Train students with means against shortcuts: ``python -m training shortcut --data DIR --out OUT --teacher T``.

Each means alone, beside plain distillation from the same teachers, and two together; then the table of accuracy overall
against groups and with the lungs hidden, ``OUT/shortcut.md``, and its figures, ``OUT/shortcut.json``. Called again it
continues where it stopped.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
import typer

from core.errors import UsageError
from core.system.atomic_files import written_whole
from core.system.subprocesses import own_command
from training.campaign.jobs import Job, run_jobs
from training.campaign.shortcut_scores import PLAIN, Scores, scores_of, scores_page, write_scores
from training.evaluation.run_evaluation import EVALUATION_FILE
from training.loop.events import STOPPED
from training.recipe_files import read_recipe
from training.runs.folder import RunFolder

BALANCED = ("subgroups.sampling=balanced",)
HIDDEN = ("hide.border=0.3", "hide.lungs_only=0.3")
EXPLAINED = ("explanation.weight=1.0", "explanation.on=lungs")
VARIANTS: dict[str, tuple[str, ...]] = {
    PLAIN: (),
    "groups balanced": BALANCED,
    "group DRO": ("subgroups.dro=0.01",),
    "border hidden": ("hide.border=0.5",),
    "only lungs": ("hide.lungs_only=0.5",),
    "explanation on the lungs": EXPLAINED,
    "balanced, parts hidden": (*BALANCED, *HIDDEN),
    "balanced, parts hidden, explanation": (*BALANCED, *HIDDEN, *EXPLAINED),
}
ASSISTANT, HINTS = "assistant, balanced, parts hidden", "hints of that assistant"
# layers of 14 × 14 pixels in OFA-595 and in EfficientNet-Lite0
HINT_LAYERS = ("loss.hint=1.0", 'loss.map_layers=["blocks.15", "blocks.4"]', "teachers.cache=false")
GROUPS = ("population=adult", "source=nih_cxr14")


@dataclass(frozen=True)
class Variant:
    """One run.

    Attributes:
        name: what it is trained with.
        seed: its seed.
        recipe: its recipe.
        settings: values that say what is special about it.
        teachers: its teachers.
        needs: name of the variant that must be done before, or empty.
    """

    name: str
    seed: int
    recipe: str
    settings: tuple[str, ...]
    teachers: tuple[str, ...]
    needs: str = ""

    @property
    def folder(self) -> str:
        """The name of its folder, which is its job's name, too."""
        return f"{self.name.replace(', ', '-').replace(' ', '-')}-{self.seed}"


def variants(
    recipe: str, teachers: tuple[str, ...], seeds: tuple[int, ...], out: Path, assistant: str = ""
) -> list[Variant]:
    """Return the runs, plain distillation first.

    Args:
        recipe: the student's recipe.
        teachers: its teachers.
        seeds: a run for each.
        out: the folder of the runs.
        assistant: recipe of an assistant that is trained with means itself and gives hints, or empty.
    """
    found = []
    for seed in seeds:
        found += [Variant(name, seed, recipe, settings, teachers) for name, settings in VARIANTS.items()]
        if assistant:
            guide = Variant(ASSISTANT, seed, assistant, (*BALANCED, *HIDDEN), ())
            found += [guide, Variant(HINTS, seed, recipe, HINT_LAYERS, (str(out / guide.folder),), guide.folder)]
    return found


def jobs_of(one: Variant, data: Path, out: Path, settings: tuple[str, ...]) -> list[Job]:
    """Return the jobs that train and evaluate a variant."""
    folder = RunFolder(out / one.folder)
    train = ["distill" if one.teachers else "teacher", "--recipe", one.recipe, "--data", str(data)]
    train += ["--out", str(folder.path), "--resume"]
    for setting in (f"seed={one.seed}", f"teachers.bundles={json.dumps(one.teachers)}", *settings, *one.settings):
        train += ["--set", setting]
    evaluate = ["evaluate", str(folder.path), "--data", str(data)]
    needs = (one.needs,) if one.needs else ()
    return [
        Job(one.folder, lambda: own_command("training", *train), lambda: folder.read_result().finished, needs),
        Job(
            f"{one.folder}:evaluate",
            lambda: own_command("training", *evaluate),
            (folder.path / EVALUATION_FILE).is_file,
            (one.folder,),
        ),
    ]


def shortcut(
    data: Annotated[Path, typer.Option(help="The data set.", file_okay=False)],
    out: Annotated[Path, typer.Option(help="The folder of the runs and of the table.", file_okay=False)],
    teachers: Annotated[list[str], typer.Option("--teacher", help="A bundle or finished run, the first one explains.")],
    recipe: Annotated[str, typer.Option(help="The student's recipe.")] = "chest-xray-ofa595",
    assistant: Annotated[
        str, typer.Option(help="Recipe of an EfficientNet-Lite0 that gives hints, e.g. chest-xray-assistant.")
    ] = "",
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="A seed; may be repeated. [default: 0]")] = None,
    groups: Annotated[
        list[str] | None,
        typer.Option("--group", help="Test images that count: column=value. [default: adults, and NIH]"),
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop at checkpoints after so many minutes.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Number of jobs that run at once.")] = 1,
    only: Annotated[str, typer.Option(help="Only runs whose folder begins with this, e.g. plain.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="Override recipe values: key=value.")] = None,
) -> None:
    """Train a student with each means against shortcuts, and compare them.

    Ends with 3 if it was stopped and can be resumed, with 1 if a job failed.
    """
    data, out = data.resolve(), out.resolve()
    wanted = variants(recipe, tuple(teachers), tuple(seeds or (0,)), out, assistant)
    chosen = [one for one in wanted if one.folder.startswith(only)]
    if not chosen:
        raise UsageError(f"No run's folder begins with {only}.", remedy=f"Runs: {', '.join(v.folder for v in wanted)}.")
    for name in {one.recipe for one in chosen}:
        read_recipe(Path(name))  # an error now rather than in each job
    out.mkdir(parents=True, exist_ok=True)
    psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else 19)  # its jobs inherit it
    environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))}
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    todo = [job for one in chosen for job in jobs_of(one, data, out, tuple(settings or ()))]
    outcome = run_jobs(todo, jobs, out / "logs", environment, None if minutes is None else 60 * minutes, typer.echo)
    rows = collected(wanted, data, out, tuple(groups or GROUPS))
    if rows:
        write_scores(out / "shortcut.json", rows)
        with written_whole(out / "shortcut.md") as file:
            file.write(scores_page(rows))
        typer.echo(scores_page(rows))
    typer.echo(f"{outcome.finished} jobs done, {len(outcome.failed)} failed, {outcome.left} left.")
    if outcome.failed:
        raise typer.Exit(1)
    if outcome.left:
        raise typer.Exit(STOPPED)


def collected(wanted: list[Variant], data: Path, out: Path, groups: tuple[str, ...]) -> list[Scores]:
    """Return the scores of the runs that are finished and evaluated."""
    done = [one for one in wanted if all(job.done() for job in jobs_of(one, data, out, ()))]
    return [scores_of(out / one.folder, one.name, one.settings, data, groups) for one in done]
