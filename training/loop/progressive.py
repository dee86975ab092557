"""A run that continues at another input size: the same weights and optimiser, position embeddings interpolated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.models.position_embeddings import fit_positions
from training.loop.setup import Setup, assemble
from training.runs.networks import build_empty

if TYPE_CHECKING:
    from torch import nn


def at_size(setup: Setup, size: int) -> Setup:
    """Return a setup that trains and validates at another size; the one given is not to be used again.

    A network that takes any size stays what it is. Another is built anew: weights, their average and the optimiser's
    state are carried over, and position embeddings are interpolated, whose state in the optimiser begins anew.

    Args:
        setup: the run so far.
        size: height and width in pixels.

    Raises:
        UsageError: if the network does not take this size.
    """
    if size == setup.how.height:
        return setup
    recipe, classes = setup.facts.recipe, len(setup.facts.data.classes)
    how = setup.how.model_copy(update={"height": size, "width": size})
    network = build_empty(recipe.model, classes, how.size)
    if _shapes(network) == _shapes(setup.network):
        setup.stepper.how = how
        return replace(setup, how=how)
    network.load_state_dict(fit_positions(setup.network.state_dict(), network))
    setup.accelerator.free_memory()
    new = assemble(setup.facts, setup.accelerator, network, how, setup.pixels, setup.hiding, setup.teaching)
    average = new.average.module
    average.load_state_dict(fit_positions(setup.average.module.state_dict(), average))
    new.criterion.load_state_dict(setup.criterion.state_dict())
    own = dict(new.trained.named_parameters())
    for name, parameter in setup.trained.named_parameters():
        if parameter.shape == own[name].shape and parameter in setup.optimiser.state:
            new.optimiser.state[own[name]] = setup.optimiser.state[parameter]
    return new


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}
