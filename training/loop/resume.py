"""The run in a folder, and how it differs from the one that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import UsageError
from core.models.catalogue import read_catalogue
from core.names import path_from
from training.recipe import Recipe
from training.recipe_files import read_recipe
from training.runs.finished import is_run
from training.runs.folder import RunFolder
from training.runs.lineage import Ancestor, read_ancestors, read_teachers
from training.runs.records import RunRecord
from training.runs.split import RunSplit, read_split
from training.runs.training_set import RunData, open_run_data

# keys that may be other without making another run of it: how long it takes, and what is written down
FREE = ("optim.epochs", "optim.patience", "checkpoint_steps")
# keys that no checkpoint can be resumed with
FIXED = ("task", "size", "model.network", "model.head", "model.subnet")


@dataclass(frozen=True)
class Begun:
    """A run that lies in a folder.

    Attributes:
        recipe: its recipe.
        data: its data folder, or None where it is not on record.
        split: its images, or None where it keeps none, as runs of older versions.
        record: its ``run.json``.
        finished: whether it has ended with weights.
    """

    recipe: Recipe
    data: Path | None
    split: RunSplit | None
    record: RunRecord
    finished: bool


def read_begun(folder: RunFolder) -> Begun | None:
    """Return the run that lies in a folder, or None.

    Raises:
        UsageError: if its recipe is damaged.
        DatasetError: if its split is damaged.
    """
    if not folder.recipe.is_file():
        return None
    record, data = folder.read_result(), folder.read_data().folder
    return Begun(
        recipe=read_recipe(folder.recipe),
        data=None if data is None else path_from(data),
        split=read_split(folder.split),
        record=record,
        finished=record.finished and folder.weights.is_file(),
    )


def with_absolute_paths(recipe: Recipe) -> Recipe:
    """Return a recipe whose start and teachers are found from any folder; identifiers of bundles stay as they are."""

    def found(name: str) -> str:
        path = Path(name)
        if path.is_file() or is_run(path) or (path.is_dir() and name not in read_catalogue().bundles):
            return str(path.resolve())
        return name

    start = recipe.model.starts_from
    named = recipe.model.start
    if start.kind == "model":
        named = found(start.source)
    elif start.kind == "vgg16" and Path(start.source).is_file():
        named = f"vgg16:{Path(start.source).resolve()}"
    model = recipe.model.model_copy(update={"start": named})
    teachers = recipe.teachers.model_copy(update={"bundles": tuple(map(found, recipe.teachers.bundles))})
    return recipe.model_copy(update={"model": model, "teachers": teachers})


def open_data(
    recipe: Recipe, data: Path, folder: RunFolder, begun: Begun | None, *, accept_changes: bool = False
) -> RunData:
    """Open the data of a run; of one that lies in the folder already only as it began.

    Args:
        recipe: the recipe that is asked for.
        data: the data folder.
        folder: the run's folder.
        begun: the run that lies there, or None.
        accept_changes: whether recipe, images and teachers may be others than those that it began with.

    Raises:
        UsageError: if they are and may not be.
        DatasetError: if the data are unusable.
        BundleError: if a start or teacher is missing or damaged.
        RunError: if a start or teacher is an unfinished or damaged run.
    """
    classes = recipe.task.class_ids
    if begun is None:
        return open_run_data(data, classes, ancestors=read_ancestors(recipe), label_map=recipe.label_map)
    teachers = read_teachers(recipe)
    differences = recipe_differences(begun, recipe, folder) + teacher_differences(begun, teachers)
    found = open_run_data(data, classes, begun.split, teachers, recipe.label_map)
    if begun.split is None and (begun.record.data_digest or found.digest) != found.digest:
        found = replace(found, differences=("the list of images, labels and splits differs",))
    if not accept_changes:
        refuse([*differences, *found.differences], folder)
    lineage = found.lineage if begun.record.lineage is None else begun.record.lineage
    return replace(found, lineage=lineage, news=(*found.news, *differences))


def recipe_differences(begun: Begun, asked: Recipe, folder: RunFolder) -> list[str]:
    """Return which keys of the recipe are other ones now, with both values; those that may be are left out.

    Raises:
        UsageError: if no checkpoint can be resumed with a change.
    """
    changes = dict(_changes(_dumped(begun.recipe), _dumped(asked)))
    if kept := [f"{key}: {change}" for key, change in changes.items() if key.startswith(FIXED)]:
        raise UsageError(
            f"The run in this folder is of another network: {'; '.join(kept)}.",
            path=folder.path,
            remedy="Name another folder.",
        )
    done = begun.record.epochs_done
    if asked.optim.epochs < done:
        raise UsageError(
            f"The run here has {done} epochs done, more than the {asked.optim.epochs} asked for.",
            path=folder.path,
            remedy="Ask for more epochs, or name another folder.",
        )
    return [f"{key}: {change}" for key, change in changes.items() if key not in FREE]


def teacher_differences(begun: Begun, teachers: Sequence[Ancestor]) -> list[str]:
    """Return which teachers have other weights than when the run began."""
    before = [teacher.weights_sha256 for teacher in begun.record.teachers]
    if len(before) != len(teachers):
        return []  # the recipe's differences name it
    return [
        f"{teacher.name} has other weights ({old[:12]} → {teacher.sha256[:12]})"
        for old, teacher in zip(before, teachers, strict=True)
        if old != teacher.sha256
    ]


def refuse(differences: Sequence[str], folder: RunFolder) -> None:
    """Refuse to resume a run as another one.

    Raises:
        UsageError: if there are differences.
    """
    if differences:
        raise UsageError(
            f"This differs from the run in this folder: {'; '.join(differences)}.",
            path=folder.path,
            remedy="Use what the run began with, name another folder, or accept the changes with --accept-changes.",
        )


def _dumped(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe without the words of its task, which a network does not depend on."""
    task = recipe.task
    return {
        **recipe.model_dump(mode="json"),
        "task": task.id,
        "task.classes": ", ".join(task.class_ids),
        "task.colour": task.colour,
    }


def _changes(before: dict[str, Any], now: dict[str, Any], table: str = "") -> Iterator[tuple[str, str]]:
    for key in {**before, **now}:
        old, new, name = before.get(key), now.get(key), f"{table}{key}"
        if isinstance(old, dict) and isinstance(new, dict) and key != "subnet":
            yield from _changes(old, new, f"{name}.")
        elif old != new:
            yield name, f"{old} → {new}"
