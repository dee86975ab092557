"""All figures of the images of one task, of all of them and of each group: computed once, shown and exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.performance.observations import MODELS, REFERENCES, Model, Observations, PairAgreement, Reference
from core.performance.scores import ModelScores


@dataclass(frozen=True)
class Figures:
    """What was found over the images of one task, or of a group of them.

    Attributes:
        observations: the images.
        scores: of each model against labels and readings; only where there are any.
        pairs: how teacher, student and reader agree, two by two.
        groups: the same of each value of what images are grouped by; empty for a group.
    """

    observations: Observations
    scores: Mapping[tuple[Reference, Model], ModelScores]
    pairs: tuple[PairAgreement, ...]
    groups: Mapping[str, Mapping[str, Figures]]

    @property
    def references(self) -> list[Reference]:
        """What the models can be compared with, labels first."""
        return [reference for reference in REFERENCES if (reference, "teacher") in self.scores]


def figures(observations: Observations) -> Figures:
    """Compute all figures; takes up to seconds for many images."""
    whole = _of(observations)
    groups = {
        name: {value: _of(part) for value, part in observations.grouped(name).items()} for name in observations.groups
    }
    return replace(whole, groups=groups)


def _of(observations: Observations) -> Figures:
    scores = {
        (reference, model): found
        for reference in REFERENCES
        for model in MODELS
        if (found := observations.scores(model, reference)) is not None
    }
    return Figures(observations, scores, tuple(observations.pairs()), {})
