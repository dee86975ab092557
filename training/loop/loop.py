"""The training loop: from a recipe and a data folder to a run folder, and on from wherever it was cut off."""

from __future__ import annotations

import math
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UsageError, WriteError
from training.data.augmentation import view_numbers, view_of_epoch
from training.loop import events
from training.loop.checkpoint import CheckpointError, Counters, read_checkpoint, write_best, write_checkpoint
from training.loop.errors import TrainingError, explain
from training.loop.progressive import at_size
from training.loop.resume import Begun, open_data, read_begun, with_absolute_paths
from training.loop.run_json import about_data, about_run
from training.loop.schedule import learning_rate, order
from training.loop.setup import Setup, prepare
from training.loop.train_step import network_name
from training.loop.validation import validate
from training.recipe import Recipe, to_toml
from training.runs.folder import Row, RunFolder, environment, save_tensors
from training.runs.lock import owned

if TYPE_CHECKING:
    from torch import Tensor

LOOK_EVERY = 10  # steps between looks at the loss, which make the device wait


class _Stopped(Exception):  # noqa: N818 - not an error
    """The run was asked to stop, and has kept what it has."""


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
    """Train a network as a recipe says.

    Args:
        recipe: the recipe.
        data: the data folder.
        out: the run's folder, made here.
        resume: go on with the run that is there; where there is none, one begins. More epochs than it had are added.
        accept_changes: go on also where recipe, images or teachers are not those that it began with.
        listen: told everything that happens; ``events.jsonl`` in the folder holds the same.
        stop: asked at every step whether to stop.

    Returns:
        How it ended: finished, or stopped with a checkpoint.

    Raises:
        UsageError: if another process is at work in the folder, it holds another run, or the recipe does not fit the
            data.
        TrainingError: if the run could not go on (a loss that is not finite, a full disk, too little memory); the last
            good checkpoint is kept, and ``run.json`` says so.
    """
    folder = RunFolder(out)
    with ExitStack() as stack:
        if os.environ.get("RANK", "0") == "0":
            stack.enter_context(owned(folder))
            listen = events.both(stack.enter_context(events.EventFile(folder.events)), listen)
        else:
            listen = _deaf  # of several processes the first one tells
        begun = read_begun(folder)
        if begun is not None and not resume:
            remedy = "Go on with --resume, or name another."
            raise UsageError("A run lies here already.", path=folder.path, remedy=remedy)
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
    run: _Run | None = None

    def while_preparing(event: events.Event) -> None:
        listen(event)
        if asked.reason() and "RANK" not in os.environ:
            raise _Stopped(asked.reason())

    try:
        found = open_data(recipe, data, folder, begun, accept_changes=accept_changes)
        if begun is not None and begun.finished and begun.recipe.optim.epochs == recipe.optim.epochs:
            ended = events.Ended("finished", "it was finished before", str(folder.path))
            listen(ended)
            return ended
        setup = prepare(recipe, found, while_preparing, folder.precision_here())
        run = _Run(setup, folder, listen, asked)
        run.begin()
        ended = events.Ended("finished", run.go(), str(folder.path))
    except _Stopped as stopped:
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


def _deaf(_event: events.Event) -> None:
    pass


