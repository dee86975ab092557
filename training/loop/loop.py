"""The training loop: from a recipe and a data folder to a run folder, begun or resumed."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from core.errors import UsageError
from training.loop import events
from training.loop.errors import explain
from training.loop.resume import Begun, open_data, read_begun, with_absolute_paths
from training.loop.run import Run, Stopped
from training.loop.setup import prepare
from training.recipe import Recipe
from training.runs.folder import RunFolder
from training.runs.lock import owned


def train(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    accept_changes: bool = False,
    listen: events.Listener = lambda _event: None,
    stop: events.StopRequest | None = None,
) -> events.Ended:
    """Train a network by a recipe.

    Args:
        recipe: the recipe.
        data: the data folder.
        out: the run's folder, made here.
        resume: resume the run that is there; where there is none, one begins. More epochs than it had are added.
        accept_changes: resume also where recipe, images or teachers are not those that it began with.
        listen: called with each event; ``events.jsonl`` in the folder holds the same.
        stop: asked at every step whether to stop.

    Returns:
        How it ended: finished, or stopped with a checkpoint.

    Raises:
        UsageError: if another process trains in the folder, it holds another run, or the recipe does not fit the
            data.
        TrainingError: if the run failed (a loss that is not finite, a full disk, too little memory); the last
            good checkpoint is kept, and ``run.json`` states it.
    """
    folder = RunFolder(out)
    with ExitStack() as stack:
        if os.environ.get("RANK", "0") == "0":
            stack.enter_context(owned(folder))
            listen = events.both(stack.enter_context(events.EventFile(folder.events)), listen)
        else:
            listen = _ignore  # of several processes only the first one reports
        begun = read_begun(folder)
        if begun is not None and not resume:
            remedy = "Resume it with --resume, or name another folder."
            raise UsageError("This folder already holds a run.", path=folder.path, remedy=remedy)
        folder.stop.unlink(missing_ok=True)
        asked = stop or events.StopRequest(folder.stop)
        return _train(with_absolute_paths(recipe), data, folder, begun, accept_changes, listen, asked)


def _train(
    recipe: Recipe,
    data: Path,
    folder: RunFolder,
    begun: Begun | None,
    accept_changes: bool,
    listen: events.Listener,
    asked: events.StopRequest,
) -> events.Ended:
    run: Run | None = None

    def while_preparing(event: events.Event) -> None:
        listen(event)
        if asked.reason() and "RANK" not in os.environ:
            raise Stopped(asked.reason())

    try:
        found = open_data(recipe, data, folder, begun, accept_changes=accept_changes)
        if begun is not None and begun.finished and begun.recipe.optim.epochs == recipe.optim.epochs:
            ended = events.Ended("finished", "it was already finished", str(folder.path))
            listen(ended)
            return ended
        setup = prepare(recipe, found, while_preparing, folder.precision_here())
        run = Run(setup, folder, listen, asked)
        run.begin()
        ended = events.Ended("finished", run.go(), str(folder.path))
    except Stopped as stopped:
        ended = events.Ended("stopped", str(stopped), str(folder.path))
        if run is not None:
            run.note(ended)
    except Exception as cause:
        error = explain(cause, folder)
        ended = events.Ended("failed", str(error), str(folder.path))
        if run is not None:
            run.note(ended)
        listen(ended)
        if error is cause:
            raise
        raise error from cause
    listen(ended)
    return ended


def _ignore(_event: events.Event) -> None:
    pass
