"""A task made of a data set's labels."""

import pytest
from dataset_samples import original_tile, radiograph, save
from typer.testing import CliRunner

from core.errors import UsageError
from core.system.paths import user_tasks
from core.tasks import TASKS, get_task
from training.cli.app import app
from training.data.dataset import DatasetError
from training.data.loading import read_samples
from training.data.new_task import task_of, write_task


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "own"))


def folders(place, names=("left_lung", "mRNA", "zebra"), coloured=0):
    """Two images of each class, so many of all in colour."""
    number = 0
    for name in names:
        for _ in range(2):
            picture = original_tile(number, 64) if number < coloured else radiograph(number)
            save(place / name / f"{number}.png", picture)
            number += 1
    return place


@pytest.mark.parametrize(("coloured", "colour"), [(0, False), (2, False), (3, True), (6, True)])
def test_most_images_decide_on_the_colour(coloured, colour, tmp_path):
    folder = folders(tmp_path / "My Data 1", coloured=coloured)
    made = task_of(read_samples(folder, {}), folder)
    assert (made.task.colour, made.looked_at, made.coloured) == (colour, 6, coloured)
    assert task_of(read_samples(folder, {}), folder, colour=not colour).task.colour == (not colour)
    assert (made.task.id, made.task.name) == ("my-data-1", "My-data-1")
    assert [label.name for label in made.task.classes] == ["Left lung", "mRNA", "Zebra"]
    assert made.images == {"left_lung": 2, "mRNA": 2, "zebra": 2}


def test_the_command_writes_a_file_that_is_a_task_at_once(tmp_path):
    folder = folders(tmp_path / "data")
    words = ["new-task", str(folder), "--id", "organs", "--image-kind", "scan of an organ", "--map", "zebra="]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "2 classes, greyscale (0 of 4 images" in done.stdout
    assert "--recipe own-teacher --task organs" in done.stdout
    task = get_task("organs")
    assert (task.class_ids, task.image_kinds) == (("left_lung", "mRNA"), "scans of an organ")
    assert (user_tasks() / "organs.toml").is_file()


def test_another_task_is_replaced_only_where_it_is_ones_own_and_that_is_wanted(tmp_path):
    folder = folders(tmp_path / "data")
    samples = read_samples(folder, {})
    first = task_of(samples, folder).task
    write_task(first)
    write_task(first)  # the same again
    other = task_of(samples, folder, name="Other").task
    with pytest.raises(UsageError, match="There is a task data already"):
        write_task(other)
    write_task(other, replace=True)
    assert TASKS["data"].name == "Other"
    with pytest.raises(UsageError, match="There is a task chest-xray already"):
        write_task(task_of(samples, folder, task_id="chest-xray").task, replace=True)


def test_what_makes_no_task_is_refused_with_the_reason(tmp_path):
    folder = folders(tmp_path / "data", ("one",))
    with pytest.raises(DatasetError, match="All images have one label, one"):
        task_of(read_samples(folder, {}), folder)
    folder = folders(tmp_path / "twice", ("left_lung", "left lung"))
    with pytest.raises(UsageError, match="two classes have the same name"):
        task_of(read_samples(folder, {}), folder)
    with pytest.raises(UsageError, match="id: String should match"):
        task_of(read_samples(folder, {"left lung": "x"}), folder, task_id="../x")
    assert not user_tasks().exists()
