"""The images of one task with all that is known of each: both predictions, its label, the reading, its groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from core.compare.agreement import Interval, confusion_matrix, wilson
from core.performance.paired import McNemar, accuracy_difference, kappa_interval, mcnemar
from core.performance.scores import ModelScores, score
from core.tasks import Task

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Rater = Literal["label", "reading", "teacher", "student"]
Reference = Literal["label", "reading"]
Model = Literal["teacher", "student"]
REFERENCES: tuple[Reference, ...] = get_args(Reference)
MODELS: tuple[Model, ...] = get_args(Model)
PAIRS: tuple[tuple[Rater, Rater], ...] = (("teacher", "student"), ("teacher", "reading"), ("student", "reading"))
UNKNOWN = -1
MOST_GROUPS = 20  # more values than that are no groups, but names


@dataclass(frozen=True)
class PairAgreement:
    """How two raters agree on the images that both judged.

    Attributes:
        first: one rater.
        second: the other.
        images: how many both judged.
        agreement: share on which they name the same class, with Wilson's interval.
        kappa: Cohen's kappa, None where it is not defined.
        labelled: how many of the images have a label, which is neither of the two.
        test: McNemar's test of who is right on those, None where there are none.
        difference: the first's accuracy minus the second's on those, None where there are none.
    """

    first: Rater
    second: Rater
    images: int
    agreement: Interval
    kappa: Interval | None
    labelled: int
    test: McNemar | None
    difference: Interval | None


@dataclass(frozen=True)
class Observations:
    """The images of one task whose predictions count.

    Attributes:
        task: the task.
        paths: the images, N of them.
        teacher: the teacher's calibrated probabilities, shape (N, C), in the order of the task's classes.
        student: the student's.
        label: the true classes as indices, shape (N,), ``UNKNOWN`` where they are not known.
        reading: the reader's, in the same way.
        groups: what images are grouped by, a value an image, empty where it is not known.
        withheld: how many further images are not assessable, and count nowhere.
    """

    task: Task
    paths: tuple[Path, ...]
    teacher: FloatArray
    student: FloatArray
    label: IntArray
    reading: IntArray
    groups: Mapping[str, tuple[str, ...]]
    withheld: int = 0

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.paths)

    def known(self, reference: Reference) -> int:
        """Return how many images have a label, or a reading."""
        return int((self.classes_by(reference) != UNKNOWN).sum())

    def classes_by(self, rater: Rater) -> IntArray:
        """Return the class that a rater names, shape (N,), ``UNKNOWN`` where it names none."""
        if rater == "label":
            return self.label
        if rater == "reading":
            return self.reading
        return np.asarray(getattr(self, rater).argmax(axis=1), np.intp)

    def confusion(self, rows: Rater, columns: Rater) -> npt.NDArray[np.int64]:
        """Return the number of images by the classes of two raters, shape (C, C); those of one alone do not count."""
        first, second = self.classes_by(rows), self.classes_by(columns)
        both = (first != UNKNOWN) & (second != UNKNOWN)
        return confusion_matrix(first[both], second[both], len(self.task.classes))

    def cell(self, rows: Rater, row: int, columns: Rater, column: int) -> list[Path]:
        """Return the images of a cell of that matrix."""
        found = (self.classes_by(rows) == row) & (self.classes_by(columns) == column)
        return [self.paths[i] for i in np.flatnonzero(found)]

    def scores(self, model: Model, reference: Reference) -> ModelScores | None:
        """Return what a model scored against labels or readings, None where there are none."""
        truth = self.classes_by(reference)
        rows = truth != UNKNOWN
        probabilities: FloatArray = getattr(self, model)
        return score(probabilities[rows], truth[rows]) if rows.any() else None

    def pairs(self) -> Iterator[PairAgreement]:
        """Yield how teacher, student and reader agree, two by two, as far as there are readings."""
        for first, second in PAIRS:
            one, other = self.classes_by(first), self.classes_by(second)
            both = (one != UNKNOWN) & (other != UNKNOWN)
            if not both.any():
                continue
            table = self.confusion(first, second)
            rows = both & (self.label != UNKNOWN)
            right = (one == self.label)[rows], (other == self.label)[rows]
            labelled = int(rows.sum())
            yield PairAgreement(
                first, second, int(both.sum()),
                wilson(int(table.trace()), int(both.sum())),
                kappa_interval(table), labelled,
                mcnemar(*right) if labelled else None,
                accuracy_difference(*right) if labelled else None,
            )  # fmt: skip

    def grouped(self, name: str) -> dict[str, Observations]:
        """Return the images of each value of what they are grouped by, in the order of the values."""
        values = np.array(self.groups[name])
        return {str(value): self._of(values == value) for value in sorted(set(self.groups[name])) if value}

    def _of(self, rows: npt.NDArray[np.bool_]) -> Observations:
        index = np.flatnonzero(rows)
        return replace(
            self,
            paths=tuple(self.paths[i] for i in index),
            teacher=self.teacher[rows],
            student=self.student[rows],
            label=self.label[rows],
            reading=self.reading[rows],
            groups={name: tuple(values[i] for i in index) for name, values in self.groups.items()},
            withheld=0,
        )


def telling_groups(groups: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return what images can be compared by: two or more values, few enough to be groups, one that recurs at least."""
    found = {}
    for name, values in groups.items():
        counts = Counter(value for value in values if value)
        if 2 <= len(counts) <= MOST_GROUPS and max(counts.values()) > 1:
            found[name] = values
    return found
