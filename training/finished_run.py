"""A training run's folder, read as a model that has not been published yet."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.architectures import VggHead, build_network, count_macs, count_parameters
from core.bundle import WEIGHTS_FILE, Bundle
from core.card import Card, Training
from core.errors import TwinlensError, UsageError
from core.files import written_whole
from core.preprocess import Preprocessing
from core.subnets import Subnet
from training.card_texts import DATA, LICENCE, LIMITS, USE
from training.evaluate import Evaluation

RUN_FILE = "run.json"
EVALUATION_FILE = "evaluation.json"


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
    facts = _json(folder / RUN_FILE)
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
        task = facts["task"]
        card = Card(
            task=task,
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
                data=DATA.get(task, "a data set of the user's own"),
                method=_method(facts, teachers),
                recipe_digest=facts.get("recipe_digest"),
                made_by="python -m training",
                made_on=date.today(),
                teacher=", ".join(teachers)[:200] or None,
                data_digest=facts.get("data_digest"),
                seed=facts.get("seed"),
                epochs=facts.get("epochs"),
            ),
            intended_use=USE.get(task, "Research. Not for diagnosis or any decision about a patient."),
            limits=LIMITS.get(task, ()),
            licence=LICENCE,
            weights_sha256=digest,
        )
    except (KeyError, TypeError, ValidationError, UsageError) as cause:
        raise RunError(f"{RUN_FILE} does not describe a model ({cause}).", path=folder) from cause
    return Bundle(folder, card)


def write_evaluation(run: Path, folder: Path, measured: Evaluation) -> None:
    """Write ``evaluation.json`` into a run's folder, with the place of the data set that it was measured on."""
    with written_whole(run / EVALUATION_FILE) as file:
        json.dump({"folder": str(folder.resolve()), **measured.as_dict()}, file, indent=2)


def read_evaluation(run: Bundle) -> Path:
    """Return the data set's folder from a run's evaluation.

    Raises:
        RunError: if there is none, or it belongs to other weights.
    """
    remedy = f"Run: python -m training evaluate {run.directory} --data DIR"
    path = run.directory / EVALUATION_FILE
    if not path.is_file():
        raise RunError("The run has not been evaluated.", path=run.directory, remedy=remedy)
    found = _json(path)
    if found.get("weights_sha256") != run.card.weights_sha256:
        raise RunError("The evaluation belongs to other weights than the run's.", path=path, remedy=remedy)
    return Path(str(found.get("folder", "")))


def _method(facts: dict[str, Any], teachers: list[str]) -> str:
    how = f"distilled from {', '.join(teachers)}" if teachers else "trained on the labels"
    best = f", best epoch {facts['best_epoch']}" if facts.get("best_epoch") is not None else ""
    return f"{how}{best}; the recipe is kept with the run"


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise RunError(f"There is no readable {path.name} here ({cause.strerror}).", path=path.parent) from cause
    except ValueError as cause:
        raise RunError(f"The file is not valid JSON ({cause}).", path=path) from cause
    if not isinstance(found, dict):
        raise RunError("The file holds no facts.", path=path)
    return found
