"""Temperature scaling, calibration metrics, and conformal prediction."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

MAX_MISCOVERAGE = 0.05
BISECTIONS = 40  # of an interval of 6: its end is 5e-12 wide


def softmax(logits: npt.ArrayLike, temperature: float = 1.0) -> Float64Array:
    """Return class probabilities along the last axis: the softmax of the logits over the temperature.

    Args:
        logits: shape (…, C).
        temperature: above 0; 1 means no scaling (Guo et al. 2017, arXiv 1706.04599).

    Returns:
        Same shape, float64 in [0, 1], summing to 1 along the last axis.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))


def expected_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al. 2017, equation 3), in [0, 1].

    The images are assigned to equal-width bins of top-class confidence. The error is the mean over bins, weighted by
    their number of images, of |accuracy - mean confidence|. A confidence on an edge belongs to the lower bin.

    Args:
        probabilities: shape (N, C).
        labels: shape (N,), class indices.
        bins: number of equal bins.
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    images = np.bincount(index, minlength=bins)
    gap = np.abs(np.bincount(index, correct, bins) - np.bincount(index, confidence, bins))
    return float(gap[images > 0].sum() / len(labels))


def jensen_shannon_divergence(p: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """Return the Jensen-Shannon divergence of two distributions in bits, in [0, 1] (Lin 1991).

    Args:
        p: shape (C,), probabilities.
        q: shape (C,), probabilities.
    """
    p, q = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    middle = (p + q) / 2

    def kl(a: Float64Array) -> float:
        positive = a > 0
        return float(np.sum(a[positive] * np.log2(a[positive] / middle[positive])))

    return min(1.0, max(0.0, (kl(p) + kl(q)) / 2))


def fit_temperature(logits: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the maximum-likelihood temperature (Guo et al. 2017, section 4.2), in [0.05, 20].

    The mean negative log-likelihood is convex in 1/T: bisection finds where its derivative changes sign.

    Args:
        logits: shape (N, C), of images outside the training split.
        labels: shape (N,), class indices.
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    of_label = logits[np.arange(len(labels)), labels]
    low, high = np.log(0.05), np.log(20)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        expected = (softmax(logits, float(np.exp(middle))) * logits).sum(axis=1)
        if (expected - of_label).mean() > 0:  # the derivative by 1/T
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def negative_log_likelihood(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the mean of -ln p of the label, at least 0.

    Args:
        probabilities: shape (N, C).
        labels: shape (N,), class indices.
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    of_label = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, np.finfo(np.float64).tiny)).mean())


def brier_score(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the Brier score of all classes (Brier 1950): the mean of Σ_c (p_c - [c is the label])², in [0, 2].

    Args:
        probabilities: shape (N, C).
        labels: shape (N,), class indices.
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    one_hot = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - one_hot) ** 2).sum(axis=1).mean())


def reliability(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 15
) -> tuple[tuple[float, float, int], ...]:
    """Return mean confidence, accuracy and number of images of each bin that is not empty: a reliability diagram.

    The bins are those of :func:`expected_calibration_error`.
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return tuple(
        (float(confidence[index == i].mean()), float(correct[index == i].mean()), int((index == i).sum()))
        for i in np.unique(index)
    )


def target_coverage(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the target coverage: how often the plausible classes are to contain the label, in [0, 1].

    They may miss it in at most ``MAX_MISCOVERAGE`` of images, and in at most a third as many as the most probable class
    alone does. About two of three errors are then uncertain. A network with an accuracy of 97 % would reach a target of
    95 % without a single uncertain prediction.

    Args:
        probabilities: shape (N, C), of images outside the training split.
        labels: shape (N,), class indices.
    """
    wrong = np.asarray(probabilities).argmax(axis=1) != np.asarray(labels)
    smallest = 1 / (len(wrong) + 1)  # the smallest miscoverage that N images can resolve
    return 1 - min(MAX_MISCOVERAGE, max(smallest, float(wrong.mean()) / 3))


def conformal_floor(probabilities: npt.ArrayLike, labels: npt.ArrayLike, coverage: float) -> float:
    """Return the smallest probability of a plausible class, by split-conformal prediction, in [0, 1].

    The rule is LAC (least ambiguous set-valued classifier; Sadinle, Lei and Wasserman 2019, arXiv 1609.00451): a class
    belongs to the set if its probability is at least 1 - q, where q is the ⌈(N + 1) · coverage⌉-th smallest 1 - p of
    the labels. On images exchangeable with these, the set contains the label at least as often as ``coverage`` says.
    Among all rules with this guarantee, LAC's sets are the smallest on average. Unlike those of APS they may be empty:
    no class is then as probable as labels usually are.

    Args:
        probabilities: shape (N, C), calibrated, of images outside the training split.
        labels: shape (N,), class indices.
        coverage: the target coverage, in [0, 1].
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    of_label = np.sort(probabilities[np.arange(len(labels)), labels])[::-1]
    rank = int(np.ceil((len(labels) + 1) * coverage - 1e-9))
    return float(of_label[rank - 1]) if rank <= len(labels) else 0.0


def plausible(probabilities: npt.ArrayLike, floor: float) -> npt.NDArray[np.bool_]:
    """Return which classes belong to the conformal set, same shape as the probabilities (…, C)."""
    return np.asarray(np.asarray(probabilities, dtype=np.float64) >= floor)
