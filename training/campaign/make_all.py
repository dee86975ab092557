"""Make every network of both tasks, unattended: ``python -m training make-all --data DATA --out OUT [--minutes 60]``.

For each task: an assistant, a small network with ImageNet weights; VGG19 from it; the student from both; the two
transformers; then the student alone and from others, with several seeds, to measure the gain of distillation. Every run
is evaluated, the best of each network is published into ``OUT/installed``, and ``OUT/results.md`` holds the scores of
all. Called again it continues where it stopped, whether by its time limit, by a signal or by a kill.

The same recipes serve a CPU, a GPU, and several hosts (``--launcher "accelerate launch …"``).
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
import typer

from core.errors import UsageError
from core.system.atomic_files import written_whole
from core.system.subprocesses import own_command
from training.campaign.jobs import Job, Outcome, run_jobs
from training.campaign.results import read_results, results_page
from training.evaluation.run_evaluation import EVALUATION_FILE
from training.loop.events import STOPPED
from training.recipe import Recipe
from training.recipe_files import read_recipe
from training.runs.folder import RunFolder

SEEDS = (0, 1, 2)
ASSISTANT = "assistant"
TEACHERS = ("vgg19", "visformer_small", "autoformerv2_tiny")
SHIPPED = (ASSISTANT, "vgg19")  # the teachers of the student that ships
FOLDERS = {"chest-xray": "chest_xray", "lung-colon": "lung_colon"}
SPARE_MINUTES = 0.5  # of the time that is given, reserved for checkpoints


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        task: its task.
        name: its folder's name.
        network: the network, which names the recipe.
        teachers: names of the runs that are its teachers.
        seed: its seed.
    """

    task: str
    name: str
    network: str
    teachers: tuple[str, ...] = ()
    seed: int = 0

    @property
    def job(self) -> str:
        """The name of the job that trains it."""
        return f"{self.task}/{self.name}"


def runs_of(task: str) -> list[Run]:
    """Return the runs of a task, the most urgent first."""

    def student(seed: int, *teachers: str) -> Run:
        return Run(task, f"ofa595-{'-'.join(teachers) or 'alone'}-{seed}", "ofa595", teachers, seed)

    return [
        Run(task, ASSISTANT, ASSISTANT),
        Run(task, "vgg19", "vgg19", (ASSISTANT,)),
        student(0, *SHIPPED),
        *(Run(task, network, network, (ASSISTANT,)) for network in TEACHERS[1:]),
        student(0),
        *(student(seed, *teachers) for seed in SEEDS[1:] for teachers in (SHIPPED, ())),
        *(student(0, network) for network in TEACHERS),
        student(0, ASSISTANT, *TEACHERS),
    ]


@dataclass(frozen=True)
class Plan:
    """Where things come from and go to.

    Attributes:
        data: the folder that holds both tasks' data folders.
        out: the folder of the runs.
        settings: values that replace those of every recipe.
        launcher: what starts a training process in place of this Python, e.g. ``accelerate launch``; or empty.
        card_texts: whether cards get the texts about this project's own data; see :mod:`training.runs.card_texts`.
    """

    data: Path
    out: Path
    settings: tuple[str, ...] = ()
    launcher: str = ""
    card_texts: bool = False

    def runs(self) -> list[Run]:
        """Return the runs of both tasks, by urgency."""
        return [run for together in zip(*map(runs_of, FOLDERS), strict=True) for run in together]

    def jobs(self) -> list[Job]:
        """Return all jobs, the most urgent first; a run is evaluated, and then published, as soon as it is there."""
        jobs: list[Job] = []
        for run in self.runs():
            jobs += [self._training(run), self._evaluation(run)]
            if run.network != "ofa595":
                jobs.append(self._publication(run, (run.name,)))
        for task in FOLDERS:
            taught = [run for run in runs_of(task) if run.network == "ofa595" and run.teachers]
            jobs.append(self._publication(taught[0], tuple(run.name for run in taught)))
        return jobs

    def folder(self, task: str, name: str) -> RunFolder:
        """Return the folder of a run."""
        return RunFolder(self.out / task / name)

    def _accuracy(self, task: str, name: str) -> float:
        """Return a run's accuracy on the validation images, below 0 where it has none yet."""
        scores = self.folder(task, name).read_result().val
        return -1.0 if scores is None else scores.accuracy

    def recipe(self, run: Run) -> Recipe:
        """Return a run's recipe."""
        return read_recipe(Path(f"{run.task}-{run.network}"), self._settings(run))

    def _settings(self, run: Run) -> tuple[str, ...]:
        teachers = [str(self.folder(run.task, name).path) for name in run.teachers]
        return (f"seed={run.seed}", f"teachers.bundles={json.dumps(teachers)}", *self.settings)

    def _training(self, run: Run) -> Job:
        folder = self.folder(run.task, run.name)
        command = ["distill" if run.teachers else "teacher", "--recipe", f"{run.task}-{run.network}"]
        command += ["--data", str(self.data / FOLDERS[run.task]), "--out", str(folder.path), "--resume"]
        for setting in self._settings(run):
            command += ["--set", setting]
        return Job(
            name=run.job,
            command=lambda: self._started(command),
            done=lambda: folder.read_result().finished,
            needs=tuple(f"{run.task}/{name}" for name in run.teachers),
        )

    def _started(self, command: list[str]) -> list[str]:
        if self.launcher:
            return [*shlex.split(self.launcher), "-m", "training", *command]
        return own_command("training", *command)

    def _evaluation(self, run: Run) -> Job:
        path = self.folder(run.task, run.name).path
        command = ["evaluate", str(path), "--data", str(self.data / FOLDERS[run.task])]
        return Job(
            name=f"{run.job}:evaluate",
            command=lambda: own_command("training", *command),
            done=(path / EVALUATION_FILE).is_file,
            needs=(run.job,),
        )

    def _publication(self, run: Run, names: tuple[str, ...]) -> Job:
        """Return the job that publishes the best of several runs of one network, by the validation score."""
        recipe = self.recipe(run)
        bundle = f"{recipe.role}-{recipe.model.id}"

        def command() -> list[str]:
            best = max(names, key=lambda name: self._accuracy(run.task, name))
            texts = ["--card-texts", run.task] if self.card_texts else []
            return own_command("training", "publish", str(self.folder(run.task, best).path), *texts)

        return Job(
            name=f"{run.task}/{run.network}:publish",
            command=command,
            done=(self.out / "installed" / "weights" / run.task / bundle / "card.json").is_file,
            needs=tuple(f"{run.task}/{name}:evaluate" for name in names),
        )


