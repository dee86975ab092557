"""What a run scored, kept in its folder: what publishing asks for, and what tables of runs show."""

from __future__ import annotations

import json
from pathlib import Path

from core.models.bundle import Bundle
from core.system.atomic_files import written_whole
from training.evaluation.evaluate import Evaluation
from training.runs.finished import RunError, read_facts

EVALUATION_FILE = "evaluation.json"


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
    found = read_facts(path)
    if found.get("weights_sha256") != run.card.weights_sha256:
        raise RunError("The evaluation belongs to other weights than the run's.", path=path, remedy=remedy)
    return Path(str(found.get("folder", "")))
