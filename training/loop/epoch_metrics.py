"""The metrics of a finished epoch, and which epoch is the best."""

from __future__ import annotations

from training.loop.checkpoint import Counters
from training.loop.schedule import learning_rate
from training.loop.setup import Setup
from training.loop.validation import validate
from training.recipe import Recipe
from training.runs.folder import Row


def epoch_row(setup: Setup, counters: Counters) -> Row:
    """Validate the averaged weights, and return the row of metrics of the epoch whose steps are done."""
    found = validate(
        lambda images: setup.logits(setup.average.module, images),
        setup.facts.val.tensor(),
        setup.facts.val.labels,
        setup.how,
        setup.accelerator.device,
        setup.facts.val_groups,
    )
    grouped = {"val_group_accuracy": found.group_accuracy, "val_worst_group": found.worst_group}
    optim = setup.facts.recipe.optim
    means = {name: total / setup.steps for name, total in counters.sums.items()}
    return {
        "epoch": counters.epoch,
        "size": setup.how.height,
        "train_loss": sum(means.values()),
        **{f"train_{name}": value for name, value in means.items()},
        "val_loss": found.loss,
        "val_accuracy": found.accuracy,
        "val_macro_f1": found.macro_f1,
        **{name: value for name, value in grouped.items() if value is not None},
        "lr": learning_rate(optim, (counters.epoch + 1) * setup.steps - 1, setup.steps),
        "seconds": counters.seconds,
        "images_per_second": setup.steps * optim.batch / max(counters.seconds, 1e-9),
    }


def is_best(recipe: Recipe, counters: Counters, row: Row) -> bool:
    """Return whether an epoch is the best so far: by accuracy, where that is equal by loss.

    Where images are grouped, by the mean of the groups' accuracies: that over all images would choose the epoch that
    does best by the sources, which the recipe is to forgo.
    An epoch at another size than the best one's is better, since sizes only move towards the recipe's.
    """
    if counters.best < 0 or recipe.size_of_epoch(counters.best) != recipe.size_of_epoch(counters.epoch):
        return True
    best = counters.rows[counters.best]
    score = "val_group_accuracy" if recipe.subgroups.wanted else "val_accuracy"
    # an epoch before changes were accepted may lack the score
    return (row[score], -row["val_loss"]) > (best.get(score, 0.0), -best["val_loss"])
