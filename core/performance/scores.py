"""What one model scored on images whose classes are known, with intervals that hold for few images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.compare.agreement import Interval, confusion_matrix, macro_f1_interval, wilson
from core.models.card import ReliabilityBin
from core.performance.paired import kappa_interval
from core.performance.roc import RocCurve, roc_curve
from core.uncertainty.calibration import brier_score, expected_calibration_error, reliability

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
FEW_OF_CLASS = 10  # images of a class below which its figures say nothing
DRAWS = 400
MOST_DRAWN = 4_000_000  # labels, whatever the number of images


@dataclass(frozen=True)
class ClassScores:
    """How one class was recognised, against the rest; shares have Wilson's interval.

    Attributes:
        images: how many images are of the class.
        sensitivity: share of them that are predicted as it (recall), None where there are none.
        specificity: share of the others that are not predicted as it, None where there are none.
        precision: share of the predictions of it that are right, None where there are none.
        roc: its curve by the predicted probability, None without both sides.
    """

    images: int
    sensitivity: Interval | None
    specificity: Interval | None
    precision: Interval | None
    roc: RocCurve | None

    @property
    def few(self) -> bool:
        """Whether there are so few images that the figures say nothing."""
        return self.images < FEW_OF_CLASS


@dataclass(frozen=True)
class ModelScores:
    """What a model scored.

    Attributes:
        images: how many there were.
        accuracy: share that is predicted right, with Wilson's interval.
        macro_f1: mean of F1 over the classes that occur, with :func:`core.compare.agreement.macro_f1_interval`.
        auroc: mean over the classes of the area under their ROC curves, None where none has both sides; its limits are
            the means of theirs, which is at least as wide as it has to be.
        kappa: Cohen's kappa of predictions and known classes, None where it is not defined.
        ece: expected calibration error of 15 bins, in [0, 1].
        ece_by_chance: what the error of a perfectly calibrated model on so many images stays below in 95 % of cases.
        brier: Brier score of all classes, in [0, 2].
        bins: the reliability diagram.
        classes: how each class was recognised, in the task's order.
    """

    images: int
    accuracy: Interval
    macro_f1: Interval
    auroc: Interval | None
    kappa: Interval | None
    ece: float
    ece_by_chance: float
    brier: float
    bins: tuple[ReliabilityBin, ...]
    classes: tuple[ClassScores, ...]


def score(probabilities: FloatArray, known: IntArray) -> ModelScores:
    """Return what a model scored.

    Args:
        probabilities: calibrated, shape (N, C); there must be an image.
        known: the right classes, shape (N,).
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(known, predicted, classes)
    found = tuple(_class_scores(probabilities[:, i], known == i, predicted == i) for i in range(classes))
    areas = [one.roc.interval for one in found if one.roc is not None]
    return ModelScores(
        images=len(known),
        accuracy=wilson(int(matrix.trace()), len(known)),
        macro_f1=macro_f1_interval(matrix),
        auroc=_mean(areas) if areas else None,
        kappa=kappa_interval(matrix),
        ece=expected_calibration_error(probabilities, known),
        ece_by_chance=calibration_error_by_chance(probabilities),
        brier=brier_score(probabilities, known),
        bins=tuple(
            ReliabilityBin(confidence=mean, accuracy=right, images=count)
            for mean, right, count in reliability(probabilities, known)
        ),
        classes=found,
    )


def calibration_error_by_chance(probabilities: FloatArray) -> float:
    """Return which calibration error a perfectly calibrated model stays below in 95 % of cases, in [0, 1].

    Labels are drawn from the predicted probabilities themselves (Bröcker and Smith 2007, Vaicenavicius et al. 2019);
    the top class alone counts. On few images the error is large by chance, however good the probabilities are.

    Args:
        probabilities: shape (N, C).
    """
    confidence = probabilities.max(axis=1)
    random = np.random.default_rng(0)
    draws = max(50, min(DRAWS, MOST_DRAWN // len(confidence)))
    pair = np.column_stack([confidence, np.zeros_like(confidence)])  # the second column is never the largest
    errors = [
        expected_calibration_error(pair, (random.random(len(confidence)) >= confidence).astype(np.intp))
        for _ in range(draws)
    ]
    return float(np.percentile(errors, 95))


def _class_scores(values: FloatArray, known: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> ClassScores:
    images, said = int(known.sum()), int(predicted.sum())
    return ClassScores(
        images=images,
        sensitivity=_share(int((known & predicted).sum()), images),
        specificity=_share(int((~known & ~predicted).sum()), len(known) - images),
        precision=_share(int((known & predicted).sum()), said),
        roc=roc_curve(values, known),
    )


def _share(part: int, whole: int) -> Interval | None:
    return wilson(part, whole) if whole else None


def _mean(found: list[Interval]) -> Interval:
    value, low, high = (float(np.mean([getattr(one, name) for one in found])) for name in ("value", "low", "high"))
    return Interval(value, low, high)
