"""The comparison of students with means against shortcuts: its runs, its table, and who is called better."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_training import write_images
from typer.testing import CliRunner

from core.errors import UsageError
from training.audit.audit import BORDER_ONLY, LUNGS_HIDDEN
from training.campaign import shortcut as campaign
from training.campaign.jobs import Outcome
from training.campaign.shortcut import HINTS, VARIANTS, variants
from training.campaign.shortcut_scores import ALL, PLAIN, Scores, read_scores, scores_page, verdict, write_scores
from training.cli.app import app
from training.evaluation.clustered_bootstrap import Figure
from training.recipe_files import read_recipe


def figure(mean):
    return Figure(mean, mean - 0.02, mean + 0.02)


def row(variant, overall, adults, nih, seed=0, tested=None):
    """A row whose accuracies on the validation split are given, and on the test split the same unless given, too."""
    names = ("population=adult", "source=nih_cxr14")
    total, *rest = map(figure, tested or (overall, adults, nih))
    seen = dict(zip((ALL, *names), (overall, adults, nih), strict=True))
    settings, hidden = VARIANTS.get(variant, ()), {LUNGS_HIDDEN: figure(0.4)}
    return Scores(
        variant, seed, settings, 1316, total, dict(zip(names, rest, strict=True)), hidden, seen, "a processor"
    )


def test_every_variant_is_a_recipe_that_reads_and_differs_from_plain_distillation():
    found = variants("chest-xray-ofa595", ("chest-xray/teacher-vgg19",), (0, 1), Path("out"), "chest-xray-assistant")
    assert len({one.folder for one in found}) == len(found) == 2 * (len(VARIANTS) + 2)
    digests = set()
    for one in found:
        teachers = f"teachers.bundles={json.dumps(one.teachers)}"
        digests.add(read_recipe(Path(one.recipe), (f"seed={one.seed}", teachers, *one.settings)).digest())
    assert len(digests) == len(found)
    hints = next(one for one in found if one.name == HINTS and one.seed == 1)
    assert hints.teachers == (str(Path("out") / hints.needs),)
    assert hints.needs in {one.folder for one in found}


def test_better_is_who_is_so_on_every_group_without_a_loss_overall():
    plain = row(PLAIN, 0.90, 0.88, 0.68)
    worse = row("border hidden", 0.89, 0.90, 0.76)
    mixed = row("group DRO", 0.91, 0.87, 0.80)
    assert "no student is better" in verdict([plain, worse, mixed])
    good, best = row("only lungs", 0.90, 0.885, 0.69), row("groups balanced", 0.91, 0.89, 0.75)
    said = verdict([plain, worse, mixed, good, best])
    assert (
        "overall: groups balanced. On the test split: +1.0 points overall, +1.0 points on population=adult, +7" in said
    )
    assert "One seed" in said
    again = [row(PLAIN, 0.92, 0.90, 0.74, 1), row("groups balanced", 0.88, 0.89, 0.75, 1)]
    assert "no student is better" in verdict([plain, best, *again]), "the mean over seeds counts"
    assert verdict([best]).startswith("There is no plain distillation")


def test_the_validation_split_chooses_and_the_test_split_only_tells_what_it_is_worth():
    plain = row(PLAIN, 0.90, 0.88, 0.68)
    chosen = row("only lungs", 0.91, 0.90, 0.75, tested=(0.89, 0.87, 0.70))
    lucky = row("group DRO", 0.89, 0.87, 0.66, tested=(0.95, 0.95, 0.95))
    said = verdict([plain, chosen, lucky])
    assert "only lungs. On the test split: -1.0 points overall, -1.0 points on population=adult, +2.0 points on" in said
    assert "group DRO" not in said


def test_the_page_has_a_row_a_run_with_intervals_and_reads_back(tmp_path):
    rows = [row(PLAIN, 0.90, 0.88, 0.68), row("groups balanced", 0.91, 0.89, 0.75)]
    write_scores(tmp_path / "shortcut.json", rows)
    assert read_scores(tmp_path / "shortcut.json") == rows
    page = scores_page(rows)
    line = "| groups balanced | 0 | 91.0 % (89.0–93.0) | 89.0 % (87.0–91.0) | 75.0 % (73.0–77.0) | 40.0 % (38.0–42.0) |"
    assert line in page.splitlines()
    assert "| groups balanced | `subgroups.sampling=balanced` |" in page
    assert "Trained on a processor." in page
    (tmp_path / "shortcut.json").write_text("[{}]")
    with pytest.raises(UsageError, match="can't be read"):
        read_scores(tmp_path / "shortcut.json")


def in_this_process(jobs, *_how):
    """Do what :func:`run_jobs` does, which has tests of its own, without starting processes."""
    todo = [job for job in jobs if not job.done()]
    for job in todo:
        _python, _m, _training, *words = job.command()
        assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
        assert job.done()
    return Outcome(len(jobs))


def test_two_variants_are_trained_scored_and_compared_and_nothing_is_done_twice(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "run_jobs", in_this_process)
    monkeypatch.setattr(campaign.psutil.Process, "nice", lambda _process, _value: None)
    data = write_images(tmp_path / "data", 400, test=2)
    lines = (data / "manifest.csv").read_text().splitlines()
    random = np.random.default_rng(0)
    rows = [f"{line},{'adult' if random.random() < 0.75 else 'child'},a" for line in lines[1:]]
    (data / "manifest.csv").write_text("\n".join([f"{lines[0]},population,source", *rows]))
    recipe = (small_run / "recipe.toml").read_text()
    (tmp_path / "tiny.toml").write_text(recipe)
    words = ["shortcut", "--data", data, "--out", tmp_path / "out", "--teacher", small_run]
    words += ["--recipe", tmp_path / "tiny.toml", "--group", "population=adult"]
    words += ["--set", "augment.views=1", "--set", "optim.epochs=1"]
    for only in ("plain", "border"):
        done = CliRunner().invoke(app, [*map(str, words), "--only", only])
        assert done.exit_code == 0, (done.output, done.exception)
    found = read_scores(tmp_path / "out" / "shortcut.json")
    assert [one.variant for one in found] == [PLAIN, "border hidden"]
    assert set(found[0].hidden) == {LUNGS_HIDDEN, BORDER_ONLY}
    evaluated = json.loads((tmp_path / "out" / "border-hidden-0" / "evaluation.json").read_text())
    assert found[1].overall.mean == evaluated["overall"]["accuracy"]
    assert set(found[1].validation) == {ALL, "population=adult"}
    assert "border hidden" in (tmp_path / "out" / "shortcut.md").read_text()
    written = (tmp_path / "out" / "border-hidden-0" / "run.json").stat().st_mtime_ns
    again = CliRunner().invoke(app, [*map(str, words), "--only", "border"])
    assert "2 jobs done, 0 failed, 0 left" in again.output
    assert (tmp_path / "out" / "border-hidden-0" / "run.json").stat().st_mtime_ns == written
    wrong = CliRunner().invoke(app, [*map(str, words), "--only", "border", "--group", "source=b"])
    assert "The test split has no group 'source=b'" in str(wrong.exception)
    none = CliRunner().invoke(app, [*map(str, words), "--only", "nothing"])
    assert "No run's folder begins with nothing" in str(none.exception)
