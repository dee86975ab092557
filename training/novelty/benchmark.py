"""Measure how well the gate, and other detectors, separate other images from the task's own test images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import prepare_picture
from core.models.bundle import Bundle
from core.performance.roc import area_interval
from core.runtimes.base import Runtime, RuntimeChoice
from core.runtimes.load import load_runtime
from core.uncertainty.disturbances import Picture
from core.uncertainty.gate_fit import decoy_thumbnails, fit_gate
from core.uncertainty.thumbnail import thumbnail
from training.data.loading import open_dataset
from training.evaluation.clustered_bootstrap import RESAMPLES, SEED, Figure, Indices, clusters_of, figure
from training.evaluation.predictions import predict
from training.evaluation.scored_data import open_scored
from training.novelty.detectors import Detector, Inputs, gate_parts, published_detectors
from training.novelty.robustness import evenly
from training.novelty.sets import make_sets

Float64Array = npt.NDArray[np.float64]
FALSE_POSITIVE_RATE = 0.02  # share of the own test images at which the detectors' sensitivities are compared
GATE = "gate"


@dataclass(frozen=True)
class Row:
    """The result of one detector on one set of other images.

    Attributes:
        detector: name of the detector.
        dataset: name of the set.
        kind: kind of the set, e.g. ``far``.
        known: whether the gate was fitted with the same disturbance, of other images.
        images: number of images in the set.
        auroc: area under the ROC curve against the task's own test images.
        rejected: share of the set that is rejected where ``FALSE_POSITIVE_RATE`` of the own test images are; for the
            gate at its own threshold.
        own_rejected: share of the own test images that is rejected at the same threshold.
    """

    detector: str
    dataset: str
    kind: str
    known: bool
    images: int
    auroc: Figure
    rejected: Figure
    own_rejected: Figure


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
    decoys = decoy_thumbnails([sample.path for sample in val.samples], card.preprocessing)
    gate = fit_gate(val.thumbnails, decoys, by_layout=card.preprocessing.channels == "grey")
    detectors = published_detectors(Inputs(val.features, val.logits, val.thumbnails), val.labels(card.classes))
    if gate.by_layout:
        detectors |= gate_parts(val.thumbnails)
    detectors[GATE] = lambda inputs: gate.scores(inputs.thumbnails)
    others = [sample for sample in open_dataset(other).samples if sample.split == "test"]
    ours, groups = Inputs(test.features, test.logits, test.thumbnails), clusters_of(test.samples)
    limits = {name: _limit(detector, ours, gate.threshold, name) for name, detector in detectors.items()}
    rows = []
    for one in make_sets(bundle, evenly(test.samples, images), evenly(others, images)):
        inputs = _inputs(one.pictures, bundle, engine)
        for name, detector in detectors.items():
            own, theirs = detector(ours), detector(inputs)
            rows.append(
                Row(
                    detector=name,
                    dataset=one.name,
                    kind=one.kind,
                    known=one.known,
                    images=len(theirs),
                    auroc=auroc_figure(own, theirs, groups, one.clusters),
                    rejected=figure(theirs > limits[name], one.clusters),
                    own_rejected=figure(own > limits[name], groups),
                )
            )
    return rows


def auroc_figure(own: Float64Array, theirs: Float64Array, own_clusters: Indices, their_clusters: Indices) -> Figure:
    """Return the area under the ROC curve of two sets of scores with its 95 % interval.

    The area is the Mann-Whitney statistic, in which ties count half. The interval is a percentile bootstrap that draws
    whole patients, originals or films of both sets. Where the sets do not overlap, or one is of a single cluster, that
    would say nothing: there it is Newcombe's, with each cluster for one image.

    Args:
        own: scores of the task's own images, (N,).
        theirs: scores of the others, (M,), which should be larger.
        own_clusters: (N,), equal for images of one cluster.
        their_clusters: (M,), likewise.
    """
    wins = (theirs[None, :] > own[:, None]) + 0.5 * (theirs[None, :] == own[:, None])
    area = float(wins.mean())
    (rows, row_sizes), (columns, column_sizes) = _membership(own_clusters), _membership(their_clusters)
    if area in (0.0, 1.0) or min(len(row_sizes), len(column_sizes)) < 2:
        interval = area_interval(area, len(column_sizes), len(row_sizes))
        return Figure(area, interval.low, interval.high)
    between = rows @ wins @ columns.T
    random = np.random.default_rng(SEED)
    drawn, their_drawn = (
        random.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), RESAMPLES)
        for sizes in (row_sizes, column_sizes)
    )
    areas = ((drawn @ between) * their_drawn).sum(axis=1) / ((drawn @ row_sizes) * (their_drawn @ column_sizes))
    low, high = np.percentile(areas, [2.5, 97.5])
    return Figure(area, float(low), float(high))


def _membership(clusters: Indices) -> tuple[Float64Array, Float64Array]:
    """Return which images each cluster holds, 0 or 1 of shape (K, N), and how many, (K,)."""
    _names, index = np.unique(clusters, return_inverse=True)
    found = np.zeros((int(index.max()) + 1, len(index)))
    found[index, np.arange(len(index))] = 1
    return found, found.sum(axis=1)


def _limit(detector: Detector, own: Inputs, threshold: float, name: str) -> float:
    return threshold if name == GATE else float(np.quantile(detector(own), 1 - FALSE_POSITIVE_RATE))


def _inputs(pictures: Iterable[Picture], bundle: Bundle, engine: Runtime) -> Inputs:
    features, logits, thumbnails = [], [], []
    for picture in pictures:
        prepared = prepare_picture(picture, bundle.card.preprocessing)
        scores, maps = engine.forward_with_maps(prepared.batch)
        features.append(maps[0].mean(axis=(1, 2)))
        logits.append(scores[0])
        thumbnails.append(thumbnail(prepared.gate_batch, bundle.card.preprocessing)[0])
    return Inputs(np.array(features), np.array(logits), np.array(thumbnails))


def gate_table(rows: list[Row]) -> str:
    """Return a Markdown table of the gate alone: AUROC and share rejected, with their 95 % intervals."""
    own = [row for row in rows if row.detector == GATE]
    lines = ["| kind | set | images | AUROC (95 %) | not assessable (95 %) |", "|---|---|---|---|---|"]
    for row in own:
        area, out = row.auroc, row.rejected
        name = f"{row.dataset} (a decoy)" if row.known else row.dataset
        lines.append(
            f"| {row.kind} | {name} | {row.images} | {area.mean:.3f} ({area.low:.3f}–{area.high:.3f}) | {_share(out)} |"
        )
    return "\n".join([*lines, f"| *own test images* | | | | {_share(own[0].own_rejected)} |"])


def table(rows: list[Row]) -> str:
    """Return a Markdown table of all detectors: AUROC and, in brackets, the share rejected."""
    detectors = list(dict.fromkeys(row.detector for row in rows))
    sets = list(dict.fromkeys((row.dataset, row.images) for row in rows))
    found = {(row.detector, row.dataset): row for row in rows}
    lines = ["| set | images | " + " | ".join(detectors) + " |", "|---" * (len(detectors) + 2) + "|"]
    for name, images in sets:
        cells = [f"{found[d, name].auroc.mean:.3f} ({100 * found[d, name].rejected.mean:.0f} %)" for d in detectors]
        lines.append(f"| {name} | {images} | " + " | ".join(cells) + " |")
    own = [f"{100 * found[d, sets[0][0]].own_rejected.mean:.1f} %" for d in detectors]
    return "\n".join([*lines, "| *own test images rejected* | | " + " | ".join(own) + " |"])


def _share(figure_: Figure) -> str:
    return f"{100 * figure_.mean:.1f} % ({100 * figure_.low:.1f}–{100 * figure_.high:.1f})"
