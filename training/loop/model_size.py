"""How large the networks of a recipe are, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from core.models.architectures import build_network, count_macs, count_parameters
from training.recipe import Recipe


@dataclass(frozen=True)
class ModelSize:
    """The size of the network that a recipe trains.

    Attributes:
        network: its name.
        parameters: number of parameters.
        macs: multiply-accumulate operations of a forward at the recipe's size.
    """

    network: str
    parameters: int
    macs: int


def model_size(recipe: Recipe) -> ModelSize:
    """Build the network of a recipe, without weights to start from, and count."""
    model = recipe.model
    size = (recipe.size, recipe.size)
    network = build_network(model.network, len(recipe.task.classes), model.head, model.subnet, size)
    return ModelSize(
        network=model.name,
        parameters=count_parameters(network),
        macs=count_macs(network, *size),
    )