class _Run:
    """A run that is under way."""

    def __init__(self, setup: Setup, folder: RunFolder, listen: events.Listener, stop: events.StopRequest) -> None:
        self.setup = setup
        self.folder = folder
        self.listen = listen
        self.stop = stop
        self.recipe = setup.facts.recipe
        self.main = setup.accelerator.is_main_process
        self.counters = Counters()
        self.since_checkpoint = 0

    def begin(self) -> None:
        """Go back to the last checkpoint if there is one, and write down what is about to happen."""
        self._restore()
        if self.main:
            self.setup.facts.data.split.write(self.folder.split)
            self.folder.write_text(self.folder.recipe, to_toml(self.recipe))
            self.folder.write_json(self.folder.environment, environment(self.setup.accelerator.mixed_precision))
            self.folder.write_json(self.folder.data, about_data(self.setup.facts))
        self.note(events.Ended("running", "", str(self.folder.path)))
        self.listen(self._started())

    def _size(self) -> int:
        """Return the input size of the epoch that is under way, or of the last one."""
        return self.recipe.size_of_epoch(min(self.counters.epoch, self.recipe.optim.epochs - 1))

    def _restore(self) -> None:
        found = read_checkpoint(self.folder.checkpoints)
        if found is None:
            self.setup = at_size(self.setup, self._size())
            return
        self.counters, tensors, optimiser = found
        setup = self.setup = at_size(self.setup, self._size())
        try:
            setup.trained.load_state_dict(tensors["training"])
            setup.average.network.load_state_dict(tensors["average"])
            setup.optimiser.load_state_dict(optimiser["optimiser"])
        except (RuntimeError, ValueError, KeyError) as cause:
            raise CheckpointError(
                "The checkpoint does not fit the recipe.", path=self.folder.path, remedy="Start in another folder."
            ) from cause
        setup.average.steps = self.counters.averaged
        if setup.facts.data.differences:  # the places in an epoch's order mean other images now
            self.counters.step, self.counters.sums, self.counters.seconds = 0, {}, 0.0
        if setup.accelerator.scaler is not None and optimiser["scaler"] is not None:
            setup.accelerator.scaler.load_state_dict(optimiser["scaler"])

    def go(self) -> str:
        """Run to the end.

        Returns:
            Why it ended before its last epoch, or an empty string.
        """
        counters, optim = self.counters, self.recipe.optim
        early = self._early()
        while counters.epoch < optim.epochs and not early:
            self._epoch()
            self._finish_epoch()
            early = self._early()
        self._finish(early)
        return early

    def _early(self) -> str:
        counters, patience = self.counters, self.recipe.optim.patience
        if patience and counters.best >= 0 and counters.epoch - 1 - counters.best >= patience:
            return f"no better validation score in {patience} epochs"
        return ""

    def _epoch(self) -> None:
        import torch

        counters, recipe, setup = self.counters, self.recipe, self.setup
        images = len(setup.facts.train)
        view = view_of_epoch(recipe.augment, counters.epoch)
        cached = setup.cached(view, self._teacher_looks)
        if cached is None and setup.teaching.cache is not None:
            self._checkpoint()
            raise _Stopped(self.stop.reason())
        numbers = view_numbers(recipe.augment.seed, view, images)
        places = order(recipe.seed, counters.epoch, images)
        setup.module.train()
        sums = {name: torch.tensor(value, device=setup.accelerator.device) for name, value in counters.sums.items()}
        start, before, first = time.perf_counter(), counters.seconds, counters.step
        while counters.step < setup.steps:
            step, batch = counters.step, recipe.optim.batch
            lr = learning_rate(recipe.optim, counters.epoch * setup.steps + step, setup.steps)
            chosen = places[step * batch : (step + 1) * batch]
            terms = setup.stepper.take(chosen, numbers, cached, lr, (counters.epoch, step))
            setup.average.update(setup.network)
            for name, term in terms.items():
                sums[name] = sums[name] + term if name in sums else term
            counters.step += 1
            counters.averaged = setup.average.steps
            self.since_checkpoint += 1
            counters.seconds = before + time.perf_counter() - start
            looked = counters.step % LOOK_EVERY == 0 or counters.step == setup.steps
            due = self.since_checkpoint >= recipe.checkpoint_steps
            reason = self._why_stop(looked=looked)
            if looked or due or reason:
                counters.sums = self._read(sums)
            self._tell_step(first, start, looked=looked)
            if due or reason:
                self._checkpoint()
            if reason:
                raise _Stopped(reason)

    def _teacher_looks(self, done: int, total: int) -> bool:
        self.listen(events.Preparing("Asking the teacher", done, total))
        return bool(self.stop.reason())

    def _read(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """Bring the sums of the loss terms to the CPU; of several processes' the mean, since their shares are equal.

        Raises:
            TrainingError: if they are not finite.
        """
        found = {name: float(value) for name, value in sums.items()}
        if self.setup.accelerator.num_processes > 1:
            from accelerate.utils import gather_object

            shares = gather_object([found])
            found = {name: sum(share[name] for share in shares) / len(shares) for name in found}
        if not all(math.isfinite(value) for value in found.values()):
            raise TrainingError(
                f"The loss is not finite in epoch {self.counters.epoch + 1}, by step {self.counters.step}.",
                path=self.folder.path,
                remedy="The last good checkpoint is kept. Start again with a lower optim.lr, or optim.clip on.",
            )
        return found

    def _why_stop(self, *, looked: bool) -> str:
        """Return why to stop; with several processes they agree on it, every few steps."""
        if self.setup.accelerator.num_processes == 1:
            return self.stop.reason()
        if not looked:
            return ""
        from accelerate.utils import gather_object

        return next((reason for reason in gather_object([self.stop.reason()]) if reason), "")

    def _tell_step(self, first: int, start: float, *, looked: bool) -> None:
        counters, optim, steps = self.counters, self.recipe.optim, self.setup.steps
        speed = (counters.step - first) * optim.batch / max(time.perf_counter() - start, 1e-9)
        left = (optim.epochs - counters.epoch) * steps - counters.step
        loss = sum(counters.sums.values()) / counters.step if looked else None
        self.listen(events.StepDone(counters.epoch, counters.step, steps, loss, speed, left * optim.batch / speed))

    def _finish_epoch(self) -> None:
        counters = self.counters
        if self.main:
            row = self._validated_row()
            best = self._is_best(row)
            counters.rows.append(row)
            if best:
                counters.best = counters.epoch
                weights = self.setup.average.network.state_dict()
                counters.best_file = write_best(self.folder.checkpoints, counters.epoch, weights)
            self.folder.write_metrics(counters.rows)
            self.listen(events.EpochDone(row, best))
        self._agree()
        counters.epoch, counters.step, counters.sums, counters.seconds = counters.epoch + 1, 0, {}, 0.0
        self.setup = at_size(self.setup, self._size())
        last = counters.epoch == self.recipe.optim.epochs
        if last or self.since_checkpoint >= min(self.recipe.checkpoint_steps, self.setup.steps):
            self._checkpoint()

    def _agree(self) -> None:
        """Let all processes know what the main one found."""
        if self.setup.accelerator.num_processes == 1:
            return
        from accelerate.utils import broadcast_object_list

        found = [self.counters]
        broadcast_object_list(found)
        self.counters.rows, self.counters.best = found[0].rows, found[0].best
        self.counters.best_file = found[0].best_file

    def _validated_row(self) -> Row:
        counters, setup, optim = self.counters, self.setup, self.recipe.optim
        found = validate(
            lambda images: setup.logits(setup.average.network, images),
            setup.facts.val.tensor(),
            setup.facts.val.labels,
            setup.how,
            setup.accelerator.device,
        )
        means = {name: total / setup.steps for name, total in counters.sums.items()}
        return {
            "epoch": counters.epoch,
            "size": setup.how.height,
            "train_loss": sum(means.values()),
            **{f"train_{name}": value for name, value in means.items()},
            "val_loss": found.loss,
            "val_accuracy": found.accuracy,
            "val_macro_f1": found.macro_f1,
            "lr": learning_rate(optim, (counters.epoch + 1) * setup.steps - 1, setup.steps),
            "seconds": counters.seconds,
            "images_per_second": setup.steps * optim.batch / max(counters.seconds, 1e-9),
        }

    def _is_best(self, row: Row) -> bool:
        """Return whether an epoch is the best so far: by accuracy, where that is equal by loss.

        An epoch at another size than the best one's is better, since sizes only go on to the recipe's.
        """
        sizes = [self.recipe.size_of_epoch(epoch) for epoch in (self.counters.best, self.counters.epoch)]
        if self.counters.best < 0 or sizes[0] != sizes[1]:
            return True
        best = self.counters.rows[self.counters.best]
        return (row["val_accuracy"], -row["val_loss"]) > (best["val_accuracy"], -best["val_loss"])

    def _checkpoint(self) -> None:
        self.since_checkpoint = 0
        if not self.main:
            return
        setup, scaler = self.setup, self.setup.accelerator.scaler
        write_checkpoint(
            self.folder.checkpoints,
            self.counters,
            {"training": setup.trained.state_dict(), "average": setup.average.network.state_dict()},
            {
                "optimiser": setup.optimiser.state_dict(),
                "scaler": None if scaler is None else scaler.state_dict(),
            },
        )
        self.listen(events.CheckpointWritten(self.counters.epoch, self.counters.step))

    def _finish(self, early: str) -> None:
        from safetensors.torch import load_file

        from training.loop.plots import draw_curves

        if not self.main:
            return
        draw_curves(self.counters.rows, self.folder.curves)
        save_tensors(self.folder.weights, load_file(self.folder.checkpoints / self.counters.best_file))
        self.note(events.Ended("finished", early, str(self.folder.path)))

    def _started(self) -> events.Started:
        facts, accelerator = self.setup.facts, self.setup.accelerator
        return events.Started(
            network=network_name(self.recipe),
            starts_from=facts.started,
            parameters=facts.parameters,
            macs=facts.macs,
            device=str(accelerator.device),
            precision=accelerator.mixed_precision,
            train_images=len(facts.train),
            val_images=len(facts.val),
            unreadable=len(facts.train.unreadable) + len(facts.val.unreadable),
            teachers=tuple(teacher.id for teacher in facts.teachers),
            epochs=self.recipe.optim.epochs,
            steps=self.setup.steps,
            epoch=self.counters.epoch,
            step=self.counters.step,
            notes=(*facts.data.differences, *facts.data.news),
        )

    def note(self, ended: events.Ended) -> None:
        """Write how the run stands into ``run.json``; what a full disk keeps from being written is left."""
        if not self.main:
            return
        try:
            self.folder.write_json(self.folder.result, about_run(self.setup.facts, self.counters, self.folder, ended))
        except (OSError, WriteError):
            if ended.status != "failed":
                raise
