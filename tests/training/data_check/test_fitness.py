"""What training refuses, check-data refuses first; and labels are mapped."""

import csv
import json
import subprocess
import sys
from collections import Counter

import pytest
from dataset_samples import radiograph, save
from tiny_training import CLASSES, tiny_recipe, write_images

from core.errors import UsageError
from core.tasks import TASKS
from training.cli.data_check import run_check
from training.data.label_map import label_map_of, parse_label_map
from training.data.loading import DatasetError, open_dataset
from training.data.unreadable import MAX_SHARE
from training.data_check.check import check
from training.evaluation.scored_data import open_scored
from training.recipe import to_toml
from training.recipe_files import read_recipe
from training.runs.networks import find_bundle
from training.runs.training_set import open_run_data

KAGGLE = {"COVID": "COVID-19", "Lung_Opacity": "Non-COVID", "Viral Pneumonia": "Non-COVID"}


def radiography_database(folder, each=6):
    """The COVID-19 Radiography Database as it lies after unzipping, with fewer images."""
    top = folder / "COVID-19_Radiography_Dataset"
    for kind, label in enumerate([*KAGGLE, "Normal"]):
        for number in range(each):
            for where, seed in (("images", 100 * kind + number), ("masks", 5000)):
                save(top / label / where / f"{label}-{number + 1}.png", radiograph(seed, side=24))
        (top / f"{label}.metadata.xlsx").write_bytes(b"PK\x03\x04")
    (top / "README.md.txt").write_text("COVID-19 CHEST X-RAY DATABASE")
    return folder


