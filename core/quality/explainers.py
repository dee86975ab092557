"""The ways to make heat maps whose quality can be measured: Score-CAM fast and exact, and the reference methods."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.explain.heatmap import HeatMap
from core.explain.reference_cams import METHODS, class_activation_map
from core.explain.scorecam import Depth, ScoreCam
from core.runtimes.base import FloatArray, Runtime

if TYPE_CHECKING:
    from torch import nn

FAST: Depth = "fast"
EXACT: Depth = "exact"


@dataclass(frozen=True)
class ExplainedNetwork:
    """A network as heat maps need it.

    Attributes:
        network: identifier of its architecture.
        runtime: what Score-CAM scores its masks with.
        module: makes the same network for torch; it is called only where a method or a check needs torch.
    """

    network: str
    runtime: Runtime
    module: Callable[[], nn.Module]


@dataclass(frozen=True)
class Explainer:
    """A way to make heat maps.

    Attributes:
        id: what it is called on the command line and in results.
        name: what it is called by a person.
        explain: makes the map of a normalised input (1, 3, H, W) for a class.
        many_forwards: whether it takes a forward for each feature map.
        needs_torch: whether it is computed by torch, whatever the runtime.
    """

    id: str
    name: str
    explain: Callable[[ExplainedNetwork, FloatArray, int], HeatMap]
    many_forwards: bool
    needs_torch: bool


def explainers() -> dict[str, Explainer]:
    """Return all of them by identifier, those added to ``METHODS`` too."""
    own = (
        Explainer(FAST, "Score-CAM, fast", partial(_score_cam, FAST), many_forwards=False, needs_torch=False),
        Explainer(EXACT, "Score-CAM, exact", partial(_score_cam, EXACT), many_forwards=True, needs_torch=False),
    )
    others = (
        Explainer(
            method.name,
            f"{method.name} (pytorch-grad-cam)" if method.name == "Score-CAM" else method.name,
            partial(_reference, method.name),
            many_forwards=method.many_forwards,
            needs_torch=True,
        )
        for method in METHODS.values()
    )
    return {explainer.id: explainer for explainer in (*own, *others)}


def chosen_explainers(names: Iterable[str]) -> list[Explainer]:
    """Return the explainers of these identifiers, in any case, each once, in the order of :func:`explainers`.

    Raises:
        UsageError: if there is none of that name, or it needs torch, which is not installed.
    """
    known = explainers()
    wanted = {name.strip().lower() for name in names}
    found = [explainer for explainer in known.values() if explainer.id.lower() in wanted]
    if unknown := wanted - {explainer.id.lower() for explainer in found}:
        raise UsageError(f"There is no method {sorted(unknown)[0]!r}.", remedy=f"The methods are {', '.join(known)}.")
    without = next((explainer for explainer in found if explainer.needs_torch and not has_torch()), None)
    if without is not None:
        raise UsageError(f"{without.name} needs torch, which is not installed.", remedy="Leave it out of --methods.")
    return found


def has_torch() -> bool:
    """Return whether torch is installed; it is not imported."""
    return find_spec("torch") is not None


def _score_cam(depth: Depth, net: ExplainedNetwork, image: FloatArray, class_index: int) -> HeatMap:
    *_, last = ScoreCam(net.runtime, image).refine(class_index, depth)
    return last


def _reference(name: str, net: ExplainedNetwork, image: FloatArray, class_index: int) -> HeatMap:
    return class_activation_map(name, net.network, copy.deepcopy(net.module()), image, class_index)
