"""Make every network of both tasks, unattended: ``python -m training make-all --data DATA --out OUT [--minutes 9]``.

Both tasks: VGG19; the two transformers, distilled from it; the student alone and from VGG19 with three seeds each, and
from each transformer with one. Every run is evaluated, teachers and the best student from VGG19 are published into
``OUT/installed``, and ``OUT/results.md`` holds the scores of all. Called again it goes on where it stopped, whether by
its minutes, by a signal or by a kill.

With ``--cpu`` it makes what a machine without a GPU can make: the installed students learn on, alone and from the
installed VGG19.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from core.errors import UsageError
from core.files import written_whole
from core.process import own_command
from training.jobs import Job, Outcome, run_jobs
from training.results_table import read_results, results_page
from training.run_folder import RunFolder
from training.train_commands import STOPPED

SEEDS = (0, 1, 2)
TEACHERS = {"vgg19": None, "visformer_small": "vgg19", "autoformerv2_tiny": "vgg19"}  # and whom they learn from
FOLDERS = {"chest-xray": "chest_xray", "lung-colon": "lung_colon"}
SPARE_MINUTES = 0.5  # kept back from the time that is given, for checkpoints


@dataclass(frozen=True)
class Plan:
    """Where things come from and go to.

    Attributes:
        data: the folder that holds both tasks' data folders.
        out: the folder of the runs.
        settings: values that replace those of every recipe.
        cpu: whether only the students are made, by the recipes for a CPU.
        card_texts: whether cards get the texts about this project's own data; see :mod:`training.card_texts`.
    """

    data: Path
    out: Path
    settings: tuple[str, ...] = ()
    cpu: bool = False
    card_texts: bool = False

    def jobs(self) -> list[Job]:
        """Return all jobs, the most urgent first."""
        made = {} if self.cpu else TEACHERS
        teachers: list[Job] = []
        students: list[Job] = []
        rest: list[Job] = []
        for task in FOLDERS:
            teachers += [self._training(task, network, network, teacher, 0) for network, teacher in made.items()]
            for seed in SEEDS:
                students.append(self._training(task, "ofa595", f"ofa595-alone-{seed}", None, seed))
                for teacher in (made or ("vgg19",)) if seed == SEEDS[0] else ("vgg19",):
                    name = f"ofa595-from-{teacher}-{seed}"
                    students.append(self._training(task, "ofa595", name, teacher, seed))
        rest += [self._evaluation(job) for job in teachers + students]
        for task in FOLDERS:
            rest += [self._publication(task, name, (name,)) for name in made]
            rest.append(self._publication(task, "ofa595", tuple(f"ofa595-from-vgg19-{seed}" for seed in SEEDS)))
        return sorted(teachers, key=lambda job: len(job.needs)) + students + rest

    def folder(self, task: str, name: str) -> RunFolder:
        """Return the folder of a run."""
        return RunFolder(self.out / task / name)

    def _training(self, task: str, network: str, name: str, teacher: str | None, seed: int) -> Job:
        folder = self.folder(task, name)
        recipe = f"{task}-{network}-cpu" if self.cpu else f"{task}-{network}"
        command = ["distill" if teacher else "teacher", "--recipe", recipe]
        command += ["--data", str(self.data / FOLDERS[task]), "--out", str(folder.path), "--resume"]
        if not teacher:
            command += ["--set", "teachers.bundles=[]"]
        elif not self.cpu:  # whose recipe names the installed teacher
            command += ["--teacher", str(self.folder(task, teacher).path)]
        for setting in (f"seed={seed}", *self.settings):
            command += ["--set", setting]
        return Job(
            name=f"{task}/{name}",
            command=lambda: own_command("training", *command),
            done=lambda: folder.read_result().get("status") == "finished",
            needs=(f"{task}/{teacher}",) if teacher and not self.cpu else (),
        )

    def _evaluation(self, job: Job) -> Job:
        task, name = job.name.split("/")
        path = self.folder(task, name).path
        command = ["evaluate", str(path), "--data", str(self.data / FOLDERS[task])]
        return Job(
            name=f"{job.name}:evaluate",
            command=lambda: own_command("training", *command),
            done=(path / "evaluation.json").is_file,
            needs=(job.name,),
        )

    def _publication(self, task: str, network: str, names: tuple[str, ...]) -> Job:
        role = "student" if network == "ofa595" else "teacher"
        card = self.out / "installed" / "weights" / task / f"{role}-{network}" / "card.json"

        def command() -> list[str]:
            best = max(names, key=lambda name: self.folder(task, name).read_result()["val"]["accuracy"])
            texts = ["--card-texts", task] if self.card_texts else []
            return own_command("training", "publish", str(self.folder(task, best).path), *texts)

        return Job(
            name=f"{task}/{network}:publish",
            command=command,
            done=card.is_file,
            needs=tuple(f"{task}/{name}:evaluate" for name in names),
        )


def make_all(
    data: Annotated[Path, typer.Option(help="The folder that holds chest_xray and lung_colon.", file_okay=False)],
    out: Annotated[Path, typer.Option(help="The folder of the runs.", file_okay=False)],
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop at checkpoints after so many minutes.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many run side by side.")] = 5,
    only: Annotated[str, typer.Option(help="Only jobs whose name begins so, e.g. chest-xray/vgg19.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="A value for every recipe: key=value.")] = None,
    cpu: Annotated[
        bool, typer.Option("--cpu", help="Only what takes no GPU: the installed students learn on.")
    ] = False,
    card_texts: Annotated[
        bool, typer.Option("--card-texts", help="Cards get the texts about this project's own data; on no other.")
    ] = False,
) -> None:
    """Make every network of both tasks. Ends with 3 if it was stopped and can go on, with 1 if a job failed."""
    plan = Plan(data.resolve(), out.resolve(), tuple(settings or ()), cpu, card_texts)
    wanted = [job for job in plan.jobs() if job.name.startswith(only)]
    if not wanted:
        raise UsageError(f"No job's name begins with {only}.", remedy="Name a task, or a task and a run of it.")
    for folder in {plan.data / FOLDERS[job.name.partition("/")[0]] for job in wanted}:
        if not folder.is_dir():
            raise UsageError("There is no such folder.", path=folder, remedy="Name the folder that holds it by --data.")
    out.mkdir(parents=True, exist_ok=True)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    environment = {**os.environ, "TWINLENS_DATA": str(plan.out / "installed"), "OMP_NUM_THREADS": str(threads)}
    environment.setdefault("TWINLENS_CACHE", str(plan.out / "cache"))
    seconds = None if minutes is None else max(0.0, minutes - SPARE_MINUTES) * 60
    outcome = run_jobs(wanted, jobs, plan.out / "logs", environment, seconds, typer.echo)
    _summary(plan, wanted, outcome)
    if outcome.failed:
        raise typer.Exit(1)
    if outcome.left:
        raise typer.Exit(STOPPED)


def _summary(plan: Plan, wanted: list[Job], outcome: Outcome) -> None:
    rows = []
    for job in wanted:
        task, _, name = job.name.partition("/")
        result = {} if ":" in name else plan.folder(task, name).read_result()
        if result.get("val"):
            rows.append({"run": job.name, "status": result["status"], **result["val"], "seconds": result["seconds"]})
            typer.echo(f"{job.name:<48} {result['status']:<9} validation {100 * result['val']['accuracy']:6.2f} %")
    with written_whole(plan.out / "summary.json") as file:
        file.write(json.dumps(rows, indent=2) + "\n")
    with written_whole(plan.out / "results.md") as file:
        file.write(results_page(read_results(plan.out)))
    typer.echo(f"{outcome.finished} jobs done, {len(outcome.failed)} failed, {outcome.left} left.")
