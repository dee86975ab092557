"""Which task an image belongs to, where nobody says: by its colour, then by the installed models' novelty gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import numpy as np

from core.errors import BundleError
from core.images.medical_image import MedicalImage
from core.images.preprocessing import prepare
from core.models.bundle import Bundle
from core.models.card import Role
from core.models.catalogue import Catalogue
from core.tasks import TASKS, Task
from core.uncertainty.novelty import NoveltyGate
from core.uncertainty.thumbnail import thumbnail

ReadGate = Callable[[Bundle], NoveltyGate | None]


def task_of_image(image: MedicalImage | None, catalogue: Catalogue, gate_of: ReadGate) -> Task:
    """Return the task whose images an image resembles most.

    Tasks come into question that have a teacher and a student. With no more than one of grey and one of coloured images
    the colour decides. Else the gate of each task's student gives a score: of the tasks of the image's colour the
    lowest one wins, unless none of them knows the image and one of another colour does. A task without a gate is taken
    only where no gate is installed, the first in the order of ``TASKS``.

    Args:
        image: the opened image; None for the task of grey images, to load its models ahead.
        catalogue: the installed models.
        gate_of: reads the gate of a bundle.
    """
    installed = [t for t in TASKS.values() if all(catalogue.of_task(t.id, role) for role in get_args(Role))]
    colour = image is not None and not image.is_grey
    fitting = [task for task in installed if task.colour == colour] or installed
    if image is None or len({task.colour for task in installed}) == len(installed):
        return next(iter(fitting or TASKS.values()))
    score, best = _nearest(image, fitting, catalogue, gate_of)
    others = [task for task in installed if task not in fitting]
    if score > NoveltyGate.threshold and others:
        other_score, other = _nearest(image, others, catalogue, gate_of)
        best = other if other_score <= NoveltyGate.threshold else best
    return best


def _nearest(image: MedicalImage, tasks: list[Task], catalogue: Catalogue, gate_of: ReadGate) -> tuple[float, Task]:
    """Return the lowest score of the tasks' gates, and whose it is."""
    scores = [_score(image, catalogue.find(task.id, "student"), gate_of) for task in tasks]
    return min(scores), tasks[int(np.argmin(scores))]


def _score(image: MedicalImage, bundle: Bundle, gate_of: ReadGate) -> float:
    """Return the score of a bundle's gate, up to 1 for an image that it knows; infinite without a gate."""
    try:
        gate = gate_of(bundle)
    except BundleError:  # it is reported when the model is loaded
        return np.inf
    if gate is None:
        return np.inf
    how = bundle.card.preprocessing
    return float(gate.scores(thumbnail(prepare(image, how).gate_batch, how))[0])
