"""What is known about a run, as records for its ``run.json`` and ``data.json``."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import Preprocessing
from core.tasks import is_shipped
from training.data.decoded_images import ImageStore
from training.data.subgroups import Grouping
from training.distillation.teachers import Teacher
from training.loop.checkpoint import Counters
from training.loop.events import Ended
from training.recipe import Recipe
from training.runs.folder import RunFolder
from training.runs.records import BestScores, DataRecord, RunRecord, TeacherRecord, UnreadableRecord
from training.runs.training_set import RunData


@dataclass(frozen=True)
class RunFacts:
    """What is known about a run once it has been prepared.

    Attributes:
        recipe: its recipe.
        data: its data.
        train: the training images.
        val: the validation images, which select the best epoch.
        how: the network's preprocessing.
        teachers: its teachers.
        started: the starting weights, in words.
        parameters: number of parameters of the network.
        macs: multiply-accumulate operations of a forward.
        grouping: the groups of the training images, None where the recipe has none.
        val_groups: the group of each validation image, shape (N,), likewise.
    """

    recipe: Recipe
    data: RunData
    train: ImageStore
    val: ImageStore
    how: Preprocessing
    teachers: list[Teacher]
    started: str
    parameters: int
    macs: int
    grouping: Grouping | None = None
    val_groups: npt.NDArray[np.int64] | None = None


def run_record(facts: RunFacts, counters: Counters, folder: RunFolder, ended: Ended) -> RunRecord:
    """Return the content of ``run.json``."""
    recipe = facts.recipe
    best = counters.rows[counters.best] if counters.best >= 0 else None
    unreadable = facts.train.unreadable + facts.val.unreadable
    return RunRecord(
        status=ended.status,
        reason=ended.reason,
        task=recipe.task.id,
        definition=None if is_shipped(recipe.task) else recipe.task,
        classes=facts.data.classes,
        role=recipe.role,
        network=recipe.model.network,
        head=recipe.model.head,
        subnet=recipe.model.subnet,
        parameters=facts.parameters,
        macs=facts.macs,
        preprocessing=facts.how,
        started_from=facts.started,
        lineage=facts.data.lineage,
        teachers=tuple(TeacherRecord(id=one.id, weights_sha256=one.sha256) for one in facts.teachers),
        seed=recipe.seed,
        recipe_digest=recipe.digest(),
        data_digest=facts.data.digest,
        images={"train": len(facts.train), "val": len(facts.val)},
        unreadable=tuple(UnreadableRecord(file=name, reason=why) for name, why in unreadable),
        epochs=recipe.optim.epochs,
        epochs_done=counters.epoch,
        best_epoch=None if best is None else int(best["epoch"]),
        val=None
        if best is None
        else BestScores(loss=best["val_loss"], accuracy=best["val_accuracy"], macro_f1=best["val_macro_f1"]),
        seconds=sum(row["seconds"] for row in counters.rows) + counters.seconds,
        weights_sha256=hashlib.sha256(folder.weights.read_bytes()).hexdigest() if ended.status == "finished" else None,
    )


def data_record(facts: RunFacts) -> DataRecord:
    """Return the content of ``data.json``."""
    data, classes = facts.data, facts.data.classes
    counts = {
        split: {label: int((store.labels == i).sum()) for i, label in enumerate(classes)}
        for split, store in (("train", facts.train), ("val", facts.val))
    }
    test = Counter(row.label for row in data.split.of("test"))
    groups = [row.group for row in data.split.rows]
    return DataRecord(
        folder=str(data.folder.resolve()),
        name=data.dataset.name,
        layout=data.dataset.kind,
        split=data.dataset.split_made,
        digest=data.digest,
        contents=data.contents,
        classes=classes,
        counts={**counts, "test": {label: test[label] for label in classes}},
        groups=len(set(groups) - {""}),
        ungrouped=groups.count(""),
        unreadable=len(facts.train.unreadable) + len(facts.val.unreadable),
    )
