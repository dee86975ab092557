"""How often a shift of the audit passes silently: assessable, certain, and wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.models.bundle import Bundle
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime
from training.data.perturbations import disturbances, read_sized
from training.evaluation.clustered_bootstrap import Figure, Indices, clusters_of, figure
from training.novelty.robustness import Outcome, outcome, sampled

LIMIT = 0.05  # largest share of images that a shift may pass silently with a wrong prediction


@dataclass(frozen=True)
class Shift:
    """What a model makes of test images under one shift, as shares of all of them.

    Attributes:
        name: the shift.
        strength: how strong it is, as the audit states it.
        images: number of images.
        not_assessable: share outside the training data.
        uncertain: share of those that pass without a single plausible class.
        silent: share that passes, is certain and is wrong, with its 95 % interval by patient or original.
    """

    name: str
    strength: str
    images: int
    not_assessable: float
    uncertain: float
    silent: Figure

    @property
    def within(self) -> bool:
        """Whether no more than ``LIMIT`` pass silently."""
        return self.silent.mean <= LIMIT


def measure_shifts(
    bundle: Bundle,
    folder: Path,
    images: int = 60,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Iterator[Shift]:
    """Yield the outcome of unchanged test images, then of the same under each shift of the audit at each strength.

    The arguments are those of :func:`training.novelty.robustness.measure_robustness`.
    """
    card = bundle.card
    engine = load_runtime(bundle, runtime, threads)
    samples = sampled(bundle, folder, images, label_map)
    labels, clusters = np.array([card.classes.index(s.label) for s in samples]), clusters_of(samples)
    colour = card.preprocessing.channels == "rgb"
    pictures = [read_sized(sample.path, colour=colour) for sample in samples]
    yield shift_of("unchanged", "", outcome(pictures, bundle, engine), labels, clusters)
    for one in disturbances(colour=colour):
        for strength in one.strengths[1:]:
            changed = (one.apply(picture, strength) for picture in pictures)
            yield shift_of(one.name, f"{strength:g}", outcome(changed, bundle, engine), labels, clusters)


def shift_of(name: str, strength: str, found: Outcome, labels: Indices, clusters: Indices) -> Shift:
    """Return the shares of an outcome.

    Args:
        name: the shift.
        strength: how strong it is.
        found: the outcome on N images.
        labels: their class indices, (N,).
        clusters: (N,), equal for images of one patient or original.
    """
    passed = ~found.not_assessable
    return Shift(
        name=name,
        strength=strength,
        images=len(labels),
        not_assessable=float(found.not_assessable.mean()),
        uncertain=float((passed & found.uncertain).mean()),
        silent=figure(passed & ~found.uncertain & (found.classes != labels), clusters),
    )


def shifts_table(shifts: list[Shift]) -> str:
    """Return the shifts as a Markdown table, and in a sentence whether all of them are within the limit."""
    lines = [
        "| shift | strength | images | not assessable | uncertain | silently wrong (95 %) | at most 5 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in shifts:
        silent = f"{100 * one.silent.mean:.1f} % ({100 * one.silent.low:.1f}–{100 * one.silent.high:.1f})"
        shares = f"{100 * one.not_assessable:.1f} % | {100 * one.uncertain:.1f} %"
        kept = "yes" if one.within else "**no**"
        lines.append(f"| {one.name} | {one.strength} | {one.images} | {shares} | {silent} | {kept} |")
    over = [f"{one.name} {one.strength}".strip() for one in shifts if not one.within]
    said = (
        f"More than {100 * LIMIT:.0f} % pass silently: {', '.join(over)}."
        if over
        else (f"No shift passes silently with a wrong prediction in more than {100 * LIMIT:.0f} % of the images.")
    )
    return "\n".join([*lines, "", said])
