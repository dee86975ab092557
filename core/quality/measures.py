"""What is measured of a heat map: the names, which way is better, and what each figure means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.errors import UsageError

Better = Literal["lower", "higher", ""]


@dataclass(frozen=True)
class Measure:
    """One figure of a heat map.

    Attributes:
        id: its name in results and cards; one of a mask ends in a colon, and the mask's name follows.
        name: its name for a person.
        better: which way is better; empty where neither is.
        group: what it is chosen by on the command line, one of ``GROUPS``.
        meaning: what it says, in a sentence.
    """

    id: str
    name: str
    better: Better
    group: str
    meaning: str


MEASURES: dict[str, Measure] = {
    measure.id: measure
    for measure in (
        Measure(
            "deletion", "Deletion AUC", "lower", "faithfulness",
            "Area under the probability of the predicted class while the highest pixels of the map are blanked.",
        ),
        Measure(
            "insertion", "Insertion AUC", "higher", "faithfulness",
            "The same while these pixels are put into an empty image.",
        ),
        Measure(
            "road", "ROAD", "higher", "faithfulness",
            "Half the difference of the mean probability after the least and after the most relevant 10 to 90 % of the "
            "pixels were imputed; 0 for a map at random.",
        ),
        Measure(
            "drop", "Average drop", "lower", "faithfulness",
            "Relative loss of the probability when the image is multiplied by the map.",
        ),
        Measure(
            "increase", "Average increase", "higher", "faithfulness",
            "Share of images whose probability rises when the image is multiplied by the map.",
        ),
        Measure(
            "pointing:", "Pointing game", "higher", "localisation",
            "Share of images whose highest pixel lies inside the mask; higher is worse where it outlines a marker.",
        ),
        Measure(
            "energy:", "Energy inside", "higher", "localisation",
            "Share of the map's sum that lies inside the mask; higher is worse where it outlines a marker.",
        ),
        Measure(
            "area:", "Area of the mask", "", "localisation",
            "Share of the image inside the mask: the energy of a map that is the same everywhere.",
        ),
        Measure(
            "noise", "Change under noise", "lower", "stability",
            "Largest relative change of the map under invisible noise (max-sensitivity).",
        ),
        Measure(
            "shift", "Change under shift", "lower", "stability",
            "Largest relative change of the map, moved along, when the image is shifted by 4 pixels.",
        ),
        Measure(
            "randomised", "Similarity with random weights", "lower", "randomisation",
            "Rank correlation with the map of the network whose layers all have random weights.",
        ),
        Measure(
            "complexity", "Complexity", "", "complexity",
            "Entropy of the map in nats: 0 for one pixel, 10.8 for an even map of 224 × 224 pixels.",
        ),
        Measure(
            "sparseness", "Sparseness", "", "complexity",
            "Gini index of the map: 0 for an even one, near 1 for one pixel.",
        ),
    )
}  # fmt: skip
GROUPS = tuple(dict.fromkeys(measure.group for measure in MEASURES.values()))


def measure_of(key: str) -> Measure:
    """Return the measure of a key in results, e.g. of ``energy:lung``."""
    return MEASURES[_general(key)]


def title(key: str) -> str:
    """Return the name of a measure for a person, with the mask that it is of, e.g. ``Energy inside (lung)``."""
    _, colon, mask = key.partition(":")
    name = measure_of(key).name
    return f"{name} ({mask})" if colon else name


def in_order(keys: Iterable[str]) -> list[str]:
    """Return keys of results in the order of ``MEASURES``, those of one measure by mask; unknown ones are left out."""
    order = list(MEASURES)
    return sorted((key for key in set(keys) if _general(key) in MEASURES), key=lambda k: (order.index(_general(k)), k))


def chosen_groups(names: Iterable[str]) -> tuple[str, ...]:
    """Return groups of measures by their names, in the order of ``GROUPS``.

    Raises:
        UsageError: if there is none of that name.
    """
    wanted = {name.strip().lower() for name in names}
    if unknown := wanted - set(GROUPS):
        raise UsageError(f"There are no measures {sorted(unknown)[0]!r}.", remedy=f"There are {', '.join(GROUPS)}.")
    return tuple(group for group in GROUPS if group in wanted)


def _general(key: str) -> str:
    name, colon, _mask = key.partition(":")
    return name + colon
