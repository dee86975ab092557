"""Measure the coverage of conformal sets by several rules, on halves of the validation split and on the test split.

The target coverage holds on average over draws of the validation images. How much one draw deviates depends on the
number of independent patients or originals. It can be measured on the validation split alone: fit on half of its
groups, test on the other half, many times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.models.bundle import Bundle
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime
from core.uncertainty.calibration import (
    MAX_MISCOVERAGE,
    conformal_floor,
    fit_temperature,
    plausible,
    softmax,
    target_coverage,
)
from training.evaluation.clustered_bootstrap import Figure, clusters_of, figure
from training.evaluation.predictions import predict
from training.evaluation.scored_data import open_scored

Float64Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]
Sets = Callable[[Float64Array], npt.NDArray[np.bool_]]  # from probabilities (N, C) to the sets (N, C)
Rule = Callable[[Float64Array, Labels, float], Sets]  # from probabilities, labels and target coverage
HALVES = 1000
SEED = 0


@dataclass(frozen=True)
class Coverage:
    """The coverage of one rule.

    Attributes:
        rule: its name.
        target: target coverage, in [0, 1].
        deviation: root mean square of coverage minus target over halves of val, in [0, 1].
        covered: on test, with its interval by patient or original.
        uncertain: share of test images whose set is not exactly one class.
        empty: share of test images whose set is empty.
        caught: share of the wrong predictions that are uncertain; None where none is wrong.
    """

    rule: str
    target: float
    deviation: float
    covered: Figure
    uncertain: float
    empty: float
    caught: float | None


def coverage(
    bundle: Bundle,
    folder: Path,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    label_map: Mapping[str, str] | None = None,
) -> list[Coverage]:
    """Measure every rule on a bundle.

    Args:
        bundle: the model; its temperature and rule are fitted anew.
        folder: its data set.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        label_map: labels that are renamed or left out; by default the run's own, where one is measured.
    """
    data, classes = open_scored(bundle, folder, label_map=label_map), bundle.card.classes
    engine = load_runtime(bundle, runtime, threads)
    val, test = (predict(bundle, engine, data.of(split, classes)) for split in ("val", "test"))
    labels, test_labels = val.labels(classes), test.labels(classes)
    groups, originals = clusters_of(val.samples), clusters_of(test.samples)
    random = np.random.default_rng(SEED)
    halves = []
    for _ in range(HALVES):
        half = (random.random(groups.max() + 1) < 0.5)[groups]
        temperature = fit_temperature(val.logits[half], labels[half])
        halves.append((half, softmax(val.logits, temperature)))
    temperature = fit_temperature(val.logits, labels)
    known, fresh = softmax(val.logits, temperature), softmax(test.logits, temperature)
    own = target_coverage(known, labels)
    wrong = fresh.argmax(axis=1) != test_labels
    rules = [("LAC at a fixed target", lac, 1 - MAX_MISCOVERAGE), *((name, rule, own) for name, rule in RULES.items())]
    found = []
    for name, rule, target in rules:
        deviations = []
        for half, probabilities in halves:
            sets = rule(probabilities[half], labels[half], target)
            deviations.append(_covered(sets(probabilities[~half]), labels[~half]).mean() - target)
        inside = rule(known, labels, target)(fresh)
        uncertain = inside.sum(axis=1) != 1
        found.append(
            Coverage(
                rule=name,
                target=target,
                deviation=float(np.sqrt(np.mean(np.square(deviations)))),
                covered=figure(_covered(inside, test_labels), originals),
                uncertain=float(uncertain.mean()),
                empty=float((~inside.any(axis=1)).mean()),
                caught=float(uncertain[wrong].mean()) if wrong.any() else None,
            )
        )
    return found


def table(found: list[Coverage]) -> str:
    """Return the rules as a Markdown table."""
    head = (
        "rule", "target", "deviation on halves of val", "covered on test", "uncertain", "empty set",
        "errors that are uncertain",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for one in found:
        caught = "–" if one.caught is None else f"{100 * one.caught:.0f} %"
        ends = f"{100 * one.covered.low:.1f}–{100 * one.covered.high:.1f}"
        lines.append(
            f"| {one.rule} | {100 * one.target:.1f} % | ±{100 * one.deviation:.1f} points | "
            f"{100 * one.covered.mean:.1f} % ({ends}) | {100 * one.uncertain:.1f} % | {100 * one.empty:.1f} % | "
            f"{caught} |"
        )
    return "\n".join(lines)


def lac(probabilities: Float64Array, labels: Labels, target: float) -> Sets:
    """The rule of the cards: see :func:`core.uncertainty.calibration.conformal_floor`."""
    floor = conformal_floor(probabilities, labels, target)
    return lambda p: plausible(p, floor)


def lac_by_class(probabilities: Float64Array, labels: Labels, target: float) -> Sets:
    """A floor for each class (Mondrian), from the images of that class."""
    floors = np.array(
        [
            conformal_floor(probabilities[labels == c], labels[labels == c], target)
            for c in range(probabilities.shape[1])
        ]
    )
    return lambda p: np.asarray(p >= floors)


def mass(probabilities: Float64Array, labels: Labels, target: float) -> Sets:
    """The floor above which the target share of the calibrated probability lies; labels only set the temperature."""
    falling = np.sort(probabilities.ravel())[::-1]
    enough = int(np.searchsorted(np.cumsum(falling) / len(labels), target))
    floor = float(falling[min(enough, len(falling) - 1)])
    return lambda p: plausible(p, floor)


def randomised_aps(probabilities: Float64Array, labels: Labels, target: float) -> Sets:
    """Adaptive sets (Romano, Sesia and Candès 2020, arXiv 2006.02544), randomised so that coverage is exact.

    The random number of an image follows from its probabilities, so that the same image gets the same set.
    """
    scores = np.sort(_accumulated(probabilities)[np.arange(len(labels)), labels])
    limit = scores[min(len(scores), int(np.ceil((len(labels) + 1) * target))) - 1]
    return lambda p: np.asarray(_accumulated(p) <= limit)


RULES: dict[str, Rule] = {
    "LAC, one floor (the cards' rule)": lac,
    "LAC, a floor for each class": lac_by_class,
    "floor by calibrated probability": mass,
    "APS, randomised": randomised_aps,
}


def _accumulated(probabilities: Float64Array) -> Float64Array:
    """Return for each class the probability of all that are likelier, and a random share of its own."""
    order = np.argsort(-probabilities, axis=1)
    falling = np.take_along_axis(probabilities, order, axis=1)
    share = np.mod(1e6 * probabilities[:, :1], 1)  # digits that carry no meaning
    found = np.empty_like(probabilities)
    np.put_along_axis(found, order, falling.cumsum(axis=1) - share * falling, axis=1)
    return found


def _covered(inside: npt.NDArray[np.bool_], labels: Labels) -> npt.NDArray[np.bool_]:
    return inside[np.arange(len(labels)), labels]
