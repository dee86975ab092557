"""Detectors of images outside the training data: those of the literature, which the gate is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.uncertainty.gate_fit import LAYOUT_CENTRES, centres_of
from core.uncertainty.novelty import nearest
from core.uncertainty.thumbnail import SIDE, likeness_features

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class Inputs:
    """The detectors' inputs for N images: features (N, K), logits (N, C) and thumbnails (N, CHANNELS, S, S)."""

    features: FloatArray
    logits: FloatArray
    thumbnails: FloatArray


# from inputs to scores, shape (N,); a larger one means less like the training data
Detector = Callable[[Inputs], Float64Array]


def published_detectors(val: Inputs, labels: npt.NDArray[np.intp]) -> dict[str, Detector]:
    """Return detectors from the literature on features and logits, fitted to validation images."""
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


def gate_parts(val: FloatArray) -> dict[str, Detector]:
    """Return the likeness test of radiographs without decoys, and with each half of its features alone."""

    def alone(half: slice) -> Detector:
        centres = centres_of(likeness_features(val, by_layout=True)[:, half], LAYOUT_CENTRES)
        return lambda inputs: nearest(centres, likeness_features(inputs.thumbnails, by_layout=True)[:, half])

    layout = SIDE**2 + 1
    halves = {"layout alone": slice(layout), "edges alone": slice(layout, None), "both, without decoys": slice(None)}
    return {name: alone(half) for name, half in halves.items()}


def _unit(rows: npt.NDArray[np.floating]) -> Float64Array:
    return np.asarray(rows / np.maximum(1e-12, np.linalg.norm(rows, axis=1, keepdims=True)), dtype=np.float64)
