"""Classification tasks: their classes in the field's words, and what kind of image each expects.

A task is a TOML file. Those of ``assets/tasks`` come with the program; the user's own lie in ``tasks`` of the data
folder; a bundle brings the one that it was trained for in its card.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.errors import TaskError, UsageError
from core.names import readable
from core.system.paths import package_tasks, user_tasks

MAX_TASK_BYTES = 500_000
MAX_CLASSES = 1000

TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
ClassId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _printable(self) -> Self:
        for name, value in self:
            if isinstance(value, str) and readable(value) != value:
                raise ValueError(f"{name} holds a control character")
        return self


class ClassLabel(_Part):
    """One class of a task.

    Attributes:
        id: the label as the data set writes it, e.g. ``lung_scc``.
        name: what a clinician calls it, e.g. ``Lung squamous cell carcinoma``.
    """

    id: ClassId
    name: Words


class Task(_Part):
    """A classification task.

    Attributes:
        id: the identifier used on the command line and in cards, e.g. ``chest-xray``.
        name: the name shown to a person.
        image_kind: the kind of image that the task's models were made for.
        image_kinds: the same in the plural.
        colour: whether its images are coloured, as histology is, or grey, as radiographs are.
        classes: the classes in the order of the networks' outputs, 2 to ``MAX_CLASSES``.
    """

    id: TaskId
    name: Words
    image_kind: Words = "image"
    image_kinds: Words = "images"
    colour: bool
    classes: tuple[ClassLabel, ...] = Field(min_length=2, max_length=MAX_CLASSES)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what in ("id", "name"):
            values = [getattr(label, what) for label in self.classes]
            if len(set(values)) != len(values):
                raise ValueError(f"two classes have the same {what}")
        return self

    @property
    def class_ids(self) -> tuple[str, ...]:
        """The class labels in the order of the networks' outputs."""
        return tuple(label.id for label in self.classes)

    def class_name(self, class_id: str) -> str:
        """Return the plain-language name of a class label.

        Raises:
            UsageError: if the task has no such class.
        """
        for label in self.classes:
            if label.id == class_id:
                return label.name
        raise UsageError(
            f"The task {self.id} has no class {class_id!r}.", remedy=f"Its classes are {', '.join(self.class_ids)}."
        )

    def has_labels_of(self, other: Task) -> bool:
        """Return whether another task has the same labels, in any order, and the same colour."""
        return self.colour == other.colour and sorted(self.class_ids) == sorted(other.class_ids)

    def in_order(self, class_ids: tuple[str, ...]) -> Task:
        """Return the task with its classes in the order of a network's outputs, which an imported one may have."""
        if class_ids == self.class_ids:
            return self
        return self.model_copy(update={"classes": tuple(sorted(self.classes, key=lambda c: class_ids.index(c.id)))})


def read_task(path: Path) -> Task:
    """Read a task from a TOML file.

    Raises:
        TaskError: if it can't be read, is no TOML, or a key is missing, unknown or out of bounds.
    """
    try:
        if not path.is_file():  # reading a pipe would never end
            raise TaskError("There is no such file.", path=path, remedy="Name a task's .toml file.")
        if path.stat().st_size > MAX_TASK_BYTES:
            raise TaskError("This is too large for a task.", path=path, remedy="Name a task's .toml file.")
        return Task.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as cause:
        raise TaskError(
            f"The task is not valid TOML ({cause}).", path=path, remedy="Correct the file, or remove it."
        ) from cause
    except ValidationError as cause:
        raise TaskError(
            f"The task is not valid: {_faults(cause)}.", path=path, remedy="Correct these keys, or remove the file."
        ) from cause


def _faults(cause: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'task'}: {e['msg']}" for e in cause.errors()[:5])


class Tasks(Mapping[str, Task]):
    """The known tasks by identifier: the program's, the user's own, then those that installed bundles brought.

    The user's files are read again when they change. A faulty one is passed over; :meth:`faults` says why.
    """

    def __init__(self) -> None:
        self._brought: dict[str, Task] = {}

    def __getitem__(self, task_id: str) -> Task:
        shipped = _shipped()
        return shipped[task_id] if task_id in shipped else self._others()[task_id]

    def __iter__(self) -> Iterator[str]:
        return iter({**_shipped(), **self._others()})

    def __len__(self) -> int:
        return len({**_shipped(), **self._others()})

    def own(self) -> Mapping[str, Task]:
        """Return the tasks of the user's files."""
        return _own(_state(user_tasks()))[0]

    def faults(self) -> tuple[TaskError, ...]:
        """Return what is wrong with the user's files."""
        return _own(_state(user_tasks()))[1]

    def without_brought(self, task_id: str) -> Task | None:
        """Return a task that is known without any bundle, or None."""
        return _shipped().get(task_id) or self.own().get(task_id)

    def set_brought(self, tasks: Mapping[str, Task]) -> None:
        """Take the tasks that the installed bundles bring, in place of those before."""
        self._brought = dict(tasks)

    def _others(self) -> dict[str, Task]:
        return {**self._brought, **self.own()}


TASKS = Tasks()


@cache
def _shipped() -> dict[str, Task]:
    found = map(read_task, sorted(package_tasks().glob("*.toml")))
    return {task.id: task for task in found}


_State = tuple[tuple[Path, int, int], ...]  # the files of a folder, with time of change and size


def _state(folder: Path) -> _State:
    try:
        found = ((path, path.stat()) for path in sorted(folder.glob("*.toml")))
        return tuple((path, about.st_mtime_ns, about.st_size) for path, about in found)
    except OSError:
        return ()


@cache
def _own(state: _State) -> tuple[dict[str, Task], tuple[TaskError, ...]]:
    """Return the tasks in the user's files, and what is wrong with files that hold none."""
    tasks: dict[str, Task] = {}
    faults = []
    for path, _time, _size in state:
        try:
            task = read_task(path)
            if task.id in _shipped() or task.id in tasks:
                raise TaskError(
                    f"There is another task {task.id}, which is used in its place.",
                    path=path,
                    remedy="Give this one another id, or remove the file.",
                )
            tasks[task.id] = task
        except TaskError as error:
            faults.append(error)
    return tasks, tuple(faults)


def is_shipped(task: Task) -> bool:
    """Return whether a task came with the program, as it is."""
    return _shipped().get(task.id) == task


def get_task(task_id: str) -> Task:
    """Return the task with this identifier.

    Raises:
        UsageError: if there is none.
    """
    try:
        return TASKS[task_id]
    except KeyError:
        raise UsageError(f"There is no task {task_id!r}.", remedy=f"The tasks are {', '.join(TASKS)}.") from None


def plain_task(task_id: str, class_ids: tuple[str, ...], *, colour: bool) -> Task:
    """Return a task of which nothing is known but its labels, which are its names, too; it is not validated."""
    labels = tuple(ClassLabel.model_construct(id=label, name=label) for label in class_ids)
    return Task.model_construct(id=task_id, name=task_id, colour=colour, classes=labels)
