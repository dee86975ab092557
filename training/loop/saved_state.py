"""What a run is resumed from: its state written as a checkpoint, and set up again from the newest one."""

from __future__ import annotations

from training.loop.checkpoint import CheckpointError, Counters, read_checkpoint, write_checkpoint
from training.loop.progressive import at_size
from training.loop.setup import Setup
from training.recipe import Recipe
from training.runs.folder import RunFolder


def save(setup: Setup, counters: Counters, folder: RunFolder) -> None:
    """Write a checkpoint.

    Raises:
        WriteError: if it can't be written; the one before it stays.
    """
    scaler = setup.accelerator.scaler
    write_checkpoint(
        folder.checkpoints,
        counters,
        {"training": setup.trained.state_dict(), "average": setup.average.module.state_dict()},
        {"optimiser": setup.optimiser.state_dict(), "scaler": None if scaler is None else scaler.state_dict()},
    )


def restore(setup: Setup, folder: RunFolder) -> tuple[Setup, Counters]:
    """Return the setup at the last checkpoint, and its counters; where there is none, at the beginning.

    Args:
        setup: the run before its first step; it is not to be used again.
        folder: the run's folder.

    Raises:
        CheckpointError: if the checkpoint is damaged or does not fit the recipe.
    """
    recipe = setup.facts.recipe
    found = read_checkpoint(folder.checkpoints)
    if found is None:
        counters = Counters()
        return at_size(setup, size_now(recipe, counters)), counters
    counters, tensors, optimiser = found
    setup = at_size(setup, size_now(recipe, counters))
    try:
        setup.trained.load_state_dict(tensors["training"])
        setup.average.module.load_state_dict(tensors["average"])
        setup.optimiser.load_state_dict(optimiser["optimiser"])
    except (RuntimeError, ValueError, KeyError) as cause:
        raise CheckpointError(
            "The checkpoint does not fit the recipe.", path=folder.path, remedy="Start in another folder."
        ) from cause
    if setup.facts.data.differences:  # the places in an epoch's order mean other images now
        counters.step, counters.sums, counters.seconds = 0, {}, 0.0
    if setup.accelerator.scaler is not None and optimiser["scaler"] is not None:
        setup.accelerator.scaler.load_state_dict(optimiser["scaler"])
    return setup, counters


def size_now(recipe: Recipe, counters: Counters) -> int:
    """Return the input size of the epoch that is under way, or of the last one, in pixels."""
    return recipe.size_of_epoch(min(counters.epoch, recipe.optim.epochs - 1))
