import json
import os
import sys

import pytest
from typer.testing import CliRunner

from core.errors import UsageError
from training.__main__ import app
from training.jobs import Job, run_jobs
from training.make_all import FOLDERS, Plan
from training.recipe import RECIPES, read_recipe


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
    trainings = [job for job in jobs.values() if ":" not in job.name]
    assert len(trainings) == len(FOLDERS) * (3 + 3 * 2 + 2)
    for job in trainings:
        command = job.command()
        settings = tuple(command[i + 1] for i, word in enumerate(command) if word == "--set")
        recipe = read_recipe(RECIPES / f"{command[command.index('--recipe') + 1]}.toml", settings)
        assert recipe.optim.epochs == 1
        assert job.name.startswith(recipe.task)
        assert bool(job.needs) == ("--teacher" in command)
    seeds = {read_recipe(RECIPES / "chest-xray-ofa595.toml", (f"seed={seed}",)).augment.seed for seed in (0, 1, 2)}
    assert seeds == {0}, "runs of other seeds would not share cached logits"


def test_without_a_gpu_the_plan_makes_the_students_from_the_installed_networks(tmp_path):
    jobs = Plan(tmp_path, tmp_path, cpu=True).jobs()
    trainings = [job for job in jobs if ":" not in job.name]
    assert len(trainings) == len(FOLDERS) * 3 * 2
    assert {need for job in jobs for need in job.needs} <= {job.name for job in jobs}
    for job in trainings:
        command = job.command()
        settings = tuple(command[i + 1] for i, word in enumerate(command) if word == "--set")
        recipe = read_recipe(RECIPES / f"{command[command.index('--recipe') + 1]}.toml", settings)
        assert recipe.model.start == f"{recipe.task}/student-ofa595"
        assert recipe.teachers.bundles == (() if "alone" in job.name else (f"{recipe.task}/teacher-vgg19",))
    published = [job.name for job in jobs if job.name.endswith(":publish")]
    assert published == [f"{task}/ofa595:publish" for task in FOLDERS]


def test_the_best_student_is_published(tmp_path):
    plan = Plan(tmp_path, tmp_path)
    for seed, accuracy in ((0, 0.8), (1, 0.9), (2, 0.85)):
        folder = plan.folder("chest-xray", f"ofa595-from-vgg19-{seed}")
        folder.path.mkdir(parents=True)
        folder.result.write_text(json.dumps({"val": {"accuracy": accuracy}}))
    job = next(job for job in plan.jobs() if job.name == "chest-xray/ofa595:publish")
    assert job.command()[-1].endswith("ofa595-from-vgg19-1")


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
