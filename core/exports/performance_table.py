"""All figures of a performance in one table, a figure a row, for spreadsheets and statistics programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from core import NOTICE
from core.compare.agreement import Interval
from core.exports.formats.csv_table import safe_cell
from core.performance.figures import Figures
from core.performance.observations import PairAgreement
from core.performance.scores import ModelScores
from core.system.atomic_files import written_whole

COLUMNS = (
    "task", "group", "value", "reference", "model", "measure", "class", "predicted", "images", "estimate", "low",
    "high", "notice",
)  # fmt: skip
Row = dict[str, object]


def write_performance(path: Path, found: Iterable[Figures]) -> None:
    """Write all figures as CSV; no partial file is left behind.

    Shares are in [0, 1]. ``group`` and ``value`` are empty for all images of a task; ``low`` and ``high`` are the 95 %
    interval.

    Raises:
        WriteError: if the file can't be written.
    """
    with written_whole(path) as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for one in found:
            for row in performance_rows(one):
                writer.writerow({name: safe_cell(value) for name, value in {**row, "notice": NOTICE}.items()})


def performance_rows(found: Figures) -> Iterator[Row]:
    """Yield the rows of one task: of all its images, then of each group."""
    yield from _rows(found, "", "")
    for name, parts in found.groups.items():
        for value, part in parts.items():
            yield from _rows(part, name, value)


def _rows(found: Figures, group: str, value: str) -> Iterator[Row]:
    images = found.observations
    head: Row = {"task": images.task.id, "group": group, "value": value}
    for (reference, model), scores in found.scores.items():
        about = {**head, "reference": reference, "model": model}
        for row in _model_rows(images.task.class_ids, scores):
            yield about | row
        for row in _confusion_rows(images.task.class_ids, images.confusion(reference, model).tolist()):
            yield about | row
    for pair in found.pairs:
        for row in _pair_rows(pair):
            yield head | {"model": f"{pair.first} and {pair.second}"} | row


def _model_rows(labels: tuple[str, ...], scores: ModelScores) -> Iterator[Row]:
    whole = {
        "accuracy": scores.accuracy, "macro F1": scores.macro_f1, "AUROC": scores.auroc, "kappa": scores.kappa,
    }  # fmt: skip
    yield from _measures(whole, scores.images)
    for measure, estimate in (("ECE", scores.ece), ("ECE by chance", scores.ece_by_chance), ("Brier", scores.brier)):
        yield {"measure": measure, "images": scores.images, "estimate": estimate}
    for label, one in zip(labels, scores.classes, strict=True):
        of_class = {
            "sensitivity": one.sensitivity, "specificity": one.specificity, "precision": one.precision,
            "AUROC": None if one.roc is None else one.roc.interval,
        }  # fmt: skip
        for row in _measures(of_class, one.images):
            yield row | {"class": label}


def _confusion_rows(labels: tuple[str, ...], matrix: list[list[int]]) -> Iterator[Row]:
    for label, counts in zip(labels, matrix, strict=True):
        for predicted, count in zip(labels, counts, strict=True):
            yield {"measure": "images", "class": label, "predicted": predicted, "estimate": count}


def _pair_rows(pair: PairAgreement) -> Iterator[Row]:
    yield from _measures({"agreement": pair.agreement, "kappa": pair.kappa}, pair.images)
    if pair.test is not None:
        against: Row = {"reference": "label", "images": pair.labelled}
        for row in _measures({"accuracy difference": pair.difference}, pair.labelled):
            yield against | row
        for measure, estimate in (
            ("first alone right", pair.test.first_only),
            ("second alone right", pair.test.second_only),
            ("McNemar p", pair.test.p_value),
        ):
            yield against | {"measure": measure, "estimate": estimate}


def _measures(found: dict[str, Interval | None], images: int) -> Iterator[Row]:
    for measure, interval in found.items():
        if interval is not None:
            figures = {"estimate": interval.value, "low": interval.low, "high": interval.high}
            yield {"measure": measure, "images": images, **figures}
