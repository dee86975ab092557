"""All measures of the heat maps that one model has for one image, with few forwards in full batches."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from core.errors import TwinlensError
from core.explain.heatmap import FloatArray
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.quality.batching import Float64Array, probabilities
from core.quality.complexity import complexity, sparseness
from core.quality.drop import drop, explained_input, increase
from core.quality.explainers import ExplainedNetwork, Explainer
from core.quality.labelled_images import LabelledImage, read_mask
from core.quality.localisation import energy_inside, pointing_game
from core.quality.perturbation import area, deletion_inputs, insertion_inputs
from core.quality.randomisation import cascade, rank_correlation
from core.quality.results import ImageResult, MapResult
from core.quality.road import road, road_inputs
from core.quality.stability import SHIFTS, max_sensitivity, noisy_copies, shift_sensitivity, shifted
from core.runtimes.base import Runtime
from core.runtimes.module_runtime import ModuleRuntime
from core.uncertainty.calibration import softmax

if TYPE_CHECKING:
    from torch import nn

COSTLY = ("stability", "randomisation")  # groups that make the map of an image many times


class QualityMeter:
    """Measures the maps of one model.

    The class that is explained is the one that the model predicts; probabilities are calibrated, as the program shows
    them.

    Args:
        bundle: the model.
        runtime: the same, loaded; deletion and the like are computed by it, and Score-CAM.
        explainers: how maps are made.
        groups: which measures are made, of ``core.quality.measures.GROUPS``.
        exhaustive: whether the costly ones are also made of methods with many forwards, which takes hours.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: Runtime,
        explainers: Iterable[Explainer],
        groups: Iterable[str],
        *,
        exhaustive: bool = False,
    ) -> None:
        self._bundle = bundle
        self._runtime = runtime
        self._explainers = tuple(explainers)
        self._groups = frozenset(groups)
        self._exhaustive = exhaustive
        self._network = ExplainedNetwork(bundle.card.network, runtime, lambda: self._module)

    @cached_property
    def _module(self) -> nn.Module:
        return self._bundle.load_network()

    @cached_property
    def _blank(self) -> Float64Array:
        """Probabilities of the blank image, shape (C,): an end of all curves."""
        how = self._bundle.card.preprocessing
        return self._probabilities(np.zeros((1, 3, *how.size), np.float32))

    def _probabilities(self, batch: FloatArray) -> Float64Array:
        return softmax(self._runtime.forward(batch)[0], self._bundle.card.temperature)

    def measure(self, image: LabelledImage, *, costly: bool) -> ImageResult:
        """Measure the maps of one image; what can't be opened or explained is a result with an error.

        Args:
            image: the image.
            costly: whether stability and random weights are measured of it, if they are among the groups.
        """
        started = time.perf_counter()
        card = self._bundle.card
        try:
            batch = preprocess(read_image(image.path), card.preprocessing)
            masks = self._masks(image) if "localisation" in self._groups else {}
        except TwinlensError as error:
            return ImageResult(card.id, image.name, image.label, error=error.problem)
        chances = self._probabilities(batch)
        top = int(chances.argmax())
        made: dict[str, FloatArray] = {}
        found: dict[str, MapResult] = {}
        for explainer in self._explainers:
            try:
                heat_map = explainer.explain(self._network, batch, top)
            except TwinlensError as error:
                found[explainer.id] = MapResult(error=error.problem)
            else:
                made[explainer.id] = heat_map.resized(*card.preprocessing.size)
                found[explainer.id] = MapResult(seconds=round(heat_map.seconds, 4))
        for method, values in made.items():
            for name, mask in masks.items():
                found[method].values[f"pointing:{name}"] = pointing_game(values, mask)
                found[method].values[f"energy:{name}"] = energy_inside(values, mask)
                found[method].values[f"area:{name}"] = float(mask.mean())
            if "complexity" in self._groups:
                _set(found[method], "complexity", complexity(values))
                _set(found[method], "sparseness", sparseness(values))
        if "faithfulness" in self._groups:
            self._faithfulness(batch, top, chances, made, found)
        if costly:
            self._costly(batch, top, made, found)
        return ImageResult(
            model=card.id,
            image=image.name,
            label=image.label,
            predicted=card.classes[top],
            probability=round(float(chances[top]), 6),
            maps={method: _rounded(result) for method, result in found.items()},
            costly=costly,
            seconds=round(time.perf_counter() - started, 3),
        )

    def _masks(self, image: LabelledImage) -> dict[str, np.ndarray]:
        size = self._bundle.card.preprocessing.size
        found = {name: read_mask(path, size) for name, path in image.masks.items()}
        return {name: mask for name, mask in found.items() if mask is not None}

    def _faithfulness(
        self,
        image: FloatArray,
        top: int,
        chances: Float64Array,
        made: dict[str, FloatArray],
        results: dict[str, MapResult],
    ) -> None:
        """Measure how the probability of a class changes, of all maps together."""
        asked: dict[tuple[str, str], Iterable[FloatArray]] = {}
        for method, values in made.items():
            asked[method, "deletion"] = deletion_inputs(image, values)
            asked[method, "insertion"] = insertion_inputs(image, values)
            asked[method, "road_most"] = road_inputs(image, values, most_relevant=True)
            asked[method, "road_least"] = road_inputs(image, values, most_relevant=False)
            asked[method, "explained"] = (explained_input(image, values),)
        predicted = probabilities(self._runtime, asked, self._bundle.card.temperature)
        full, blank = float(chances[top]), float(self._blank[top])
        for method in made:
            of = {name: found[:, top].tolist() for (owner, name), found in predicted.items() if owner == method}
            curves, figures = results[method].curves, results[method].values
            curves["deletion"] = [full, *of["deletion"], blank]
            curves["insertion"] = [blank, *of["insertion"], full]
            curves["road_most"], curves["road_least"] = of["road_most"], of["road_least"]
            (explained,) = of["explained"]
            figures["deletion"], figures["insertion"] = area(curves["deletion"]), area(curves["insertion"])
            figures["road"] = road(curves["road_most"], curves["road_least"])
            figures["drop"], figures["increase"] = drop(full, explained), increase(full, explained)

    def _costly(self, image: FloatArray, top: int, made: dict[str, FloatArray], found: dict[str, MapResult]) -> None:
        explainers = [
            explainer
            for explainer in self._explainers
            if explainer.id in made and (self._exhaustive or not explainer.many_forwards)
        ]
        if "stability" in self._groups:
            for explainer in explainers:
                values = made[explainer.id]
                noisy = (self._map(explainer, self._network, copy, top) for copy in noisy_copies(image))
                moved = ((s, self._map(explainer, self._network, shifted(image, s), top)) for s in SHIFTS)
                _set(found[explainer.id], "noise", max_sensitivity(values, noisy))
                _set(found[explainer.id], "shift", shift_sensitivity(values, moved))
        if "randomisation" in self._groups and explainers:
            for network in self._randomised():
                for explainer in explainers:
                    random_map = self._map(explainer, network, image, top)
                    similarity = rank_correlation(made[explainer.id], random_map)
                    found[explainer.id].curves.setdefault("randomised", []).append(similarity)
            for explainer in explainers:
                found[explainer.id].values["randomised"] = found[explainer.id].curves["randomised"][-1]

    def _randomised(self) -> Iterator[ExplainedNetwork]:
        network = self._bundle.card.network
        for _layer, module in cascade(self._module):
            yield ExplainedNetwork(network, ModuleRuntime(network, module), partial(_same, module))

    def _map(self, explainer: Explainer, network: ExplainedNetwork, image: FloatArray, top: int) -> FloatArray:
        """Return a map at the input's size; where a network with random weights has none, it is zero."""
        size = self._bundle.card.preprocessing.size
        try:
            return explainer.explain(network, image, top).resized(*size)
        except TwinlensError:
            return np.zeros(size, np.float32)


def _same(module: nn.Module) -> nn.Module:
    return module


def _set(result: MapResult, key: str, value: float | None) -> None:
    if value is not None:
        result.values[key] = value


def _rounded(result: MapResult) -> MapResult:
    return MapResult(
        {key: round(value, 6) for key, value in result.values.items()},
        {key: [round(value, 5) for value in curve] for key, curve in result.curves.items()},
        result.seconds,
        result.error,
    )
