"""The figures of merit of a classifier, and their intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.compare.agreement import confusion_matrix, macro_f1, macro_f1_interval, too_few, wilson
from core.performance.roc import auroc
from core.uncertainty.calibration import brier_score, expected_calibration_error, reliability
from training.evaluation.clustered_bootstrap import independent
from training.evaluation.scores import Intervals, Scores

Float64Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

RESAMPLES = 200
SEED = 0
FEW_OF_CLASS = 10


def score(
    probabilities: Float64Array, labels: Labels, classes: tuple[str, ...], uncalibrated: Float64Array | None = None
) -> Scores:
    """Return the scores of probabilities (N, C) against class indices (N,).

    Args:
        probabilities: calibrated.
        labels: the right classes.
        classes: their names.
        uncalibrated: the plain softmax, where it differs.
    """
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), len(classes))
    actual, predicted, right = matrix.sum(axis=1), matrix.sum(axis=0), matrix.diagonal()
    areas = [auroc(probabilities[:, i], labels == i) for i in range(len(classes))]
    known = [area for area in areas if area is not None]
    raw = probabilities if uncalibrated is None else uncalibrated
    return Scores(
        images=len(labels),
        accuracy=float(right.sum() / len(labels)),
        macro_f1=float(macro_f1(matrix)),
        ece=expected_calibration_error(probabilities, labels),
        ece_uncalibrated=expected_calibration_error(raw, labels),
        brier=brier_score(probabilities, labels),
        auroc=float(np.mean(known)) if known else None,
        precision={label: _share(right[i], predicted[i]) for i, label in enumerate(classes)},
        recall={label: _share(right[i], actual[i]) for i, label in enumerate(classes)},
        auroc_by_class=dict(zip(classes, areas, strict=True)),
        confusion=tuple(tuple(int(n) for n in row) for row in matrix),
        reliability=reliability(probabilities, labels),
        reliability_uncalibrated=reliability(raw, labels),
    )


def intervals(
    probabilities: Float64Array,
    labels: Labels,
    clusters: Labels | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Intervals:
    """Return 95 % intervals that are valid for few images, and where all predictions are right.

    Accuracy has Wilson's score interval, macro F1 that of :func:`core.compare.agreement.macro_f1_interval`, both of
    as many images as are worth as much as independent ones. AUROC has the percentile bootstrap within each class, and
    none where that does not vary.

    Args:
        probabilities: shape (N, C).
        labels: shape (N,), class indices.
        clusters: shape (N,), equal for images of one patient or original; None where all are independent.
        resamples: how many of the AUROC.
        seed: of the random numbers.
    """
    classes = probabilities.shape[1]
    guesses = probabilities.argmax(axis=1)
    right = guesses == labels
    worth = len(labels) if clusters is None else independent(right, clusters)
    accuracy = wilson(float(right.mean()) * worth, worth)
    matrix = confusion_matrix(labels, guesses, classes)
    f1 = macro_f1_interval(matrix, worth / len(labels))
    areas = _resampled_auroc(probabilities, labels, resamples, np.random.default_rng(seed))
    varies = areas is not None and np.ptp(areas) > 1e-9
    return Intervals(
        (accuracy.low, accuracy.high),
        (f1.low, f1.high),
        _middle(areas) if areas is not None and varies else None,
    )


def few_images(scores: Scores) -> tuple[str, ...]:
    """Return warnings about scores on few images, a sentence each."""
    notes = []
    if note := too_few(scores.images):
        notes.append(note)
    counts = {label: sum(row) for label, row in zip(scores.recall, scores.confusion, strict=True)}
    if rare := [f"{label} {count}" for label, count in counts.items() if count < FEW_OF_CLASS]:
        notes.append(f"hardly any images of a class were scored ({', '.join(rare)}): its scores say nothing")
    return tuple(notes)


def _resampled_auroc(
    probabilities: Float64Array, labels: Labels, resamples: int, random: np.random.Generator
) -> Float64Array | None:
    """Return the mean AUROC of resamples within each class, shape (resamples,)."""
    counts = np.zeros((resamples, len(labels)), np.float64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        counts[:, rows] = random.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), resamples)
    areas = []
    for i in range(probabilities.shape[1]):
        positive = labels == i
        if positive.all() or not positive.any():
            continue
        values, group = np.unique(probabilities[:, i], return_inverse=True)
        member = np.eye(len(values))[group]
        pos = counts[:, positive] @ member[positive]
        neg = counts[:, ~positive] @ member[~positive]
        below = np.cumsum(neg, axis=1) - neg / 2
        areas.append((pos * below).sum(axis=1) / (positive.sum() * (~positive).sum()))
    return np.mean(areas, axis=0) if areas else None


def _middle(values: Float64Array) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
