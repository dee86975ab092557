"""Make a task of a data set's own labels, as a TOML file that the program finds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from core.errors import ImageError, UsageError
from core.images.reader import read_image
from core.models.catalogue import read_catalogue
from core.system.atomic_files import make_folder, written_whole
from core.system.paths import user_tasks
from core.tasks import TASKS, Task
from training.data.dataset import DatasetError, Sample
from training.data.fingerprints import COLOURED

LOOKED_AT = 200  # images whose colours decide
HEAD = "# All names may be changed. The id, colour, and the ids and order of the classes belong to the models.\n"


@dataclass(frozen=True)
class NewTask:
    """A task made of labels.

    Attributes:
        task: the task.
        images: how many images each class has.
        looked_at: how many images were opened to see whether they have colours.
        coloured: how many of them have.
    """

    task: Task
    images: dict[str, int]
    looked_at: int
    coloured: int


def task_of(
    samples: list[Sample],
    folder: Path,
    *,
    task_id: str | None = None,
    name: str | None = None,
    image_kind: str | None = None,
    colour: bool | None = None,
) -> NewTask:
    """Return a task whose classes are the labels of samples, in alphabetical order.

    Args:
        samples: the data set.
        folder: its folder, after which the task is called where it has no other name.
        task_id: the task's identifier.
        name: what it is called.
        image_kind: what one of its images is called, e.g. ``photograph of a leaf``.
        colour: whether its images are coloured; None to see it from the images.

    Raises:
        DatasetError: if there are fewer than two labels, or no image can be opened.
        UsageError: if a label or name does not do for a task.
    """
    images = dict(sorted(Counter(sample.label for sample in samples).items()))
    if len(images) < 2:
        raise DatasetError(
            f"All images have one label, {next(iter(images), '')}.",
            path=folder,
            remedy="A task needs two classes at least: a folder for each.",
        )
    looked_at, coloured = (0, 0) if colour is not None else _colours(samples, folder)
    kinds = {} if image_kind is None else {"image_kind": image_kind, "image_kinds": _several(image_kind)}
    found = task_id or re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._").lower()[:64]
    try:
        task = Task.model_validate(
            {
                "id": found,
                "name": name or _words(found),
                "colour": coloured >= COLOURED * looked_at if colour is None else colour,
                "classes": [{"id": label, "name": _words(label)} for label in images],
                **kinds,
            }
        )
    except ValidationError as cause:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'task'}: {e['msg']}" for e in cause.errors()[:5])
        raise UsageError(
            f"This does not make a task: {faults}.", path=folder, remedy="Rename labels with --map, or name --id."
        ) from cause
    return NewTask(task, images, looked_at, coloured)


def write_task(task: Task, *, replace: bool = False) -> Path:
    """Write a task among the user's own and return its file.

    Args:
        task: the task.
        replace: whether another one in a file of this name is replaced.

    Raises:
        UsageError: if there is another task of this identifier.
        WriteError: if it can't be written.
    """
    import tomli_w

    read_catalogue()
    path = user_tasks() / f"{task.id}.toml"
    known = TASKS.get(task.id)
    if known is not None and known != task and not (replace and task.id in TASKS.own()):
        raise UsageError(
            f"There is a task {task.id} already, with the classes {', '.join(known.class_ids)}.",
            path=path if path.exists() else None,
            remedy="Name another --id, or replace your own with --replace.",
        )
    make_folder(path.parent)
    with written_whole(path) as file:
        file.write(HEAD + tomli_w.dumps(task.model_dump(mode="json")))
    return path


def _words(label: str) -> str:
    """Return a label as words: ``lung_scc`` becomes ``Lung scc``; one that has capitals stays as it is written."""
    words = label.replace("_", " ").strip()
    if words == words.lower():
        words = words[:1].upper() + words[1:]
    return words or label


def _several(kind: str) -> str:
    """Return the plural of a kind of image: photographs of a leaf, leaf photographs."""
    head, of, rest = kind.partition(" of ")
    return f"{head}s{of}{rest}"


def _colours(samples: list[Sample], folder: Path) -> tuple[int, int]:
    """Return how many images, evenly spread over the data set, were opened, and how many of them have colours."""
    ordered = sorted(samples, key=lambda sample: (sample.label, sample.path))
    grey: list[bool] = []
    for sample in ordered[:: -(-len(ordered) // LOOKED_AT)]:
        try:
            grey.append(read_image(sample.path).is_grey)
        except ImageError:
            continue
    if not grey:
        raise DatasetError("No image can be opened.", path=folder, remedy="check-data says why.")
    return len(grey), grey.count(False)
