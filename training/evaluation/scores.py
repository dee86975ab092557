"""What an evaluation says of a model, as it stands in ``evaluation.json``; nothing that computes is imported for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from training.data.border_scores import ProbeScores


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
        precision: share of the predictions of each class that are right, by label; None where it is never predicted.
        recall: share of each class's images that are predicted as it, by label; None where there are none.
        auroc_by_class: the area of each class, by label; None where one side is missing.
        confusion: images by label (rows) and predicted class (columns).
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
    """95 % intervals, (low, high), by :func:`training.evaluation.metrics.intervals`; None where none is defined."""

    accuracy: tuple[float, float]
    macro_f1: tuple[float, float]
    auroc: tuple[float, float] | None


@dataclass(frozen=True)
class GroupResult:
    """Scores of one part of the images, with the interval of its accuracy."""

    scores: Scores
    accuracy_interval: tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """Agreement of a model's predictions with another's, e.g. its teacher's, on the same images.

    Attributes:
        bundle: the other model.
        same_class: share of images on which both put the same class on top, in [0, 1].
        kl: mean of KL(other ‖ this) of the two calibrated outputs, in nats.
        accuracy: the other's accuracy.
    """

    bundle: str
    same_class: float
    kl: float
    accuracy: float


@dataclass(frozen=True)
class Limits:
    """Conformal sets and novelty gate on labelled images; None where the card has no such rule.

    Attributes:
        covered: share of images whose conformal set contains the label.
        unsure: share whose set is not exactly one class.
        empty: share whose set is empty.
        refused: share that the novelty gate finds not assessable.
    """

    covered: float | None
    unsure: float | None
    empty: float | None
    refused: float | None


@dataclass(frozen=True)
class Evaluation:
    """Scores of one bundle on one split.

    Attributes:
        bundle: its identifier.
        weights_sha256: checksum of the weights that were scored.
        data: the data set's folder name.
        split: which split.
        runtime: the runtime that computed the logits.
        classes: the labels, in the order of the confusion matrix.
        temperature: what the logits were divided by.
        overall: scores on all images.
        intervals: 95 % intervals of accuracy, macro F1 and AUROC on all images.
        limits: conformal sets and the novelty gate.
        subgroups: scores by ``column=value``, for subgroups of at least ``SMALLEST_SUBGROUP`` images.
        border: what linear models on thumbnails score, one on their border alone; None where images are too few.
        agreement: agreement with another model, or None.
        notes: warnings that belong to the scores, a sentence each: few images, images that training may have seen.
        started_from: in words, what the network started from; empty where that is not on record.
        unreadable: images that were left out because they can't be read, by name, with the reason.
    """

    bundle: str
    weights_sha256: str
    data: str
    split: str
    runtime: str
    classes: tuple[str, ...]
    temperature: float
    overall: Scores
    intervals: Intervals
    limits: Limits
    subgroups: dict[str, GroupResult]
    border: ProbeScores | None = None
    agreement: Agreement | None = None
    notes: tuple[str, ...] = ()
    started_from: str = ""
    unreadable: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)
