"""What was measured, over images: means with intervals, models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.quality.bootstrap import Estimate, estimate
from core.quality.measures import in_order
from core.quality.results import ImageResult, MapResult


@dataclass(frozen=True)
class MethodSummary:
    """The maps of one model by one method.

    Attributes:
        model: identifier of the bundle.
        method: identifier of the explainer.
        measures: the mean of each measure over the images that it exists for.
        curves: the mean of each curve.
        seconds_per_map: median time to make a map.
        failed: how many maps could not be made.
    """

    model: str
    method: str
    measures: dict[str, Estimate]
    curves: dict[str, list[float]]
    seconds_per_map: float
    failed: int


@dataclass(frozen=True)
class Difference:
    """Two models by one method: the second's figure minus the first's on the same images.

    Attributes:
        first: identifier of a bundle.
        second: identifier of another.
        method: identifier of the explainer.
        measures: the mean difference of each measure, over the images that it exists for with both.
    """

    first: str
    second: str
    method: str
    measures: dict[str, Estimate]


def summarise(results: Sequence[ImageResult], models: Sequence[str], methods: Sequence[str]) -> list[MethodSummary]:
    """Return a summary for each model and method that has been measured, in their order.

    Args:
        results: what was measured of each image.
        models: identifiers of the bundles.
        methods: identifiers of the explainers.
    """
    found = []
    for method in methods:
        for model in models:
            all_maps = [result.maps[method] for result in results if result.model == model and method in result.maps]
            maps = [one for one in all_maps if not one.error]
            if maps:
                found.append(_summary(model, method, maps, len(all_maps) - len(maps)))
    return found


def _summary(model: str, method: str, maps: list[MapResult], failed: int) -> MethodSummary:
    keys = in_order(key for one in maps for key in one.values)
    values = {key: [one.values[key] for one in maps if key in one.values] for key in keys}
    names = dict.fromkeys(name for one in maps for name in one.curves)
    curves = {name: np.array([one.curves[name] for one in maps if name in one.curves]) for name in names}
    return MethodSummary(
        model=model,
        method=method,
        measures={key: estimate(values[key]) for key in keys},
        curves={name: [round(float(point), 5) for point in stack.mean(axis=0)] for name, stack in curves.items()},
        seconds_per_map=float(np.median([one.seconds for one in maps])),
        failed=failed,
    )


def differences(results: Sequence[ImageResult], models: Sequence[str], methods: Sequence[str]) -> list[Difference]:
    """Return the difference of the second of two models to the first, by method; none of another number of models.

    Each model's maps explain what that model predicts, so where their predictions differ the maps explain different
    classes.
    """
    if len(models) != 2:
        return []
    first, second = models
    found = []
    for method in methods:
        of = {
            model: {r.image: r.maps[method].values for r in results if r.model == model and method in r.maps}
            for model in models
        }
        pairs = [(of[first][image], of[second][image]) for image in of[first] if image in of[second]]
        keys = in_order(key for a, b in pairs for key in a.keys() & b.keys() if not key.startswith("area:"))
        if keys:
            measures = {key: estimate([b[key] - a[key] for a, b in pairs if key in a and key in b]) for key in keys}
            found.append(Difference(first, second, method, measures))
    return found
