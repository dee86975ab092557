"""From the worklist's results to what performance is computed of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.compare.ground_truth import Labels
from core.performance.observations import UNKNOWN, Observations, telling_groups
from core.records.review import Review
from core.tasks import Task, get_task
from gui.engine.result import FileResult

IDENTITIES = frozenset({"path", "label", "patient_id", "group_id"})  # columns of a manifest that are no groups


@dataclass(frozen=True)
class Analysed:
    """One image of the worklist with all that was found of it."""

    path: Path
    result: FileResult
    review: Review


def observations(analysed: Sequence[Analysed]) -> list[Observations]:
    """Return the images by task; reads manifests, so not in the window's thread.

    Images of which a prediction is withheld are only counted.
    """
    by_task: dict[str, list[Analysed]] = {}
    for one in analysed:
        by_task.setdefault(one.result.record.task, []).append(one)
    labels = Labels()
    return [_of_task(get_task(name), found, labels) for name, found in by_task.items()]


def _of_task(task: Task, analysed: Sequence[Analysed], labels: Labels) -> Observations:
    counted = [one for one in analysed if not one.result.novel]
    records = [one.result.record for one in counted]
    known = [labels.of(one.path.absolute(), task) for one in counted]
    read = [one.review.reading for one in counted]
    classes = task.class_ids

    def probabilities(model: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        rows = [[getattr(record, model).probabilities[label] for label in classes] for record in records]
        return np.array(rows, np.float64).reshape(len(rows), len(classes))

    def indices(names: Sequence[str | None]) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        return np.array([classes.index(name) if name in classes else UNKNOWN for name in names], np.intp)

    return Observations(
        task=task,
        paths=tuple(one.path for one in counted),
        teacher=probabilities("teacher"),
        student=probabilities("student"),
        label=indices(known),
        reading=indices(read),
        groups=telling_groups(_groups(counted, task, labels)),
        withheld=len(analysed) - len(counted),
    )


def _groups(counted: Sequence[Analysed], task: Task, labels: Labels) -> dict[str, tuple[str, ...]]:
    """Return what the images could be grouped by: a manifest's columns, folders not named after classes, the file."""
    stated = [labels.columns_of(one.path.absolute()) for one in counted]
    names = dict.fromkeys(name for row in stated for name in row if name.lower() not in IDENTITIES)
    groups = {name: tuple(row.get(name, "") for row in stated) for name in names}
    folders = tuple(one.path.parent.name for one in counted)
    if not {folder.lower() for folder in folders} <= {label.lower() for label in task.class_ids}:
        groups["Folder"] = folders
    groups["Modality"] = tuple(one.result.record.image.modality or "" for one in counted)
    groups["Format"] = tuple(one.result.record.image.format for one in counted)
    return groups
