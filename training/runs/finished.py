"""A finished run's folder, read as a model that has not been published yet."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from core.errors import UsageError
from core.models.architectures import build_network, count_macs, count_parameters
from core.models.bundle import WEIGHTS_FILE, Bundle
from core.models.card import Card, DataSet, Training
from core.tasks import TASKS
from training.runs.card_texts import NOT_STATED
from training.runs.folder import RunFolder
from training.runs.records import RunError, RunRecord, read_record

RUN_FILE = "run.json"


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a run, not a bundle."""
    return (folder / RUN_FILE).is_file()


def read_run(folder: Path) -> Bundle:
    """Return a run's weights with a card made of the run's records; nothing is written.

    Raises:
        RunError: if the folder holds no finished run with its weights, or its facts do not make a card.
    """
    run = read_record(folder / RUN_FILE, RunRecord)
    if not run.finished:
        raise RunError(f"The run's status is {run.status or 'not known'}.", path=folder, remedy="Resume it (--resume).")
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise RunError("The run has no weights yet.", path=folder, remedy="Let it finish, or resume it.")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != (run.weights_sha256 or digest):
        raise RunError("The run's weights have changed since it finished.", path=weights, remedy="Train it again.")
    try:
        card = _card(run, digest)
        data = _data_set(folder)
    except (ValidationError, UsageError) as cause:
        raise RunError(f"{RUN_FILE} does not describe a model ({cause}).", path=folder) from cause
    return Bundle(folder, card if data is None else describe_data(card, data))


def _card(run: RunRecord, digest: str) -> Card:
    how = run.preprocessing
    if how is None:
        raise UsageError("It has no preprocessing.")
    network = build_network(run.network, len(run.classes), run.head, run.subnet, how.size)
    return Card.model_validate(
        {
            "task": run.task,
            "definition": run.definition,
            "classes": run.classes,
            "role": run.role,
            "network": run.network,
            "head": run.head,
            "subnet": run.subnet,
            "preprocessing": how,
            "storage": "float32",
            "parameters": count_parameters(network),
            "macs": count_macs(network, *how.size),
            "training": Training(
                data="not recorded",
                method=_method(run),
                recipe_digest=run.recipe_digest,
                made_by="Twinlens (python -m training)",
                made_on=date.today(),
                teacher=", ".join(teacher.id for teacher in run.teachers)[:200] or None,
                data_digest=run.data_digest,
                seed=run.seed,
                epochs=run.epochs,
            ),
            "intended_use": NOT_STATED,
            "limits": _limits(run),
            "licence": NOT_STATED,
            "weights_sha256": digest,
        }
    )


def describe_data(card: Card, data: DataSet) -> Card:
    """Return a run's card with the images that it was trained on, and the limits that follow."""
    counts = ", ".join(f"{data.count(split):,} {split}" for split in data.images)
    words = f"{data.name} ({data.layout}): {data.total:,} images, {counts}; split: {data.split}"[:1000]
    limits = card.limits
    if not data.groups:
        limit = "Patients or originals of the images are not recorded: images of one may lie in training and in test."
        limits = (*limits, limit)
    elif data.ungrouped:
        limit = f"Of {data.ungrouped:,} of the {data.total:,} images the patient or original is not recorded."
        limits = (*limits, limit)
    training = card.training.model_copy(update={"data": words, "data_set": data})
    return card.model_copy(update={"training": training, "limits": limits})


def _data_set(folder: Path) -> DataSet | None:
    """Return the data set of a run; None for a run of an older version, which lacks it."""
    data = RunFolder(folder).read_data()
    if data.name is None or data.layout is None or data.split is None or data.counts is None:
        return None
    return DataSet(
        name=data.name[:200],
        layout=data.layout,
        split=data.split,
        images=data.counts,
        groups=data.groups,
        ungrouped=data.ungrouped,
    )


def _limits(run: RunRecord) -> tuple[str, ...]:
    """Return the limits of any such network."""
    task = run.definition or TASKS.get(run.task)
    named = {} if task is None else {label.id: label.name for label in task.classes}
    names = ", ".join(named.get(label, label) for label in run.classes)
    return (
        f"It has {len(run.classes)} classes only ({names}) and assigns one of them to any image, also to one that "
        "shows none of them.",
    )


def _method(run: RunRecord) -> str:
    how = f"distilled from {', '.join(one.id for one in run.teachers)}" if run.teachers else "trained on the labels"
    best = "" if run.best_epoch is None else f", best epoch {run.best_epoch + 1}"
    start = f", from {run.started_from}" if run.started_from else ""
    return f"{how}{start}{best}; the recipe is kept with the run"
