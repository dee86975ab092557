"""A training run's folder, read as a model that has not been published yet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import TwinlensError, UsageError
from core.images.preprocessing import Preprocessing
from core.models.architectures import VggHead, build_network, count_macs, count_parameters
from core.models.bundle import WEIGHTS_FILE, Bundle
from core.models.card import Card, DataSet, Training
from core.models.ofa_subnets import Subnet
from core.tasks import TASKS
from training.runs.card_texts import NOT_STATED
from training.runs.folder import RunFolder

RUN_FILE = "run.json"


class RunError(TwinlensError):
    """A run's folder is not what is needed: damaged, unfinished or not evaluated."""


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a run, not a bundle."""
    return (folder / RUN_FILE).is_file()


def read_run(folder: Path) -> Bundle:
    """Return a run's weights with a card made of what the run says about itself; nothing is written.

    Raises:
        RunError: if the folder holds no finished run with its weights, or its facts do not make a card.
    """
    facts = read_facts(folder / RUN_FILE)
    if facts.get("status") != "finished":
        raise RunError(f"The run's status is {facts.get('status')}.", path=folder, remedy="Go on with it (--resume).")
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise RunError("The run has no weights yet.", path=folder, remedy="Let it finish, or resume it.")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != facts.get("weights_sha256", digest):
        raise RunError("The run's weights have changed since it finished.", path=weights, remedy="Train it again.")
    try:
        how = Preprocessing.model_validate(facts["preprocessing"])
        subnet = None if facts.get("subnet") is None else Subnet.model_validate(facts["subnet"])
        head: VggHead = facts.get("head") or "gap"
        classes = facts["classes"]
        network = build_network(facts["network"], len(classes), head, subnet, how.size)
        teachers = [
            teacher["id"] if isinstance(teacher, dict) else str(teacher) for teacher in facts.get("teachers", ())
        ]
        card = Card(
            task=facts["task"],
            classes=classes,
            role=facts["role"],
            network=facts["network"],
            head=head,
            subnet=subnet,
            preprocessing=how,
            storage="float32",
            parameters=count_parameters(network),
            macs=count_macs(network, *how.size),
            training=Training(
                data="not recorded",
                method=_method(facts, teachers),
                recipe_digest=facts.get("recipe_digest"),
                made_by="Twinlens (python -m training)",
                made_on=date.today(),
                teacher=", ".join(teachers)[:200] or None,
                data_digest=facts.get("data_digest"),
                seed=facts.get("seed"),
                epochs=facts.get("epochs"),
            ),
            intended_use=NOT_STATED,
            limits=_limits(classes, facts["task"]),
            licence=NOT_STATED,
            weights_sha256=digest,
        )
        data = _data_set(folder)
    except (KeyError, TypeError, ValidationError, UsageError) as cause:
        raise RunError(f"{RUN_FILE} does not describe a model ({cause}).", path=folder) from cause
    return Bundle(folder, card if data is None else describe_data(card, data))


def describe_data(card: Card, data: DataSet) -> Card:
    """Return a run's card with what is known, and what is not, of the images that it was trained on."""
    counts = ", ".join(f"{data.count(split):,} {split}" for split in data.images)
    words = f"{data.name} ({data.layout}): {data.total:,} images, {counts}; split: {data.split}"[:1000]
    limits = card.limits
    if not data.groups:
        said = "Patients or originals of the images are not recorded: images of one may lie in training and in test."
        limits = (*limits, said)
    elif data.ungrouped:
        said = f"Of {data.ungrouped:,} of the {data.total:,} images the patient or original is not recorded."
        limits = (*limits, said)
    training = card.training.model_copy(update={"data": words, "data_set": data})
    return card.model_copy(update={"training": training, "limits": limits})


def _data_set(folder: Path) -> DataSet | None:
    """Return what the run says about its images; None for a run of an older version."""
    about = RunFolder(folder).read_data()
    if not {"name", "layout", "split", "counts"} <= about.keys():
        return None
    return DataSet(
        name=str(about["name"])[:200],
        layout=about["layout"],
        split=about["split"],
        images=about["counts"],
        groups=about.get("groups", 0),
        ungrouped=about.get("ungrouped", 0),
    )


def _limits(classes: Sequence[str], task: str) -> tuple[str, ...]:
    """Return what any such network can't do."""
    named = {label.id: label.name for label in TASKS[task].classes} if task in TASKS else {}
    answers = ", ".join(named.get(label, label) for label in classes)
    return (
        f"It knows {len(classes)} answers only ({answers}) and gives one of them to any image, also to one that shows "
        "none of these.",
    )


def _method(facts: dict[str, Any], teachers: list[str]) -> str:
    how = f"distilled from {', '.join(teachers)}" if teachers else "trained on the labels"
    best = f", best epoch {facts['best_epoch'] + 1}" if facts.get("best_epoch") is not None else ""
    start = f", from {facts['started_from']}" if facts.get("started_from") else ""
    return f"{how}{start}{best}; the recipe is kept with the run"


def read_facts(path: Path) -> dict[str, Any]:
    """Return a JSON file of a run's folder.

    Raises:
        RunError: if there is none, or it is damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise RunError(f"There is no readable {path.name} here ({cause.strerror}).", path=path.parent) from cause
    except ValueError as cause:
        raise RunError(f"The file is not valid JSON ({cause}).", path=path) from cause
    if not isinstance(found, dict):
        raise RunError("The file holds no facts.", path=path)
    return found
