"""What becomes of a model's answers when its own images are changed: refused, adjusted, or given another class."""

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
from core.uncertainty.thumbnail import thumbnail
from training.data.dataset import Sample
from training.evaluation.scored_data import open_scored
from training.novelty.images import EXPOSURES, MILD, Picture


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a model makes of N images.

    Attributes:
        classes: shape (N,): the index of the most probable class.
        refused: shape (N,): whether the novelty gate refuses the image.
        adjusted: shape (N,): whether the exposure was adjusted for the network.
        unsure: shape (N,): whether not exactly one class is plausible; all false where the model has no rule for it.
    """

    classes: npt.NDArray[np.intp]
    refused: npt.NDArray[np.bool_]
    adjusted: npt.NDArray[np.bool_]
    unsure: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Steadiness:
    """What one change does, as shares of all images.

    Attributes:
        images: how many.
        refused: share that the gate refuses.
        adjusted: share that it passes, and whose exposure was adjusted.
        flipped: share that it passes, and that got another class than the image unchanged.
        unwarned: share of those that are said to be sure, before and after.
    """

    images: int
    refused: float
    adjusted: float
    flipped: float
    unwarned: float


def measure_steadiness(
    bundle: Bundle,
    folder: Path,
    images: int = 60,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Outcome]]:
    """Yield what a bundle makes of test images as they are, then of the same after each change, in files of 8 bits.

    Args:
        bundle: the model, with its own gate.
        folder: its data set.
        images: how many are taken, evenly.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        label_map: labels that are renamed or left out; by default the run's own.
    """
    card = bundle.card
    engine = load_runtime(bundle, runtime, threads)
    samples = evenly(open_scored(bundle, folder, label_map=label_map).of("test", card.classes), images)
    height, width = card.preprocessing.size
    pictures = [resize(read_image(sample.path).displayed(), height, width) for sample in samples]
    yield "as they are", outcome(pictures, bundle, engine)
    for name, change in {**MILD, **EXPOSURES}.items():
        changed = (np.rint(np.clip(change(picture), 0, 1) * 255).astype(np.float32) / 255 for picture in pictures)
        yield name, outcome(changed, bundle, engine)


def evenly(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return at most ``count`` samples, evenly spread."""
    return list(samples[:: max(1, len(samples) // count)][:count])


def outcome(pictures: Iterable[Picture], bundle: Bundle, engine: Runtime) -> Outcome:
    """Return what a bundle makes of pictures."""
    card, gate = bundle.card, bundle.read_gate()
    logits, thumbnails, adjusted = [], [], []
    for picture in pictures:
        seen = prepare_picture(picture, card.preprocessing)
        logits.append(engine.forward(seen.batch)[0])
        thumbnails.append(thumbnail(seen.judged, card.preprocessing)[0])
        adjusted.append(bool(seen.notice))
    rows = [softmax(row, card.temperature) for row in logits]
    rule = card.conformal
    unsure = [rule is not None and int(plausible(row, rule.floor).sum()) != 1 for row in rows]
    refused = [False] * len(rows) if gate is None else gate.scores(np.array(thumbnails)) > gate.threshold
    return Outcome(np.argmax(rows, axis=1), np.array(refused), np.array(adjusted), np.array(unsure))


def steadiness(unchanged: Outcome, changed: Outcome) -> Steadiness:
    """Compare what a model makes of images, and of the same changed."""
    passed = ~changed.refused
    flipped = passed & (changed.classes != unchanged.classes)
    return Steadiness(
        images=len(passed),
        refused=float(changed.refused.mean()),
        adjusted=float((passed & changed.adjusted).mean()),
        flipped=float(flipped.mean()),
        unwarned=float((flipped & ~changed.unsure & ~unchanged.unsure).mean()),
    )


def steadiness_table(outcomes: Mapping[str, Outcome]) -> str:
    """Return a Markdown table, a row for each change; the first is of the images as they are."""
    unchanged = next(iter(outcomes.values()))
    lines = [
        "| own images | images | refused | passed, adjusted | passed, another class | of these sure before and after |",
        "|---|---|---|---|---|---|",
    ]
    for name, after in outcomes.items():
        found = steadiness(unchanged, after)
        shares = (found.refused, found.adjusted, found.flipped, found.unwarned)
        lines.append(f"| {name} | {found.images} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")
    return "\n".join(lines)
