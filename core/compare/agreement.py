"""Teacher and student over many images: how often they agree, and both scores where labels are known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.tasks import Task

Z95 = 1.959964  # 97.5 % quantile of the normal distribution
DRAWS = 2000
FEW_IMAGES = 100  # below which 95 % intervals are so wide that scores can't be compared
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % confidence interval, each in [0, 1] (a kappa in [-1, 1])."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f} %)"


@dataclass(frozen=True)
class Scores:
    """What one model scored on the labelled images.

    Attributes:
        accuracy: share of images whose top class is right, with Wilson's interval.
        macro_f1: mean of F1 over the classes that occur as a label, with the interval of :func:`macro_f1_interval`.
        recall: share of each class's images that were recognised, with Wilson's interval, by label.
    """

    accuracy: Interval
    macro_f1: Interval
    recall: dict[str, Interval]


def wilson(successes: float, trials: float) -> Interval:
    """Return a share with its 95 % score interval (Wilson, JASA 1927).

    Args:
        successes: how often it happened.
        trials: how often it could have, at least 1; fewer than were counted where these are not independent.
    """
    p, z2 = successes / trials, Z95**2
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * np.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2))
    return Interval(p, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def too_few(images: int) -> str:
    """Return a caution about scores on few images; an empty string where there are enough."""
    return f"only {images} images were scored: too few to compare models by" if images < FEW_IMAGES else ""


def macro_f1(matrices: npt.NDArray[np.integer] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean of F1 = 2 TP / (2 TP + FP + FN) over the classes that occur among the labels, in [0, 1].

    Args:
        matrices: images by true class (rows) and predicted class (columns), shape (…, C, C).
    """
    hits = matrices.diagonal(axis1=-2, axis2=-1)
    true, predicted = matrices.sum(axis=-1), matrices.sum(axis=-2)
    present = true > 0
    f1 = 2 * hits / np.where(present, true + predicted, 1)
    return np.asarray((f1 * present).sum(axis=-1) / np.maximum(1, present.sum(axis=-1)))


def macro_f1_interval(matrix: npt.NDArray[np.integer], worth: float = 1.0) -> Interval:
    """Return macro F1 with a 95 % interval that does not shrink to nothing where all predictions are right.

    It is the middle of macro F1 under the posterior of the confusion matrix (Goutte and Gaussier 2005): each true
    class's predictions are Dirichlet, with a prior that weighs as much as one image. The draws are the same at each
    call, so that a report can be made again.

    Args:
        matrix: images by true class (rows) and predicted class (columns), shape (C, C).
        worth: how many independent images an image is worth, in (0, 1].
    """
    random, classes = np.random.default_rng(0), len(matrix)
    drawn = [
        row.sum() * random.dirichlet(row * worth + 1 / classes, DRAWS) if row.any() else np.zeros((DRAWS, classes))
        for row in matrix
    ]
    low, high = np.percentile(macro_f1(np.stack(drawn, axis=1)), [2.5, 97.5])
    found = float(macro_f1(matrix))
    return Interval(found, min(found, float(low)), max(found, float(high)))


def confusion_matrix(rows: IntArray, columns: IntArray, classes: int) -> npt.NDArray[np.int64]:
    """Return the number of images by the class of one rater (rows) and of another (columns), shape (C, C)."""
    pairs = rows * classes + columns
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def kappas(matrices: npt.NDArray[np.integer] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return Cohen's kappa of each matrix, in [-1, 1] (Cohen 1960); NaN where both raters always say one class.

    Args:
        matrices: images by the class of the first rater (rows) and of the second (columns), shape (…, C, C).
    """
    tables = matrices / matrices.sum(axis=(-2, -1), keepdims=True)
    chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1)
    agreed = np.trace(tables, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan))


@dataclass
class Tally:
    """Counts the predictions on the images of one task.

    Attributes:
        task: the task.
        teacher: the teacher's top classes, as indices, in the order of the images.
        student: the student's.
        labels: the true classes, None where unknown.
    """

    task: Task
    teacher: list[int] = field(default_factory=list)
    student: list[int] = field(default_factory=list)
    labels: list[int | None] = field(default_factory=list)

    def add(self, teacher: str, student: str, label: str | None = None) -> None:
        """Count one image by the labels of its predictions and, where known, its true label."""
        index = self.task.class_ids.index
        self.teacher.append(index(teacher))
        self.student.append(index(student))
        self.labels.append(None if label is None else index(label))

    @property
    def images(self) -> int:
        """How many images were counted."""
        return len(self.teacher)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Counts of teacher's predictions (rows) against student's (columns), shape (C, C)."""
        return confusion_matrix(
            np.array(self.teacher, np.intp), np.array(self.student, np.intp), len(self.task.classes)
        )

    @property
    def agreement(self) -> Interval:
        """How often both put the same class on top; there must be an image."""
        return wilson(int(self.confusion.trace()), self.images)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa of the two, in [-1, 1] (Cohen 1960); None where both always predict one and the same class."""
        found = float(kappas(self.confusion))
        return None if np.isnan(found) else found

    @property
    def labelled(self) -> int:
        """How many images have a known label."""
        return sum(label is not None for label in self.labels)

    def scores(self) -> tuple[Scores, Scores] | None:
        """Return the scores of teacher and student on the labelled images, None if there are none."""
        rows = [i for i, label in enumerate(self.labels) if label is not None]
        if not rows:
            return None
        labels = np.array([self.labels[i] for i in rows], np.intp)
        return self._scores(labels, np.array(self.teacher)[rows]), self._scores(labels, np.array(self.student)[rows])

    def _scores(self, labels: IntArray, predicted: IntArray) -> Scores:
        right = labels == predicted
        recall = {
            label: wilson(int(right[labels == i].sum()), int((labels == i).sum()))
            for i, label in enumerate(self.task.class_ids)
            if (labels == i).any()
        }
        return Scores(
            accuracy=wilson(int(right.sum()), len(labels)),
            macro_f1=macro_f1_interval(confusion_matrix(labels, predicted, len(self.task.classes))),
            recall=recall,
        )
