"""Compare novelty detectors: how well each separates other images from the task's own test images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import prepare_picture
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.performance.roc import auroc
from core.runtimes.base import Runtime, RuntimeChoice
from core.runtimes.load import load_runtime
from core.uncertainty.disturbances import DISTURBANCES, EXPOSURES, Picture, grey
from core.uncertainty.gate_fit import (
    DECOYS,
    EXPOSURE_DECOYS,
    LAYOUT_CENTRES,
    centres_of,
    decoy_thumbnails,
    fit_gate,
)
from core.uncertainty.novelty import nearest
from core.uncertainty.thumbnail import SIDE, likeness_features, thumbnail
from training.data.loading import Sample, open_dataset
from training.evaluation.predictions import predict
from training.evaluation.scored_data import open_scored
from training.novelty.images import blank, noise, photographs, radiology_objects
from training.novelty.robustness import evenly

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
FALSE_POSITIVE_RATE = 0.02  # share of the own test images at which the detectors' sensitivities are compared
NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class Inputs:
    """The detectors' inputs for N images: features (N, K), logits (N, C) and thumbnails (N, CHANNELS, S, S)."""

    features: FloatArray
    logits: FloatArray
    thumbnails: FloatArray


@dataclass(frozen=True)
class Row:
    """The result of one detector on one set of other images.

    Attributes:
        detector: name of the detector.
        dataset: name of the set.
        images: number of images in the set.
        auroc: area under the ROC curve against the task's own test images.
        rejected: share of the set that is rejected where ``FALSE_POSITIVE_RATE`` of the own test images are; for the
            gate at its own threshold.
        own_rejected: share of the own test images that is rejected at the same threshold.
    """

    detector: str
    dataset: str
    images: int
    auroc: float
    rejected: float
    own_rejected: float


Detector = Callable[[Inputs], Float64Array]


