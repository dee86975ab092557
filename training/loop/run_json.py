"""What ``run.json`` says about a run: enough to publish its network, and how it ended."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from core.images.preprocessing import Preprocessing
from core.names import readable
from training.data.decoded_images import ImageStore
from training.distillation.teachers import Teacher
from training.loop.checkpoint import Counters
from training.loop.events import Ended
from training.recipe import Recipe
from training.runs.folder import RunFolder
from training.runs.training_set import RunData


@dataclass(frozen=True)
class RunFacts:
    """What is known about a run once it has been prepared.

    Attributes:
        recipe: its recipe.
        data: its data.
        train: the images that are learned from.
        val: the images that choose the best epoch.
        how: the network's preprocessing.
        teachers: whom it learns from.
        started: what it started from, in words.
        parameters: number of parameters of the network.
        macs: multiply-accumulate operations of a forward.
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


def about_run(facts: RunFacts, counters: Counters, folder: RunFolder, ended: Ended) -> dict[str, Any]:
    """Return what ``run.json`` holds."""
    recipe = facts.recipe
    best = counters.rows[counters.best] if counters.best >= 0 else None
    finished = ended.status == "finished"
    return {
        "status": ended.status,
        "reason": ended.reason,
        "task": recipe.task,
        "classes": facts.data.classes,
        "role": recipe.role,
        "network": recipe.model.network,
        "head": recipe.model.head,
        "subnet": None if recipe.model.subnet is None else recipe.model.subnet.model_dump(),
        "parameters": facts.parameters,
        "macs": facts.macs,
        "preprocessing": facts.how.model_dump(),
        "started_from": facts.started,
        "lineage": list(facts.data.lineage),
        "teachers": [{"id": teacher.id, "weights_sha256": teacher.sha256} for teacher in facts.teachers],
        "seed": recipe.seed,
        "recipe_digest": recipe.digest(),
        "data_digest": facts.data.digest,
        "images": {"train": len(facts.train), "val": len(facts.val)},
        "unreadable": [{"file": name, "reason": why} for name, why in facts.train.unreadable + facts.val.unreadable],
        "epochs": recipe.optim.epochs,
        "epochs_done": counters.epoch,
        "best_epoch": None if best is None else int(best["epoch"]),
        "val": None if best is None else {key: best[f"val_{key}"] for key in ("loss", "accuracy", "macro_f1")},
        "seconds": sum(row["seconds"] for row in counters.rows) + counters.seconds,
        "weights_sha256": hashlib.sha256(folder.weights.read_bytes()).hexdigest() if finished else None,
    }


def about_data(facts: RunFacts) -> dict[str, Any]:
    """Return what ``data.json`` holds."""
    data, classes = facts.data, facts.data.classes
    counts = {
        split: {label: int((store.labels == i).sum()) for i, label in enumerate(classes)}
        for split, store in (("train", facts.train), ("val", facts.val))
    }
    test = Counter(row.label for row in data.split.of("test"))
    groups = [row.group for row in data.split.rows]
    return {
        "folder": str(data.folder.resolve()),
        "name": readable(data.dataset.name),
        "layout": data.dataset.kind,
        "split": data.dataset.split_made,
        "digest": data.digest,
        "contents": data.contents,
        "classes": classes,
        "counts": {**counts, "test": {label: test[label] for label in classes}},
        "groups": len(set(groups) - {""}),
        "ungrouped": groups.count(""),
        "unreadable": len(facts.train.unreadable) + len(facts.val.unreadable),
    }