def make_all(
    data: Annotated[Path, typer.Option(help="The folder that holds chest_xray and lung_colon.", file_okay=False)],
    out: Annotated[Path, typer.Option(help="The folder of the runs.", file_okay=False)],
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop at checkpoints after so many minutes.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Number of jobs that run at once.")] = 2,
    only: Annotated[str, typer.Option(help="Only jobs whose name begins with this, e.g. chest-xray/vgg19.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="Override recipe values: key=value.")] = None,
    launcher: Annotated[
        str, typer.Option(help='What starts a training process, e.g. "accelerate launch --multi_gpu".')
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what is left and how long it will take here; run nothing.")
    ] = False,
    card_texts: Annotated[
        bool, typer.Option("--card-texts", help="Cards get the texts on this project's own data; on no other.")
    ] = False,
) -> None:
    """Make every network of both tasks. Ends with 3 if it was stopped and can be resumed, with 1 if a job failed."""
    plan = Plan(data.resolve(), out.resolve(), tuple(settings or ()), launcher, card_texts)
    wanted = [job for job in plan.jobs() if job.name.startswith(only)]
    if not wanted:
        raise UsageError(f"No job's name begins with {only}.", remedy="Name a task, or a task and a run of it.")
    for folder in (plan.data / FOLDERS[task] for task in _tasks(wanted)):
        if not folder.is_dir():
            raise UsageError("There is no such folder.", path=folder, remedy="Name the folder that holds it by --data.")
    if dry_run:
        _say_what_is_left(plan, wanted, jobs)
        return
    out.mkdir(parents=True, exist_ok=True)
    psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else 19)  # its jobs inherit it
    threads = max(1, (os.cpu_count() or 1) // jobs)
    environment = {**os.environ, "TWINLENS_DATA": str(plan.out / "installed"), "OMP_NUM_THREADS": str(threads)}
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads leave the cores to others
    environment.setdefault("TWINLENS_CACHE", str(plan.out / "cache"))
    seconds = None if minutes is None else max(0.0, minutes - SPARE_MINUTES) * 60
    outcome = run_jobs(wanted, jobs, plan.out / "logs", environment, seconds, typer.echo)
    _summary(plan, wanted, outcome)
    if outcome.failed:
        raise typer.Exit(1)
    if outcome.left:
        raise typer.Exit(STOPPED)


def _tasks(jobs: list[Job]) -> list[str]:
    return [task for task in FOLDERS if any(job.name.startswith(f"{task}/") for job in jobs)]


def _say_what_is_left(plan: Plan, wanted: list[Job], jobs: int) -> None:
    """Print each job with its state, and for training runs how long what is left of them takes on this machine."""
    from training.campaign.estimate import run_seconds
    from training.data.loading import open_dataset

    images = {
        task: sum(sample.split == "train" for sample in open_dataset(plan.data / FOLDERS[task]).samples)
        for task in _tasks(wanted)
    }
    runs = {run.job: run for run in plan.runs()}
    total = 0.0
    for job in wanted:
        if job.done():
            typer.echo(f"{job.name:<48} done")
        elif run := runs.get(job.name):
            begun = plan.folder(run.task, run.name).read_result().epochs_done
            networks = tuple(plan.recipe(runs[f"{run.task}/{name}"]).model.network for name in run.teachers)
            seconds = run_seconds(plan.recipe(run), networks, images[run.task], begun)
            total += seconds
            typer.echo(f"{job.name:<48} {begun} epochs done, {seconds / 60:.0f} min left, one run at work")
        else:
            typer.echo(f"{job.name:<48} to do")
    typer.echo(
        f"About {total / 3600:.1f} hours of training are left on this machine, measured with {torch_threads()} threads "
        f"and one run at work; {jobs} at once share its cores. Scoring and publishing come on top."
    )


def torch_threads() -> int:
    """Return how many threads torch computes with."""
    import torch

    return torch.get_num_threads()


def _summary(plan: Plan, wanted: list[Job], outcome: Outcome) -> None:
    rows = []
    names = {job.name for job in wanted}
    for run in plan.runs():
        ended = plan.folder(run.task, run.name).read_result()
        if run.job in names and ended.val is not None:
            rows.append({"run": run.job, "status": ended.status, **ended.val.model_dump(), "seconds": ended.seconds})
            typer.echo(f"{run.job:<48} {ended.status:<9} validation {100 * ended.val.accuracy:6.2f} %")
    with written_whole(plan.out / "summary.json") as file:
        file.write(json.dumps(rows, indent=2) + "\n")
    with written_whole(plan.out / "results.md") as file:
        file.write(results_page(read_results(plan.out)))
    typer.echo(f"{outcome.finished} jobs done, {len(outcome.failed)} failed, {outcome.left} left.")
