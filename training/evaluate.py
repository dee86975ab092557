"""Score a bundle on labelled images, through the same reading, preprocessing and runtime that a user gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.bundle import Bundle
from core.calibration import expected_calibration_error, softmax
from core.images import read_image
from core.preprocess import preprocess
from core.runtime import RuntimeChoice, load_runtime
from training.datasets import Sample, in_batches, of_split, read_manifest

# manifest columns by whose values scores are broken down, where a data set has them
SUBGROUPS = ("population", "source")
SMALLEST_SUBGROUP = 20


@dataclass(frozen=True)
class Scores:
    """What a model scored on a set of images.

    Attributes:
        images: how many there were.
        accuracy: share of images whose top class is right, in [0, 1].
        macro_f1: mean over the classes of F1, in [0, 1].
        ece: expected calibration error after the card's temperature, in [0, 1].
        recall: share of each class's images that were recognised, by label; NaN where there are none.
    """

    images: int
    accuracy: float
    macro_f1: float
    ece: float
    recall: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Scores of one bundle on one split.

    Attributes:
        bundle: its identifier.
        data: the data set's folder name.
        split: which split.
        runtime: the runtime that computed the logits.
        overall: scores on all images.
        subgroups: scores by ``column=value``, for subgroups of at least ``SMALLEST_SUBGROUP`` images.
    """

    bundle: str
    data: str
    split: str
    runtime: str
    overall: Scores
    subgroups: dict[str, Scores]

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)


def evaluate(
    bundle: Bundle,
    folder: Path,
    split: str = "test",
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    progress: Callable[[Path], None] = lambda _image: None,
) -> Evaluation:
    """Score a bundle on one split of a data set.

    Args:
        bundle: the model.
        folder: the data set, with a manifest.
        split: which split.
        runtime: which runtime computes the logits.
        threads: CPU threads, or None.
        progress: called with each image that has been scored.

    Raises:
        DatasetError: if the data set is unusable.
        ImageError: if an image can't be read.
    """
    card = bundle.card
    samples = of_split(read_manifest(folder), split, card.classes)
    engine = load_runtime(bundle, runtime, threads)
    logits: list[npt.NDArray[np.float32]] = []
    for batch in in_batches(samples, engine.batch_size):
        inputs = np.concatenate([preprocess(read_image(s.path), card.preprocessing) for s in batch])
        logits.append(engine.forward(inputs))
        for sample in batch:
            progress(sample.path)
    probabilities = softmax(np.concatenate(logits), card.temperature)
    return Evaluation(
        bundle=bundle.id,
        data=folder.resolve().name,
        split=split,
        runtime=engine.name,
        overall=score(probabilities, samples, card.classes),
        subgroups=_by_subgroup(probabilities, samples, card.classes),
    )


def score(probabilities: npt.NDArray[np.float64], samples: list[Sample], classes: tuple[str, ...]) -> Scores:
    """Return the scores of probabilities, shape (N, C), against the samples' labels."""
    from sklearn.metrics import f1_score, recall_score

    labels = np.array([classes.index(s.label) for s in samples])
    guesses = probabilities.argmax(axis=1)
    present = np.unique(labels)
    recall = recall_score(labels, guesses, labels=range(len(classes)), average=None, zero_division=np.nan)
    return Scores(
        images=len(samples),
        accuracy=float((guesses == labels).mean()),
        macro_f1=float(f1_score(labels, guesses, labels=present, average="macro", zero_division=0)),
        ece=expected_calibration_error(probabilities, labels),
        recall=dict(zip(classes, map(float, recall), strict=True)),
    )


def _by_subgroup(
    probabilities: npt.NDArray[np.float64], samples: list[Sample], classes: tuple[str, ...]
) -> dict[str, Scores]:
    found: dict[str, Scores] = {}
    for column in SUBGROUPS:
        values = [s.facts.get(column, "") for s in samples]
        for value in sorted({v for v in values if v} - {values[0] if len(set(values)) == 1 else ""}):
            rows = [i for i, v in enumerate(values) if v == value]
            if len(rows) >= SMALLEST_SUBGROUP:
                found[f"{column}={value}"] = score(probabilities[rows], [samples[i] for i in rows], classes)
    return found
