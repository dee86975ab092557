"""The ROC curve of one class against the rest, and the area under it with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.compare.agreement import Z95, Interval

FloatArray = npt.NDArray[np.float64]
BISECTIONS = 50  # of an interval of 1: its end is 1e-15 wide


@dataclass(frozen=True)
class RocCurve:
    """How the shares of both sides change as the threshold falls.

    Attributes:
        false_positive: share of the other images at or above each threshold, shape (K,), from 0 to 1.
        true_positive: share of the class's images there, shape (K,), from 0 to 1.
        positives: how many images are of the class.
        negatives: how many are not.
    """

    false_positive: FloatArray
    true_positive: FloatArray
    positives: int
    negatives: int

    @property
    def area(self) -> float:
        """The area under it, in [0, 1]: the Mann-Whitney statistic, in which ties count half."""
        return float(np.trapezoid(self.true_positive, self.false_positive))

    @property
    def interval(self) -> Interval:
        """The area with its 95 % interval, see :func:`area_interval`."""
        return area_interval(self.area, self.positives, self.negatives)


def roc_curve(values: npt.ArrayLike, positive: npt.ArrayLike) -> RocCurve | None:
    """Return the ROC curve, None without both sides.

    Args:
        values: shape (N,), larger for images that are more likely of the class.
        positive: shape (N,), whether each image is of the class.
    """
    values, positive = np.asarray(values, np.float64), np.asarray(positive, np.bool_)
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    order = np.argsort(-values, kind="stable")
    hits, falling = np.cumsum(positive[order]), values[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)  # of the images with one value
    true, false = hits[last], last + 1 - hits[last]
    return RocCurve(
        np.concatenate([[0.0], false / negatives]), np.concatenate([[0.0], true / positives]), positives, negatives
    )


def auroc(values: npt.ArrayLike, positive: npt.ArrayLike) -> float | None:
    """Return the area under the ROC curve, in [0, 1]; None without both sides. The arguments are those of the curve."""
    curve = roc_curve(values, positive)
    return None if curve is None else curve.area


def area_interval(area: float, positives: int, negatives: int) -> Interval:
    """Return an area under the ROC curve with its 95 % score interval (Newcombe, Stat. Med. 2006, 25:559, method 5).

    Its limits are the areas from which the observed one is 1.96 standard errors away, by the standard error of Hanley
    and McNeil (1982) at the limit itself. Like Wilson's interval of a share it does not shrink to nothing where both
    sides are apart, and says how few images there are.

    Args:
        area: in [0, 1].
        positives: how many images are of the class, at least 1.
        negatives: how many are not, at least 1.
    """

    def beyond(limit: float) -> bool:
        """Whether the area is farther from a limit than the interval reaches."""
        rest = (positives + negatives) / 2 - 1
        spread = 1 + rest * ((1 - limit) / (2 - limit) + limit / (1 + limit))
        variance = limit * (1 - limit) * spread / (positives * negatives)
        return abs(area - limit) > Z95 * float(np.sqrt(variance))

    def limit(outside: float) -> float:
        inside = area
        for _ in range(BISECTIONS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if beyond(middle) else (middle, outside)
        return inside

    return Interval(area, limit(0.0), limit(1.0))