def measure(
    bundle: Bundle,
    folder: Path,
    other: Path,
    images: int = 60,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    label_map: Mapping[str, str] | None = None,
) -> list[Row]:
    """Fit detectors to the validation split and measure them on the test split and on other images.

    Args:
        bundle: the model.
        folder: its own data set.
        other: a data set of another task.
        images: number of images of each set, evenly spread.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        label_map: labels of its own data set to rename or leave out; by default the run's own.
    """
    card = bundle.card
    engine = load_runtime(bundle, runtime, threads)
    data = open_scored(bundle, folder, label_map=label_map)
    val, test = (predict(bundle, engine, data.of(split, card.classes)) for split in ("val", "test"))
    labels = val.labels(card.classes)
    decoys = decoy_thumbnails([sample.path for sample in val.samples], card.preprocessing)
    gate = fit_gate(val.thumbnails, decoys, by_layout=card.preprocessing.channels == "grey")
    detectors = _detectors(Inputs(val.features, val.logits, val.thumbnails), labels)
    if gate.by_layout:
        detectors |= _parts(val.thumbnails)
    detectors["gate"] = lambda inputs: gate.scores(inputs.thumbnails)
    own = Inputs(test.features, test.logits, test.thumbnails)
    sets = {
        name: _inputs(pictures, bundle, engine)
        for name, pictures in _sets(bundle, test.samples, open_dataset(other).samples, images).items()
    }
    rows = []
    for name, detector in detectors.items():
        ours = detector(own)
        limit = gate.threshold if name == "gate" else float(np.quantile(ours, 1 - FALSE_POSITIVE_RATE))
        for dataset, inputs in sets.items():
            theirs = detector(inputs)
            both = np.concatenate([ours, theirs])
            area = auroc(both, np.arange(len(both)) >= len(ours))
            rows.append(
                Row(
                    detector=name,
                    dataset=dataset,
                    images=len(theirs),
                    auroc=float("nan") if area is None else area,
                    rejected=float((theirs > limit).mean()),
                    own_rejected=float((ours > limit).mean()),
                )
            )
    return rows


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table: AUROC and, in brackets, the share rejected."""
    detectors = list(dict.fromkeys(row.detector for row in rows))
    sets = list(dict.fromkeys((row.dataset, row.images) for row in rows))
    found = {(row.detector, row.dataset): row for row in rows}
    lines = ["| set | images | " + " | ".join(detectors) + " |", "|---" * (len(detectors) + 2) + "|"]
    for name, images in sets:
        cells = [f"{found[d, name].auroc:.3f} ({100 * found[d, name].rejected:.0f} %)" for d in detectors]
        lines.append(f"| {name} | {images} | " + " | ".join(cells) + " |")
    own = [f"{100 * found[d, sets[0][0]].own_rejected:.1f} %" for d in detectors]
    return "\n".join([*lines, "| *own test images rejected* | | " + " | ".join(own) + " |"])


def _sets(bundle: Bundle, own: list[Sample], other: list[Sample], images: int) -> dict[str, list[Picture]]:
    colour = bundle.card.preprocessing.channels == "rgb"
    others = [read_image(s.path).displayed() for s in evenly([s for s in other if s.split == "test"], images)]
    sets = {"other task": others, "other task, turned grey": [grey(p) for p in others]}
    for name, picture in radiology_objects():
        sets.setdefault(name, []).append(picture)
    sets |= {"photographs": list(photographs()), "noise": list(noise(colour)), "blank": list(blank(colour))}
    mine = [read_image(s.path).displayed() for s in evenly(own, images)]
    for name, disturb in DISTURBANCES.items():
        if name != "turned grey" or colour:  # radiographs are grey already
            known = " (a decoy)" if name in DECOYS and not colour else ""
            sets[f"own, {name}{known}"] = [disturb(picture) for picture in mine]
    for name, disturb in EXPOSURES.items():
        known = " (a decoy)" if name in EXPOSURE_DECOYS else ""
        sets[f"own, {name}{known}"] = [disturb(picture) for picture in mine]
    return {name: pictures for name, pictures in sets.items() if pictures}


def _inputs(pictures: Iterable[Picture], bundle: Bundle, engine: Runtime) -> Inputs:
    features, logits, thumbnails = [], [], []
    for picture in pictures:
        prepared = prepare_picture(picture, bundle.card.preprocessing)
        scores, maps = engine.forward_with_maps(prepared.batch)
        features.append(maps[0].mean(axis=(1, 2)))
        logits.append(scores[0])
        thumbnails.append(thumbnail(prepared.gate_batch, bundle.card.preprocessing)[0])
    return Inputs(np.array(features), np.array(logits), np.array(thumbnails))


def _detectors(val: Inputs, labels: npt.NDArray[np.intp]) -> dict[str, Detector]:
    """Return detectors from the literature on features and logits; a larger score means less like the training data."""
    from scipy.special import logsumexp
    from sklearn.covariance import LedoitWolf
    from sklearn.neighbors import NearestNeighbors

    features = val.features.astype(np.float64)
    means = np.stack([features[labels == c].mean(axis=0) for c in np.unique(labels)])
    off = features - means[np.searchsorted(np.unique(labels), labels)]
    within = LedoitWolf(assume_centered=True).fit(off).precision_
    overall = LedoitWolf().fit(features)
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(_unit(features))

    def squares(rows: Float64Array, mean: Float64Array, precision: Float64Array) -> Float64Array:
        return np.asarray(((rows - mean) @ precision * (rows - mean)).sum(axis=1))

    def mahalanobis(inputs: Inputs) -> Float64Array:
        rows = inputs.features.astype(np.float64)
        return np.asarray(np.min([squares(rows, mean, within) for mean in means], axis=0))

    def relative(inputs: Inputs) -> Float64Array:
        rows = inputs.features.astype(np.float64)
        return np.asarray(mahalanobis(inputs) - squares(rows, overall.location_, overall.precision_))

    return {
        "Mahalanobis (Lee 2018)": mahalanobis,
        "relative Mahalanobis (Ren 2021)": relative,
        "energy (Liu 2020)": lambda inputs: -np.asarray(logsumexp(inputs.logits.astype(np.float64), axis=1)),
        "deep k-NN (Sun 2022)": lambda inputs: neighbours.kneighbors(_unit(inputs.features))[0][:, -1],
    }


def _parts(val: FloatArray) -> dict[str, Detector]:
    """Return the likeness test of radiographs without decoys, and with each half of its features alone."""

    def alone(half: slice) -> Detector:
        centres = centres_of(likeness_features(val, by_layout=True)[:, half], LAYOUT_CENTRES)
        return lambda inputs: nearest(centres, likeness_features(inputs.thumbnails, by_layout=True)[:, half])

    layout = SIDE**2 + 1
    halves = {"layout alone": slice(layout), "edges alone": slice(layout, None), "both, without decoys": slice(None)}
    return {name: alone(half) for name, half in halves.items()}


def _unit(rows: npt.NDArray[np.floating]) -> Float64Array:
    return np.asarray(rows / np.maximum(1e-12, np.linalg.norm(rows, axis=1, keepdims=True)), dtype=np.float64)
