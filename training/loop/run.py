"""A run that is under way: its epochs and steps, its checkpoints, and their events."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from core.errors import WriteError
from training.data.augmentation import view_numbers, view_of_epoch
from training.loop import events
from training.loop.checkpoint import Counters, write_best
from training.loop.ema import update
from training.loop.epoch_metrics import epoch_row, is_best
from training.loop.errors import TrainingError
from training.loop.examples import write_examples
from training.loop.processes import first_reason, mean_terms, share_best
from training.loop.progressive import at_size
from training.loop.run_json import data_record, run_record
from training.loop.saved_state import restore, save, size_now
from training.loop.schedule import learning_rate, order
from training.loop.setup import Setup
from training.recipe import to_toml
from training.runs.folder import RunFolder, environment_now, save_tensors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

READ_EVERY = 10  # steps between readings of the loss, which make the device wait


class Stopped(Exception):  # noqa: N818 - not an error
    """The run was asked to stop; its message is the reason."""


class Run:
    """A run that is ready for its first step.

    Args:
        setup: the prepared run.
        folder: its folder.
        listen: called with each event.
        stop: asked at every step whether to stop.
    """

    def __init__(self, setup: Setup, folder: RunFolder, listen: events.Listener, stop: events.StopRequest) -> None:
        self._setup = setup
        self._folder = folder
        self._listen = listen
        self._stop = stop
        self._recipe = setup.facts.recipe
        self._main = setup.accelerator.is_main_process
        self._counters = Counters()
        self._since_checkpoint = 0

    def begin(self) -> None:
        """Go back to the last checkpoint if there is one, and write the files that describe the run."""
        self._setup, self._counters = restore(self._setup, self._folder)
        if self._main:
            self._setup.facts.data.split.write(self._folder.split)
            self._folder.write_text(self._folder.recipe, to_toml(self._recipe))
            environment = environment_now(self._setup.accelerator.mixed_precision)
            self._folder.write_record(self._folder.environment, environment)
            self._folder.write_record(self._folder.data, data_record(self._setup.facts))
        self.note(events.Ended("running", "", str(self._folder.path)))
        self._listen(self._started())

    def go(self) -> str:
        """Run to the end.

        Returns:
            Why it ended before its last epoch, or an empty string.

        Raises:
            Stopped: if it was asked to stop; a checkpoint has been written.
            TrainingError: if the loss is not finite.
        """
        early = self._early()
        while self._counters.epoch < self._recipe.optim.epochs and not early:
            self._epoch()
            self._finish_epoch()
            early = self._early()
        self._finish(early)
        return early

    def note(self, ended: events.Ended) -> None:
        """Write the run's status into ``run.json``; that a full disk keeps a failure from being written is no error."""
        if not self._main:
            return
        record = run_record(self._setup.facts, self._counters, self._folder, ended)
        try:
            self._folder.write_record(self._folder.result, record)
        except (OSError, WriteError):
            if ended.status != "failed":
                raise

    def _early(self) -> str:
        counters, patience = self._counters, self._recipe.optim.patience
        if patience and counters.best >= 0 and counters.epoch - 1 - counters.best >= patience:
            return f"no better validation score in {patience} epochs"
        return ""

    def _epoch(self) -> None:
        import torch

        counters, recipe, setup = self._counters, self._recipe, self._setup
        images = len(setup.facts.train)
        view = view_of_epoch(recipe.augment, counters.epoch)
        setup.teaching.explain(setup.pixels, setup.accelerator, self._explaining)
        cached = setup.teaching.cached(view, setup.pixels, setup.accelerator, self._computing_teachers)
        numbers = view_numbers(recipe.augment.seed, view, images)
        places = order(recipe.seed, counters.epoch, images, self._balanced)
        setup.module.train()
        sums = {name: torch.tensor(value, device=setup.accelerator.device) for name, value in counters.sums.items()}
        start, before, first = time.perf_counter(), counters.seconds, counters.step
        while counters.step < setup.steps:
            step, batch = counters.step, recipe.optim.batch
            lr = learning_rate(recipe.optim, counters.epoch * setup.steps + step, setup.steps)
            chosen = places[step * batch : (step + 1) * batch]
            terms = setup.stepper.take(chosen, numbers, cached, lr, (counters.epoch, step))
            update(setup.average, setup.network, counters.averaged)
            for name, term in terms.items():
                sums[name] = sums[name] + term if name in sums else term
            counters.step += 1
            counters.averaged += 1
            self._since_checkpoint += 1
            counters.seconds = before + time.perf_counter() - start
            readable = counters.step % READ_EVERY == 0 or counters.step == setup.steps
            due = self._since_checkpoint >= recipe.checkpoint_steps
            reason = self._why_stop(agree=readable)
            if readable or due or reason:
                counters.sums = self._read(sums)
            self._tell_step(first, start, readable=readable)
            if due or reason:
                self._checkpoint()
            if reason:
                raise Stopped(reason)

    @property
    def _balanced(self) -> npt.NDArray[np.int64] | None:
        """The groups of which an epoch is to show as many images each, if that is asked for."""
        grouping = self._setup.facts.grouping
        return grouping.of_image if grouping and self._recipe.subgroups.sampling == "balanced" else None

    def _computing_teachers(self, done: int, total: int) -> None:
        self._at_work("Computing teacher outputs", done, total)

    def _explaining(self, done: int, total: int) -> None:
        self._at_work("Computing teacher heat maps", done, total)

    def _at_work(self, what: str, done: int, total: int) -> None:
        self._listen(events.Preparing(what, done, total))
        if reason := self._stop.reason():
            self._checkpoint()
            raise Stopped(reason)

    def _read(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """Bring the sums of the loss terms to the CPU; of several processes their mean.

        Raises:
            TrainingError: if they are not finite.
        """
        found = mean_terms(self._setup.accelerator, {name: float(value) for name, value in sums.items()})
        if not all(math.isfinite(value) for value in found.values()):
            raise TrainingError(
                f"The loss is not finite in epoch {self._counters.epoch + 1}, by step {self._counters.step}.",
                path=self._folder.path,
                remedy="The last good checkpoint is kept. Start again with a lower optim.lr, or optim.clip on.",
            )
        return found

    def _why_stop(self, *, agree: bool) -> str:
        """Return why to stop, or an empty string; several processes agree on it, every few steps."""
        if self._setup.accelerator.num_processes > 1 and not agree:
            return ""
        return first_reason(self._setup.accelerator, self._stop.reason())

    def _tell_step(self, first: int, start: float, *, readable: bool) -> None:
        counters, optim, steps = self._counters, self._recipe.optim, self._setup.steps
        speed = (counters.step - first) * optim.batch / max(time.perf_counter() - start, 1e-9)
        left = (optim.epochs - counters.epoch) * steps - counters.step
        loss = sum(counters.sums.values()) / counters.step if readable else None
        self._listen(events.StepDone(counters.epoch, counters.step, steps, loss, speed, left * optim.batch / speed))

    def _finish_epoch(self) -> None:
        counters = self._counters
        if self._main:
            self._listen(events.Working(f"Validating on {len(self._setup.facts.val):,} images"))
            row = epoch_row(self._setup, counters)
            best = is_best(self._recipe, counters, row)
            counters.rows.append(row)
            if best:
                counters.best = counters.epoch
                weights = self._setup.average.module.state_dict()
                counters.best_file = write_best(self._folder.checkpoints, counters.epoch, weights)
            self._folder.write_metrics(counters.rows)
            self._listen(events.EpochDone(row, best))
            if write_examples(self._setup, self._folder, counters.epoch):
                self._listen(events.ExamplesWritten(counters.epoch))
        share_best(self._setup.accelerator, counters)
        counters.epoch, counters.step, counters.sums, counters.seconds = counters.epoch + 1, 0, {}, 0.0
        self._setup = at_size(self._setup, size_now(self._recipe, counters))
        last = counters.epoch == self._recipe.optim.epochs
        if last or self._since_checkpoint >= min(self._recipe.checkpoint_steps, self._setup.steps):
            self._checkpoint()

    def _checkpoint(self) -> None:
        self._since_checkpoint = 0
        if self._main:
            save(self._setup, self._counters, self._folder)
            self._listen(events.CheckpointWritten(self._counters.epoch, self._counters.step))

    def _finish(self, early: str) -> None:
        from safetensors.torch import load_file

        from training.loop.plots import draw_curves

        if not self._main:
            return
        draw_curves(self._counters.rows, self._folder.curves)
        save_tensors(self._folder.weights, load_file(self._folder.checkpoints / self._counters.best_file))
        self.note(events.Ended("finished", early, str(self._folder.path)))

    def _started(self) -> events.Started:
        facts, accelerator = self._setup.facts, self._setup.accelerator
        groups = [facts.grouping.in_words()] if facts.grouping else []
        return events.Started(
            network=self._recipe.model.name,
            starts_from=facts.started,
            parameters=facts.parameters,
            macs=facts.macs,
            device=str(accelerator.device),
            precision=accelerator.mixed_precision,
            train_images=len(facts.train),
            val_images=len(facts.val),
            unreadable=len(facts.train.unreadable) + len(facts.val.unreadable),
            teachers=tuple(teacher.id for teacher in facts.teachers),
            epochs=self._recipe.optim.epochs,
            steps=self._setup.steps,
            epoch=self._counters.epoch,
            step=self._counters.step,
            notes=(*facts.data.differences, *facts.data.news, *groups),
        )
