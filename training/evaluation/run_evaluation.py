"""A run's evaluation on disk, ``evaluation.json``: read by publishing and by the tables of runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.models.bundle import Bundle
from core.names import path_from, readable
from core.system.atomic_files import written_whole
from training.evaluation.scores import Evaluation
from training.runs.records import RunError, in_short

EVALUATION_FILE = "evaluation.json"


@dataclass(frozen=True)
class RunEvaluation:
    """An evaluation, and where its data set lay; in the file ``folder`` stands beside the evaluation's own keys."""

    folder: Path
    scores: Evaluation


def write_evaluation(run: Path, folder: Path, measured: Evaluation) -> None:
    """Write ``evaluation.json`` into a run's folder, with the place of the data set that it was measured on."""
    with written_whole(run / EVALUATION_FILE) as file:
        json.dump({"folder": readable(folder.resolve()), **asdict(measured)}, file, indent=2)


def read_evaluation(run: Path) -> RunEvaluation:
    """Read a run's evaluation.

    Raises:
        RunError: if there is none, or it is damaged or of an older version.
    """
    path, remedy = run / EVALUATION_FILE, f"Run: python -m training evaluate {run} --data DIR"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        scores = TypeAdapter(Evaluation).validate_python(found)
        return RunEvaluation(path_from(str(found.get("folder", ""))), scores)
    except FileNotFoundError as cause:
        raise RunError("The run has not been evaluated.", path=run, remedy=remedy) from cause
    except ValidationError as cause:
        raise RunError(f"The evaluation is damaged ({in_short(cause)}).", path=path, remedy=remedy) from cause
    except (OSError, ValueError) as cause:
        raise RunError(f"The evaluation can't be read ({cause}).", path=path, remedy=remedy) from cause


def evaluation_of(run: Bundle) -> RunEvaluation:
    """Return a run's evaluation with the weights that it has.

    Raises:
        RunError: if there is none, or it belongs to other weights.
    """
    found = read_evaluation(run.directory)
    if found.scores.weights_sha256 != run.card.weights_sha256:
        raise RunError(
            "The evaluation belongs to other weights than the run's.",
            path=run.directory / EVALUATION_FILE,
            remedy=f"Run: python -m training evaluate {run.directory} --data DIR",
        )
    return found
