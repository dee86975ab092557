"""Measure how a model's predictions change when test images are changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import prepare_picture, resize
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.runtimes.base import Runtime, RuntimeChoice
from core.runtimes.load import load_runtime
from core.uncertainty.calibration import plausible, softmax
from core.uncertainty.disturbances import EXPOSURES, Picture
from core.uncertainty.thumbnail import thumbnail
from training.data.dataset import Sample
from training.evaluation.scored_data import open_scored
from training.novelty.images import MILD


@dataclass(frozen=True, eq=False)
class Outcome:
    """The results of a model on N images.

    Attributes:
        classes: shape (N,): the index of the most probable class.
        not_assessable: shape (N,): whether the image is outside the training data.
        adjusted: shape (N,): whether the exposure was adjusted.
        uncertain: shape (N,): whether the number of plausible classes is not one; all false if the model has no rule.
    """

    classes: npt.NDArray[np.intp]
    not_assessable: npt.NDArray[np.bool_]
    adjusted: npt.NDArray[np.bool_]
    uncertain: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Robustness:
    """The effect of one change, as shares of all images.

    Attributes:
        images: number of images.
        not_assessable: share outside the training data.
        adjusted: share that passes the gate, with adjusted exposure.
        other_class: share that passes the gate, predicted as another class than the unchanged image.
        unflagged: share as ``other_class``, uncertain neither before nor after the change.
    """

    images: int
    not_assessable: float
    adjusted: float
    other_class: float
    unflagged: float


def measure_robustness(
    bundle: Bundle,
    folder: Path,
    images: int = 60,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Outcome]]:
    """Yield the outcome of unchanged test images, then of the same after each change, quantised to 8 bits.

    Args:
        bundle: the model with its novelty gate.
        folder: its data set.
        images: number of images, evenly spread over the split.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        label_map: labels to rename or leave out; by default the run's own.
    """
    card = bundle.card
    engine = load_runtime(bundle, runtime, threads)
    samples = sampled(bundle, folder, images, label_map)
    height, width = card.preprocessing.size
    pictures = [resize(read_image(sample.path).displayed(), height, width) for sample in samples]
    yield "unchanged", outcome(pictures, bundle, engine)
    for name, change in {**MILD, **EXPOSURES}.items():
        changed = (np.rint(np.clip(change(picture), 0, 1) * 255).astype(np.float32) / 255 for picture in pictures)
        yield name, outcome(changed, bundle, engine)


def sampled(bundle: Bundle, folder: Path, images: int, label_map: Mapping[str, str] | None = None) -> list[Sample]:
    """Return at most so many images of a bundle's test split, evenly spread over it."""
    return evenly(open_scored(bundle, folder, label_map=label_map).of("test", bundle.card.classes), images)


def evenly(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return at most ``count`` samples, evenly spread."""
    return list(samples[:: max(1, len(samples) // count)][:count])


def outcome(pictures: Iterable[Picture], bundle: Bundle, engine: Runtime) -> Outcome:
    """Return the results of a bundle on images."""
    card, gate = bundle.card, bundle.read_gate()
    logits, thumbnails, adjusted = [], [], []
    for picture in pictures:
        prepared = prepare_picture(picture, card.preprocessing)
        logits.append(engine.forward(prepared.batch)[0])
        thumbnails.append(thumbnail(prepared.gate_batch, card.preprocessing)[0])
        adjusted.append(bool(prepared.notice))
    rows = [softmax(row, card.temperature) for row in logits]
    rule = card.conformal
    uncertain = [rule is not None and int(plausible(row, rule.floor).sum()) != 1 for row in rows]
    not_assessable = [False] * len(rows) if gate is None else gate.scores(np.array(thumbnails)) > gate.threshold
    return Outcome(np.argmax(rows, axis=1), np.array(not_assessable), np.array(adjusted), np.array(uncertain))


def compare_outcomes(unchanged: Outcome, changed: Outcome) -> Robustness:
    """Return the effect of a change from the outcomes before and after it."""
    passed = ~changed.not_assessable
    other_class = passed & (changed.classes != unchanged.classes)
    return Robustness(
        images=len(passed),
        not_assessable=float(changed.not_assessable.mean()),
        adjusted=float((passed & changed.adjusted).mean()),
        other_class=float(other_class.mean()),
        unflagged=float((other_class & ~changed.uncertain & ~unchanged.uncertain).mean()),
    )


def robustness_table(outcomes: Mapping[str, Outcome]) -> str:
    """Return a Markdown table with a row for each change; the first outcome is that of the unchanged images."""
    unchanged = next(iter(outcomes.values()))
    lines = [
        "| own images | images | not assessable | passed, adjusted | passed, other class | of these, not uncertain |",
        "|---|---|---|---|---|---|",
    ]
    for name, after in outcomes.items():
        found = compare_outcomes(unchanged, after)
        shares = (found.not_assessable, found.adjusted, found.other_class, found.unflagged)
        lines.append(f"| {name} | {found.images} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")
    return "\n".join(lines)
