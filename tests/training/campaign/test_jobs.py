import json
import os
import sys

import pytest
from tiny_training import write_images
from typer.testing import CliRunner

from core.errors import UsageError
from training.campaign.jobs import Job, run_jobs
from training.campaign.make_all import FOLDERS, Plan
from training.cli.app import app
from training.recipe_files import RECIPES, read_recipe
from training.runs.folder import RunFolder


@pytest.fixture
def bench(tmp_path):
    """Runs jobs that note their name in a file; ``script`` replaces what a job does."""

    def job(name, needs=(), script="open(target, 'w').close()"):
        target = tmp_path / name
        note = f"target = {str(target)!r}; open({str(tmp_path / 'order')!r}, 'a').write({name!r} + ' ');"
        return Job(name, lambda: [sys.executable, "-c", f"{note} {script}"], target.is_file, needs)

    def run(jobs, side_by_side=2, seconds=None):
        return run_jobs(jobs, side_by_side, tmp_path / "logs", dict(os.environ), seconds)

    run.job = job
    run.order = lambda: (tmp_path / "order").read_text().split()
    return run


def test_jobs_run_when_what_they_need_is_there(bench):
    jobs = [bench.job("c", ("b",)), bench.job("b", ("a",)), bench.job("a")]
    outcome = bench(jobs)
    assert (outcome.finished, outcome.failed, outcome.left) == (3, [], 0)
    assert bench.order() == ["a", "b", "c"]
    assert bench(jobs).finished == 3
    assert bench.order() == ["a", "b", "c"], "what is done is not done again"


def test_a_job_that_fails_stops_those_that_need_it_and_no_others(bench):
    jobs = [bench.job("bad", script="raise SystemExit(1)"), bench.job("after", ("bad",)), bench.job("other")]
    outcome = bench(jobs)
    assert (outcome.finished, outcome.failed, outcome.left) == (1, ["bad"], 1)
    assert sorted(bench.order()) == ["bad", "other"]


def test_when_time_is_up_jobs_are_asked_to_stop(bench, tmp_path):
    keep = "signal.signal(signal.SIGTERM, lambda *_: (open(target + '.kept', 'w'), sys.exit(3)));"
    wait = "open(target + '.ready', 'w').close(); time.sleep(600)"
    long = bench.job("long", script=f"import signal, sys, time; {keep} {wait}")
    outcome = bench([long, bench.job("later", ("long",))], seconds=3)
    assert (outcome.finished, outcome.failed, outcome.left) == (0, [], 2)
    assert (tmp_path / "long.kept").exists() or not (tmp_path / "long.ready").exists()


def test_the_plan_makes_everything_and_every_recipe_is_there(tmp_path):
    plan = Plan(tmp_path / "data", tmp_path / "out", ("optim.epochs=1",))
    jobs = {job.name: job for job in plan.jobs()}
    assert all(need in jobs for job in jobs.values() for need in job.needs)
    names = [job.name for job in plan.jobs()]
    assert all(names.index(need) < names.index(name) for name in names for need in jobs[name].needs)
    trainings = [job for job in jobs.values() if ":" not in job.name]
    assert len(trainings) == len(FOLDERS) * (1 + 3 + 3 + 3 + 3 + 1)
    for job in trainings:
        command = job.command()
        settings = tuple(command[i + 1] for i, word in enumerate(command) if word == "--set")
        recipe = read_recipe(RECIPES / f"{command[command.index('--recipe') + 1]}.toml", settings)
        assert recipe.optim.epochs == 1
        assert job.name.startswith(recipe.task.id)
        assert len(job.needs) == len(recipe.teachers.bundles)
        assert command[3] == ("distill" if job.needs else "teacher")
    seeds = {read_recipe(RECIPES / "chest-xray-ofa595.toml", (f"seed={seed}",)).augment.seed for seed in (0, 1, 2)}
    assert seeds == {0}, "runs of other seeds would not share cached logits"


def test_several_processes_are_started_by_what_is_named(tmp_path):
    plan = Plan(tmp_path, tmp_path, launcher="accelerate launch --num_processes 2")
    training = plan.jobs()[0].command()
    assert training[:7] == ["accelerate", "launch", "--num_processes", "2", "-m", "training", "teacher"]
    evaluation = next(job for job in plan.jobs() if job.name.endswith(":evaluate")).command()
    assert evaluation[:2] == [sys.executable, "-m"]


def test_the_best_student_is_published(tmp_path):
    plan = Plan(tmp_path, tmp_path)
    (job,) = (job for job in plan.jobs() if job.name == "chest-xray/ofa595:publish")
    names = [need.removeprefix("chest-xray/").removesuffix(":evaluate") for need in job.needs]
    assert len(names) == 7
    assert not any("alone" in name for name in names)
    for number, name in enumerate(names):
        folder = plan.folder("chest-xray", name)
        folder.path.mkdir(parents=True)
        folder.result.write_text(json.dumps({"val": {"accuracy": 0.9 if number == 3 else 0.8}}))
    assert job.command()[-1].endswith(names[3])


def make_all(*arguments):
    return CliRunner().invoke(app, ["make-all", *map(str, arguments)])


def test_all_is_made_from_the_command_line_and_what_is_left_is_counted(tmp_path):
    for folder in FOLDERS.values():
        (tmp_path / folder).mkdir()
    ended = make_all("--data", tmp_path, "--out", tmp_path / "out", "--minutes", 0)
    left = len(Plan(tmp_path, tmp_path).jobs())
    assert (ended.exit_code, ended.stdout) == (3, f"0 jobs done, 0 failed, {left} left.\n")
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == []


@pytest.mark.parametrize(("only", "reason"), [("chest-xray/no", "No job's name"), ("chest", "chest_xray: There is no")])
def test_nothing_begins_where_a_name_or_a_folder_is_wrong(tmp_path, only, reason):
    (tmp_path / "lung_colon").mkdir()
    error = make_all("--data", tmp_path, "--out", tmp_path / "out", "--only", only).exception
    assert isinstance(error, UsageError)
    assert reason in str(error)
    assert not (tmp_path / "out").exists()


def test_a_dry_run_says_what_is_left_and_how_long_it_takes(tmp_path):
    for folder in FOLDERS.values():
        write_images(tmp_path / folder, 10)
    out = tmp_path / "out"
    done = RunFolder(out / "chest-xray" / "assistant")
    done.path.mkdir(parents=True)
    done.result.write_text(json.dumps({"status": "finished"}))
    settings = [word for s in ("size=32", "optim.progressive=[]", "optim.batch=2") for word in ("--set", s)]
    ended = make_all("--data", tmp_path, "--out", out, "--dry-run", "--only", "chest-xray/assistant", *settings)
    assert ended.exit_code == 0, ended.output
    assert "chest-xray/assistant                             done" in ended.stdout
    ended = make_all("--data", tmp_path, "--out", out, "--dry-run", "--only", "chest-xray/ofa595-alone-0", *settings)
    assert "0 epochs done" in ended.stdout
    assert "hours of training are left on this machine" in ended.stdout
    assert sorted(path.name for path in out.rglob("*")) == ["assistant", "chest-xray", "run.json"]
