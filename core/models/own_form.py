"""What a person, or the file itself, states of a network of the user's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import ValidationError

from core.errors import UsageError
from core.images.preprocessing import Preprocessing
from core.models.card import Role
from core.models.catalogue import find_task
from core.tasks import ClassLabel, Task

MAX_METADATA = 100_000  # characters of an entry that is read
Channels = tuple[float, float, float]
MEAN: Channels = (0.485, 0.456, 0.406)  # of ImageNet, as most networks were trained with
STD: Channels = (0.229, 0.224, 0.225)


class Guess(TypedDict, total=False):
    """What a file says of its model."""

    mean: Channels
    std: Channels
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """What a person says of a network of their own.

    Attributes:
        task: the task.
        classes: its labels in the order of the network's outputs.
        role: ``teacher`` or ``student``.
        name: the network's name; for weights of timm, timm's.
        mean: per channel, of values in [0, 1].
        std: per channel.
        size: height and width of the input, or None for what the file says.
        tensor: the value in the graph that heat maps are made of, ``none``, or None for the first that is proved.
    """

    task: Task
    classes: tuple[str, ...]
    role: Role
    name: str
    mean: Channels = MEAN
    std: Channels = STD
    size: tuple[int, int] | None = None
    tensor: str | None = None

    @classmethod
    def of(
        cls,
        classes: tuple[str, ...],
        task: str,
        new_task: str,
        *,
        colour: bool,
        role: Role,
        name: str,
        mean: Channels | None = None,
        std: Channels | None = None,
        size: tuple[int, int] | None = None,
        tensor: str | None = None,
    ) -> Form:
        """Return the form for an installed task, or for a new one with these classes.

        Raises:
            UsageError: if the task is not installed or has other classes, or the new one is none.
        """
        known = find_task(task) if task else _new_task(new_task, classes, colour=colour)
        if sorted(known.class_ids) != sorted(classes):
            raise UsageError(
                f"The task {known.id} has the classes {', '.join(known.class_ids)}, not {', '.join(classes)}.",
                remedy="Name these, in the order of the model's outputs, or give --new-task.",
            )
        return cls(known, classes, role, name, mean or MEAN, std or STD, size, tensor)

    def preprocessing(self, size: tuple[int, int]) -> Preprocessing:
        """Return how an image becomes the network's input.

        Raises:
            UsageError: if size, mean or deviation are out of range.
        """
        try:
            return Preprocessing(
                height=size[0],
                width=size[1],
                channels="rgb" if self.task.colour else "grey",
                mean=self.mean,
                std=self.std,
            )
        except ValidationError as cause:
            raise UsageError(
                f"The model's input can't be made: {cause.errors()[0]['msg']} ({cause.errors()[0]['loc'][0]}).",
                remedy="Networks take images of 32 to 1024 pixels a side.",
            ) from cause


def _new_task(name: str, classes: tuple[str, ...], *, colour: bool) -> Task:
    """Return a task of a user's own.

    Raises:
        UsageError: if it has fewer than two classes, or two of one name.
    """
    try:
        labels = tuple(ClassLabel(id=label, name=label) for label in classes)
        return Task(id=identifier(name), name=name, colour=colour, classes=labels)
    except ValidationError as cause:
        raise UsageError(
            f"This is no task: {cause.errors()[0]['msg']}.", remedy="Name two or more classes, e.g. --classes cat,dog."
        ) from cause


def stated_in(metadata: Mapping[str, str]) -> Guess:
    """Return what an ONNX file says of its classes and its preprocessing, as far as it can be understood.

    Understood are the keys ``mean``, ``std``, and ``classes``, ``labels`` or ``names`` (as Ultralytics writes it), with
    JSON or a Python literal.
    """
    found: Guess = {}
    for key in ("mean", "std"):
        numbers = _literal(metadata.get(key, ""))
        if isinstance(numbers, list | tuple) and len(numbers) == 3 and all(isinstance(n, int | float) for n in numbers):
            found[key] = (float(numbers[0]), float(numbers[1]), float(numbers[2]))
    for key in ("classes", "labels", "names"):
        names = _literal(metadata.get(key, ""))
        if isinstance(names, dict):
            names = [names[index] for index in sorted(names)]
        if isinstance(names, list | tuple) and len(names) >= 2 and all(isinstance(name, str) for name in names):
            found["classes"] = tuple(names)
    return found


def _literal(text: str) -> Any:  # noqa: ANN401 - it is told apart where it is used
    with suppress(ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return ast.literal_eval(text) if len(text) <= MAX_METADATA else None
    return None


def identifier(name: str) -> str:
    """Return a name as an identifier, e.g. ``My-network``."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-._")[:60] or "own"
