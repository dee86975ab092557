"""The figures of merit of a classifier, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.calibration import brier_score, expected_calibration_error, reliability

Float64Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Scores:
    """What a model scored on a set of images.

    Attributes:
        images: how many there were.
        accuracy: share of images whose top class is right, in [0, 1].
        macro_f1: mean over the classes that occur of F1, in [0, 1].
        ece: expected calibration error after the card's temperature, in [0, 1].
        ece_uncalibrated: the same of the plain softmax.
        brier: Brier score, in [0, 2].
        auroc: mean over the classes of the area under the ROC curve against the rest; None where none has both sides.
        precision: share of the answers naming each class that were right, by label; None where none names it.
        recall: share of each class's images that were recognised, by label; None where there are none.
        auroc_by_class: the area of each class, by label; None where one side is missing.
        confusion: images by true class (rows) and answer (columns).
        reliability: mean confidence, accuracy and images of each of 15 bins of confidence that holds any.
        reliability_uncalibrated: the same of the plain softmax.
    """

    images: int
    accuracy: float
    macro_f1: float
    ece: float
    ece_uncalibrated: float
    brier: float
    auroc: float | None
    precision: dict[str, float | None]
    recall: dict[str, float | None]
    auroc_by_class: dict[str, float | None]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[tuple[float, float, int], ...]
    reliability_uncalibrated: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Intervals:
    """Bootstrap 95 % intervals, (low, high); that of AUROC is None where it is not defined."""

    accuracy: tuple[float, float]
    macro_f1: tuple[float, float]
    auroc: tuple[float, float] | None


@dataclass(frozen=True)
class GroupResult:
    """Scores of one part of the images, with the interval of its accuracy."""

    scores: Scores
    accuracy_interval: tuple[float, float]


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
    truth, said, right = matrix.sum(axis=1), matrix.sum(axis=0), matrix.diagonal()
    areas = [auroc(probabilities[:, i], labels == i) for i in range(len(classes))]
    known = [area for area in areas if area is not None]
    raw = probabilities if uncalibrated is None else uncalibrated
    return Scores(
        images=len(labels),
        accuracy=float(right.sum() / len(labels)),
        macro_f1=float(_macro_f1(matrix)),
        ece=expected_calibration_error(probabilities, labels),
        ece_uncalibrated=expected_calibration_error(raw, labels),
        brier=brier_score(probabilities, labels),
        auroc=float(np.mean(known)) if known else None,
        precision={label: _share(right[i], said[i]) for i, label in enumerate(classes)},
        recall={label: _share(right[i], truth[i]) for i, label in enumerate(classes)},
        auroc_by_class=dict(zip(classes, areas, strict=True)),
        confusion=tuple(tuple(int(n) for n in row) for row in matrix),
        reliability=reliability(probabilities, labels),
        reliability_uncalibrated=reliability(raw, labels),
    )


def confusion_matrix(labels: Labels, guesses: Labels, classes: int) -> npt.NDArray[np.intp]:
    """Return the number of images by true class (rows) and answer (columns), shape (C, C)."""
    return np.bincount(labels * classes + guesses, minlength=classes**2).reshape(classes, classes)


def auroc(values: Float64Array, positive: npt.NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve (the Mann-Whitney statistic, ties count half); None without both sides."""
    from scipy.stats import rankdata

    n = int(positive.sum())
    rest = len(positive) - n
    if not n or not rest:
        return None
    return float((rankdata(values)[positive].sum() - n * (n + 1) / 2) / (n * rest))


def intervals(probabilities: Float64Array, labels: Labels, resamples: int = RESAMPLES, seed: int = SEED) -> Intervals:
    """Return percentile bootstrap 95 % intervals, drawing images with replacement within each class.

    Accuracy and macro F1 depend on the confusion matrix alone, and the matrix of a resample has rows that are
    multinomial in the rows of the measured one; so no image is drawn. AUROC takes weighted ranks of each resample.

    Args:
        probabilities: shape (N, C).
        labels: shape (N,), class indices.
        resamples: how many resamples.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    classes = probabilities.shape[1]
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), classes)
    drawn = np.stack(
        [
            random.multinomial(row.sum(), row / row.sum(), resamples)
            if row.sum()
            else np.zeros((resamples, classes), np.intp)
            for row in matrix
        ],
        axis=1,
    )
    accuracy = drawn.diagonal(axis1=1, axis2=2).sum(axis=1) / len(labels)
    areas = _resampled_auroc(probabilities, labels, max(200, resamples // 10), random)
    return Intervals(_middle(accuracy), _middle(_macro_f1(drawn)), None if areas is None else _middle(areas))


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


def _macro_f1(matrices: npt.NDArray[np.intp]) -> Float64Array:
    """Return macro F1 of confusion matrices (…, C, C) over the classes that occur in them."""
    right = matrices.diagonal(axis1=-2, axis2=-1)
    truth, said = matrices.sum(axis=-1), matrices.sum(axis=-2)
    f1 = 2 * right / np.maximum(1, truth + said)
    return np.asarray((f1 * (truth > 0)).sum(axis=-1) / np.maximum(1, (truth > 0).sum(axis=-1)))


def _middle(values: Float64Array) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