def rows_of(folder, change):
    """Return a small healthy data set whose manifest rows were changed."""
    write_images(folder, images=30, test=1)
    with (folder / "manifest.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    rows = [changed for i, row in enumerate(rows) if (changed := change(i, row))]
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return folder


def training_refuses(folder):
    """Whether no task's training takes a data set: it is opened as a run opens it."""
    for task in TASKS.values():
        try:
            data = open_run_data(folder, task.class_ids)
        except DatasetError:
            continue
        for samples in (data.train, data.val):
            if sum(s.path.stat().st_size == 0 for s in samples) > MAX_SHARE * len(samples):
                return True
        return False
    return True


REFUSED = {
    "labels": lambda i, row: [row[0], "Flu" if i == 4 else row[1], row[2]],
    "no-train": lambda i, row: row if row[2] == "test" else None,
    "no-val": lambda i, row: [*row[:2], ""] if i == 0 else None,
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_training_refuses_is_an_error_of_the_check(code, tmp_path):
    folder = rows_of(tmp_path, REFUSED[code])
    assert training_refuses(folder)
    assert code in {f.code for f in check(open_dataset(folder)).findings if f.severity == "error"}


def test_labels_of_two_tasks_together_are_refused(tmp_path):
    folder = rows_of(tmp_path, lambda i, row: [row[0], "lung_n" if i % 3 else "Normal", row[2]])
    assert training_refuses(folder)
    assert "labels" in {f.code for f in check(open_dataset(folder)).findings if f.severity == "error"}


def test_labels_of_no_task_are_a_warning_that_names_the_command(tmp_path):
    folder = rows_of(tmp_path, lambda i, row: [row[0], "covid" if i % 3 else "fox", row[2]])
    found = check(open_dataset(folder))
    (labels,) = [finding for finding in found.findings if finding.code == "own-labels"]
    assert (labels.severity, found.has_errors) == ("warning", False)
    assert "new-task" in labels.text
    assert [line.partition(";")[2] for line in labels.examples] == [" --map covid=COVID-19 ?", ""]


def test_empty_files_are_errors_before_they_are_too_many_for_training(tmp_path):
    folder = rows_of(tmp_path, lambda i, row: row)
    assert not training_refuses(folder)
    assert not check(open_dataset(folder)).has_errors
    for number in range(0, 30, 4):
        (folder / f"{number:03d}.png").write_bytes(b"")
    assert training_refuses(folder)
    assert check(open_dataset(folder)).has_errors


def test_a_set_for_testing_only_can_be_opened_to_score_a_network(tmp_path):
    folder = rows_of(tmp_path, REFUSED["no-train"])
    assert Counter(s.split for s in open_dataset(folder).samples) == {"test": 3}


def test_a_recipe_makes_the_check_stricter(tmp_path):
    dataset = open_dataset(rows_of(tmp_path, lambda i, row: row))
    for recipe, code in (
        (tiny_recipe(optim__batch=10), None),
        (tiny_recipe(optim__batch=64), "batch"),
        (tiny_recipe(task="lung-colon"), "labels"),
    ):
        errors = {f.code for f in check(dataset, recipe=recipe).findings if f.severity == "error"}
        assert errors == ({code} if code else set())


def test_the_radiography_database_is_read_as_it_lies_with_a_label_map(tmp_path):
    radiography_database(tmp_path)
    plain = check(open_dataset(tmp_path))
    (refused,) = [f for f in plain.findings if f.severity == "error"]
    assert refused.code == "labels"
    assert "COVID: 6 images; --map COVID=COVID-19 ?" in refused.examples
    assert plain.labels == {**dict.fromkeys(KAGGLE, 6), "Normal": 6}
    mapped = open_dataset(tmp_path, label_map=KAGGLE)
    report = check(mapped)
    assert not report.has_errors
    assert Counter(s.label for s in mapped.samples) == {"COVID-19": 6, "Non-COVID": 12, "Normal": 6}
    assert report.left_out == {"a mask": 24, "no image": 5}
    data = open_run_data(tmp_path, CLASSES, label_map=KAGGLE)
    assert {s.label for s in data.train} <= set(CLASSES)


def test_a_label_that_is_mapped_to_nothing_is_left_out_and_listed(tmp_path):
    radiography_database(tmp_path)
    report = check(open_dataset(tmp_path, label_map={**KAGGLE, "Viral Pneumonia": "", "Flu": "Normal"}))
    assert report.left_out["of a label that is mapped to nothing"] == 6
    assert sum(report.classes["Non-COVID"].values()) == 6
    (unused,) = [f for f in report.findings if f.code == "unused-map"]
    assert unused.examples == ("Flu",)


def test_label_maps_of_the_command_line():
    assert parse_label_map(["COVID=COVID-19", " a = b ", "x=", "1+1=2=Normal"]) == {
        "COVID": "COVID-19", "a": "b", "x": "", "1+1=2": "Normal",
    }  # fmt: skip
    for wrong in (["COVID"], ["=Normal"], ["a=b", "a=c"]):
        with pytest.raises(UsageError):
            parse_label_map(wrong)


def test_the_command_takes_a_label_map_or_a_recipe_with_one(tmp_path):
    radiography_database(tmp_path / "data", each=12)
    recipe = tmp_path / "own.toml"
    recipe.write_text(to_toml(tiny_recipe(label_map=KAGGLE)))
    maps = [word for old, new in KAGGLE.items() for word in ("--map", f"{old}={new}")]
    assert run_check(tmp_path / "data", True, None, recipe=read_recipe(recipe)) == 0
    assert run_check(tmp_path / "data", True, None) == 1
    for words, code in ((maps, 0), (["--map", "COVID"], 2)):
        line = [sys.executable, "-m", "training", "check-data", str(tmp_path / "data"), "--json", *words]
        answer = subprocess.run(line, capture_output=True, encoding="utf-8", check=False)
        assert answer.returncode == code, answer.stderr
        if code == 0:
            assert json.loads(answer.stdout)["label_map"] == KAGGLE


def test_a_network_is_scored_on_mapped_labels_and_a_run_by_its_own_map(tmp_path):
    folder = radiography_database(tmp_path / "data", each=20)
    bundle = find_bundle("chest-xray/student-ofa595")
    assert label_map_of(bundle.directory) == {}
    scored = open_scored(bundle, folder, label_map=KAGGLE).of("test", CLASSES)
    assert scored == [s for s in open_dataset(folder, label_map=KAGGLE).samples if s.split == "test"]
    with pytest.raises(DatasetError, match="--map COVID=CLASS"):
        open_scored(bundle, folder).of("test", CLASSES)
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.toml").write_text(to_toml(tiny_recipe(label_map=KAGGLE)))
    assert label_map_of(run) == KAGGLE
