"""A network's scores on centre crops and slightly blurred images beside those on whole ones, by group.

Training views are zoomed in, rotated and resampled; what a network meets later is neither. Where a centre crop or a
slight blur makes it better, its training views did not match.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.models.bundle import Bundle
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime
from training.audit.audit import FloatArray, look, predicted_classes
from training.data.loading import Sample
from training.evaluation.evaluate import SMALLEST_SUBGROUP, SUBGROUPS
from training.evaluation.scored_data import open_scored

CENTRES = (0.95, 0.9, 0.85)  # share of each side that is left
BLURS = (0.4, 0.7)  # pixels, standard deviation


@dataclass(frozen=True)
class ViewScores:
    """Accuracy under one view.

    Attributes:
        view: the view, in words.
        accuracy: on all images, in [0, 1].
        groups: by ``column=value`` of the manifest.
    """

    view: str
    accuracy: float
    groups: dict[str, float]


def compare_views(
    bundle: Bundle,
    folder: Path,
    split: str = "val",
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    progress: Callable[[str], None] = lambda _what: None,
) -> list[ViewScores]:
    """Score a network on a split under several views; the first is the whole image as it is.

    Args:
        bundle: the model.
        folder: the data set.
        split: which split.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        progress: called with each view that is done.

    Raises:
        DatasetError: if the data set is unusable.
    """
    card = bundle.card
    pictures = look(
        open_scored(bundle, folder).of(split, card.classes), card.classes, colour=card.preprocessing.channels == "rgb"
    )
    engine = load_runtime(bundle, runtime, threads)
    groups = _groups(pictures.samples)
    found = []
    for name, change in _views().items():
        right = predicted_classes(engine, card.preprocessing, pictures.pixels, change) == pictures.labels
        scores = {group: float(right[rows].mean()) for group, rows in groups.items()}
        found.append(ViewScores(name, float(right.mean()), scores))
        progress(name)
    return found


def table(found: list[ViewScores]) -> str:
    """Return the scores as a Markdown table."""
    groups = list(found[0].groups)
    lines = [f"| {' | '.join(('view', 'all', *groups))} |", "|---" * (len(groups) + 2) + "|"]
    for row in found:
        cells = (row.view, *(f"{100 * share:.2f} %" for share in (row.accuracy, *row.groups.values())))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _views() -> dict[str, Callable[[FloatArray, int], FloatArray]]:
    views: dict[str, Callable[[FloatArray, int], FloatArray]] = {"whole": lambda picture, _i: picture}
    views |= {f"centre, {share:g} of each side": partial(_centre, share=share) for share in CENTRES}
    views |= {f"blurred, {sigma:g} pixels": partial(_blurred, sigma=sigma) for sigma in BLURS}
    return views


def _centre(picture: FloatArray, _number: int, *, share: float) -> FloatArray:
    height, width = picture.shape[:2]
    top, left = (round(side * (1 - share) / 2) for side in (height, width))
    return picture[top : height - top, left : width - left]


def _blurred(picture: FloatArray, _number: int, *, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _groups(samples: list[Sample]) -> dict[str, npt.NDArray[np.intp]]:
    """Return the rows of each group that is large enough to be scored, where the split has several."""
    found = {}
    for column in SUBGROUPS:
        values = np.array([sample.facts.get(column, "") for sample in samples])
        for value in sorted(set(values) - {""}):
            rows = np.flatnonzero(values == value)
            if SMALLEST_SUBGROUP <= len(rows) < len(samples):
                found[f"{column}={value}"] = rows
    return found
