"""Is it the same run? What lies in a run's folder, and how it differs from what is asked for now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import UsageError
from core.models.catalogue import read_catalogue
from core.tasks import get_task
from training.recipe import Recipe, read_recipe
from training.runs.finished import is_run
from training.runs.folder import RunFolder
from training.runs.lineage import Forebear, read_forebears, read_teachers
from training.runs.split import RunSplit, read_split
from training.runs.training_set import RunData, open_run_data

# keys that may be other without making another run of it: how long it takes, and what is written down
FREE = ("optim.epochs", "optim.patience", "checkpoint_steps")
# keys that no checkpoint can go on with
FIXED = ("task", "size", "model.network", "model.head", "model.subnet")


@dataclass(frozen=True)
class Begun:
    """A run that lies in a folder.

    Attributes:
        recipe: its recipe.
        data: its data folder, or None where it does not say.
        split: its images, or None where it keeps none, as runs of older versions.
        result: what its ``run.json`` says.
        finished: whether it has ended with weights.
    """

    recipe: Recipe
    data: Path | None
    split: RunSplit | None
    result: dict[str, Any]
    finished: bool

    @property
    def epochs_done(self) -> int:
        """How many epochs it has behind it, as far as it has noted them."""
        return int(self.result.get("epochs_done", 0))


def read_begun(folder: RunFolder) -> Begun | None:
    """Return the run that lies in a folder, or None.

    Raises:
        UsageError: if its recipe is damaged.
        DatasetError: if its split is damaged.
    """
    if not folder.recipe.is_file():
        return None
    result, data = folder.read_result(), folder.read_data().get("folder")
    return Begun(
        recipe=read_recipe(folder.recipe),
        data=None if data is None else Path(str(data)),
        split=read_split(folder.split),
        result=result,
        finished=result.get("status") == "finished" and folder.weights.is_file(),
    )


def with_absolute_paths(recipe: Recipe) -> Recipe:
    """Return a recipe whose start and teachers are found from any folder; identifiers of bundles stay as they are."""

    def found(name: str) -> str:
        kind, _, file = name.partition(":")
        if kind == "vgg16" and Path(file).is_file():
            return f"vgg16:{Path(file).resolve()}"
        path = Path(name)
        if path.is_file() or is_run(path) or (path.is_dir() and name not in read_catalogue().bundles):
            return str(path.resolve())
        return name

    model = recipe.model.model_copy(update={"start": found(recipe.model.start)})
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
    classes = get_task(recipe.task).class_ids
    if begun is None:
        return open_run_data(data, classes, forebears=read_forebears(recipe), label_map=recipe.label_map)
    teachers = read_teachers(recipe)
    differences = recipe_differences(begun, recipe, folder) + teacher_differences(begun, teachers)
    found = open_run_data(data, classes, begun.split, teachers, recipe.label_map)
    if begun.split is None and begun.result.get("data_digest", found.digest) != found.digest:
        found = replace(found, differences=("the list of images, labels and splits is another one",))
    if not accept_changes:
        refuse([*differences, *found.differences], folder)
    lineage = begun.result.get("lineage", found.lineage)
    return replace(found, lineage=tuple(lineage), news=(*found.news, *differences))


def recipe_differences(begun: Begun, asked: Recipe, folder: RunFolder) -> list[str]:
    """Return which keys of the recipe are other ones now, with both values; those that may be are left out.

    Raises:
        UsageError: if no checkpoint can go on with a change.
    """
    changes = dict(_changes(begun.recipe.model_dump(mode="json"), asked.model_dump(mode="json")))
    if kept := [f"{key}: {change}" for key, change in changes.items() if key.startswith(FIXED)]:
        raise UsageError(
            f"The run here is of another network: {'; '.join(kept)}.",
            path=folder.path,
            remedy="Name another folder.",
        )
    if asked.optim.epochs < begun.epochs_done:
        raise UsageError(
            f"The run here has {begun.epochs_done} epochs behind it, more than the {asked.optim.epochs} asked for.",
            path=folder.path,
            remedy="Ask for more epochs, or name another folder.",
        )
    return [f"{key}: {change}" for key, change in changes.items() if key not in FREE]


def teacher_differences(begun: Begun, teachers: Sequence[Forebear]) -> list[str]:
    """Return which teachers have other weights than when the run began."""
    before = [str(teacher.get("weights_sha256")) for teacher in begun.result.get("teachers", ())]
    if len(before) != len(teachers):
        return []  # which the recipe says
    return [
        f"{teacher.name} has other weights ({old[:12]} → {teacher.sha256[:12]})"
        for old, teacher in zip(before, teachers, strict=True)
        if old != teacher.sha256
    ]


def refuse(differences: Sequence[str], folder: RunFolder) -> None:
    """Refuse to go on with a run as another one.

    Raises:
        UsageError: if there are differences.
    """
    if differences:
        raise UsageError(
            f"This is not the run that lies here: {'; '.join(differences)}.",
            path=folder.path,
            remedy="Go on with what it began with, name another folder, or take the changes with --accept-changes.",
        )


def _changes(before: dict[str, Any], now: dict[str, Any], table: str = "") -> Iterator[tuple[str, str]]:
    for key in {**before, **now}:
        old, new, name = before.get(key), now.get(key), f"{table}{key}"
        if isinstance(old, dict) and isinstance(new, dict) and key != "subnet":
            yield from _changes(old, new, f"{name}.")
        elif old != new:
            yield name, f"{old} → {new}"
