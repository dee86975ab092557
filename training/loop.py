"""The training loop: from a recipe and a data folder to a run folder, and on from wherever it was cut off."""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.architectures import count_macs, count_parameters
from core.errors import TwinlensError, UsageError
from core.preprocess import Preprocessing
from core.tasks import get_task
from training import events
from training.augment import view_numbers, view_of_epoch
from training.checkpoint import Counters, read_checkpoint, write_best, write_checkpoint
from training.criterion import balanced_weights
from training.datasets import DatasetError
from training.ema import MovingAverage
from training.image_store import ImageStore, load_images
from training.networks import LastMaps, build
from training.recipe import Recipe, read_recipe, to_toml
from training.run_data import open_run_data
from training.run_folder import Row, RunFolder, environment, save_tensors
from training.run_result import RunFacts, about_data, about_run
from training.schedule import learning_rate, order
from training.step import Batches, Stepper, make_optimiser, network_name, with_loss
from training.teacher_logits import TeacherLogits
from training.teachers import Teacher, load_teacher
from training.validation import validate

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import Tensor

LOOK_EVERY = 10  # steps between looks at the loss, which make the device wait


class TrainingError(TwinlensError):
    """A run could not go on."""


class _Stopped(Exception):  # noqa: N818 - not an error
    """The run was asked to stop, and has kept what it has."""


def train(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    listen: events.Listener = lambda _event: None,
    stop: events.StopRequest | None = None,
) -> events.Ended:
    """Train a network as a recipe says.

    Args:
        recipe: the recipe.
        data: the data folder.
        out: the run's folder, made here.
        resume: go on with the run that is there; where there is none, one begins.
        listen: told everything that happens.
        stop: asked at every step whether to stop.

    Returns:
        How it ended: finished, or stopped with a checkpoint.

    Raises:
        UsageError: if the folder holds another run, or the recipe does not fit the data.
        TrainingError: if the run could not go on (a loss that is not finite, a full disk, too little memory); the last
            good checkpoint is kept, and ``run.json`` says so.
    """
    if os.environ.get("RANK", "0") != "0":
        listen = _deaf  # of several processes the first one tells
    folder = RunFolder(out)
    done = _check_folder(folder, recipe, resume=resume)
    if done is not None:
        listen(done)
        return done
    stop = stop or events.StopRequest(folder.stop)
    run = _Run(recipe, data, folder, listen, stop)
    try:
        run.prepare()
        early = run.go()
        ended = events.Ended("finished", early, str(out))
    except _Stopped as stopped:
        ended = events.Ended("stopped", str(stopped), str(out))
        run.note(ended)
    except Exception as cause:
        error = _explain(cause, folder)
        run.note(events.Ended("failed", str(error), str(out)))
        listen(events.Ended("failed", str(error), str(out)))
        if error is cause:
            raise
        raise error from cause
    listen(ended)
    return ended


def _deaf(_event: events.Event) -> None:
    pass


def _check_folder(folder: RunFolder, recipe: Recipe, *, resume: bool) -> events.Ended | None:
    if not folder.recipe.is_file():
        folder.path.mkdir(parents=True, exist_ok=True)
        return None
    if not resume:
        raise UsageError("A run lies here already.", path=folder.path, remedy="Go on with --resume, or name another.")
    if to_toml(read_recipe(folder.recipe)) != to_toml(recipe):
        raise UsageError(
            "The run here follows another recipe.", path=folder.path, remedy="Go on with its own recipe.toml."
        )
    folder.stop.unlink(missing_ok=True)
    if folder.read_result().get("status") == "finished" and folder.weights.is_file():
        return events.Ended("finished", "it was finished before", str(folder.path))
    return None


def _explain(cause: Exception, folder: RunFolder) -> Exception:
    """Return an error that tells a person what to do, or the cause itself where there is nothing to add."""
    import torch

    if isinstance(cause, TwinlensError):
        return cause
    kept = "Then go on with --resume: the last checkpoint is kept."
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return TrainingError("The disk is full.", path=folder.path, remedy=f"Make room. {kept}")
    if isinstance(cause, torch.OutOfMemoryError | MemoryError):
        return TrainingError(
            "There is not enough memory for this batch.",
            path=folder.path,
            remedy="Start again with a larger optim.accumulate, or a smaller optim.batch.",
        )
    return cause


@dataclass
class _Run:
    """A run that is under way."""

    recipe: Recipe
    data_folder: Path
    folder: RunFolder
    listen: events.Listener
    stop: events.StopRequest

    def prepare(self) -> None:
        """Read data and teachers, build the network, and go back to the last checkpoint if there is one."""
        from accelerate import Accelerator

        recipe = self.recipe
        task = get_task(recipe.task)
        self.counters = Counters()
        self.classes = task.class_ids
        colour = "rgb" if task.colour else "grey"
        self.how = Preprocessing.model_validate({"height": recipe.size, "width": recipe.size, "channels": colour})
        self.accelerator = Accelerator(mixed_precision=_precision(recipe.optim.precision))
        self.main = self.accelerator.is_main_process
        if self.main:
            self.folder.recipe.write_text(to_toml(recipe), encoding="utf-8")
        self.data = open_run_data(self.data_folder, self.classes)
        with self.accelerator.local_main_process_first():
            self.train_images = self._decode(self.data.train)
            self.val_images = self._decode(self.data.val)
        self._check_sizes()
        self.teachers = [load_teacher(name, self.classes, self.how) for name in recipe.teachers.bundles]
        self.network, started = build(recipe.model, len(self.classes), recipe.seed)
        self.facts = RunFacts(
            recipe=recipe,
            data=self.data,
            train=self.train_images,
            val=self.val_images,
            how=self.how,
            teachers=self.teachers,
            started=started,
            parameters=count_parameters(self.network),
            macs=count_macs(self.network, recipe.size, recipe.size),
        )
        self._build()
        self._restore()
        if self.main:
            self.folder.write_json(self.folder.environment, environment())
            self.folder.write_json(self.folder.data, about_data(self.facts))
        self.note(events.Ended("running", "", str(self.folder.path)))

    def _decode(self, samples: list[Any]) -> ImageStore:
        def progress(done: int, total: int) -> None:
            if done % 100 == 0 or done == total:
                self.listen(events.Preparing("Decoding images", done, total))

        return load_images(samples, self.classes, self.how, self.data.digest, progress)

    def _check_sizes(self) -> None:
        optim = self.recipe.optim
        share = optim.accumulate * self.accelerator.num_processes
        if optim.batch % share:
            raise UsageError(
                f"A batch of {optim.batch} can't be shared evenly: {optim.accumulate} parts on "
                f"{self.accelerator.num_processes} processes.",
                remedy=f"Set optim.batch to a multiple of {share}.",
            )
        self.steps = len(self.train_images) // optim.batch
        if not self.steps:
            raise DatasetError(
                f"{len(self.train_images)} training images do not fill a batch of {optim.batch}.",
                path=self.data_folder,
                remedy="Set optim.batch lower.",
            )

    def _build(self) -> None:
        import torch

        recipe, device = self.recipe, self.accelerator.device
        counts = np.bincount(self.train_images.labels, minlength=len(self.classes)).tolist()
        balanced = recipe.loss.class_weights == "balanced"
        weights = torch.tensor(balanced_weights(counts)) if balanced else None
        self.average = MovingAverage(self.network, recipe.optim.ema)
        self.average.network.to(device)
        module = with_loss(self.network, recipe, self.teachers, weights).to(device)
        for teacher in self.teachers:
            teacher.module.to(device)
        self.plain = module
        optimiser = make_optimiser(module, recipe, fused=device.type == "cuda")
        if device.type == "cuda":
            torch.backends.cudnn.benchmark = True
            torch.backends.cuda.matmul.allow_tf32 = True
            if recipe.optim.compile != "none":
                module = torch.compile(module, mode=recipe.optim.compile)
        module, self.optimiser = self.accelerator.prepare(module, optimiser)
        gpu = device.type != "cpu"
        self.pixels = self.train_images.tensor().to(device) if gpu else self.train_images.tensor()
        labels = self.train_images.labels
        batches = Batches(recipe, self.pixels, labels, len(self.classes), self.how, device)
        self.cache = None
        teach: Callable[[Tensor], tuple[Tensor, Tensor | None]] | None = None
        if self.teachers and recipe.teachers.cache:
            self.cache = TeacherLogits(
                self.teachers,
                self.train_images,
                self.how,
                recipe.augment,
                len(self.classes),
                self._ask,
                self.accelerator.mixed_precision,
            )
        elif self.teachers:
            teach = self._teach()
        self.module = module
        self.stepper = Stepper(recipe, self.accelerator, module, self.optimiser, batches, teach)

    def _ask(self, teacher: Teacher, images: Tensor) -> Tensor:
        import torch

        with torch.inference_mode(), self.accelerator.autocast():
            logits: Tensor = teacher.module(images)
        return logits.float()

    def _teach(self) -> Callable[[Tensor], tuple[Tensor, Tensor | None]]:
        import torch

        maps = None
        if self.recipe.loss.needs_maps:
            maps = LastMaps(self.teachers[0].network, self.teachers[0].module)

        def teach(images: Tensor) -> tuple[Tensor, Tensor | None]:
            with torch.no_grad(), self.accelerator.autocast():
                answers = torch.stack([teacher.module(images).float() for teacher in self.teachers])
            return answers, maps.take() if maps is not None else None

        return teach

    def _restore(self) -> None:
        import torch

        found = read_checkpoint(self.folder.checkpoints)
        if found is None:
            return
        self.counters, tensors, optimiser = found
        self.plain.load_state_dict(tensors["training"])
        self.average.network.load_state_dict(tensors["average"])
        self.average.steps = self.counters.averaged
        self.optimiser.load_state_dict(optimiser["optimiser"])
        if self.accelerator.scaler is not None and optimiser["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(optimiser["scaler"])
        if self.accelerator.device.type == "cuda":
            torch.cuda.synchronize()

    def go(self) -> str:
        """Run to the end.

        Returns:
            Why it ended before its last epoch, or an empty string.
        """
        counters, optim = self.counters, self.recipe.optim
        self.since_checkpoint = 0
        if self.main:
            self.listen(self._started_event())
        early = ""
        while counters.epoch < optim.epochs and not early:
            self._epoch()
            self._finish_epoch()
            if optim.patience and counters.epoch - 1 - counters.best >= optim.patience:
                early = f"no better validation score in {optim.patience} epochs"
        self._finish(early)
        return early

    def _epoch(self) -> None:
        import torch

        counters, recipe = self.counters, self.recipe
        view = view_of_epoch(recipe.augment, counters.epoch)
        cached = self._cached(view)
        numbers = view_numbers(recipe.augment.seed, view, len(self.train_images))
        places = order(recipe.seed, counters.epoch, len(self.train_images))
        self.module.train()
        sums = {name: torch.tensor(value, device=self.accelerator.device) for name, value in counters.sums.items()}
        start, before, first = time.perf_counter(), counters.seconds, counters.step
        while counters.step < self.steps:
            step, batch = counters.step, recipe.optim.batch
            lr = learning_rate(recipe.optim, counters.epoch * self.steps + step, self.steps)
            chosen = places[step * batch : (step + 1) * batch]
            terms = self.stepper.take(chosen, numbers, cached, lr, (counters.epoch, step))
            self.average.update(self.network)
            for name, term in terms.items():
                sums[name] = sums[name] + term if name in sums else term
            counters.step += 1
            counters.averaged = self.average.steps
            self.since_checkpoint += 1
            counters.seconds = before + time.perf_counter() - start
            looked = counters.step % LOOK_EVERY == 0 or counters.step == self.steps
            due = self.since_checkpoint >= recipe.checkpoint_steps
            reason = self._why_stop(looked=looked)
            if looked or due or reason:
                counters.sums = self._read(sums)
            self._tell_step(first, start, looked=looked)
            if due or reason:
                self._checkpoint()
            if reason:
                raise _Stopped(reason)

    def _read(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """Bring the sums of the loss terms to the CPU.

        Raises:
            TrainingError: if they are not finite.
        """
        found = {name: float(value) for name, value in sums.items()}
        if not all(math.isfinite(value) for value in found.values()):
            raise TrainingError(
                f"The loss is not finite in epoch {self.counters.epoch + 1}, by step {self.counters.step}.",
                path=self.folder.path,
                remedy="The last good checkpoint is kept. Start again with a lower optim.lr, or optim.clip on.",
            )
        return found

    def _why_stop(self, *, looked: bool) -> str:
        """Return why to stop; with several processes they agree on it, every few steps."""
        if self.accelerator.num_processes == 1:
            return self.stop.reason()
        if not looked:
            return ""
        from accelerate.utils import gather_object

        return next((reason for reason in gather_object([self.stop.reason()]) if reason), "")

    def _tell_step(self, first: int, start: float, *, looked: bool) -> None:
        if not self.main:
            return
        counters, batch = self.counters, self.recipe.optim.batch
        speed = (counters.step - first) * batch / max(time.perf_counter() - start, 1e-9)
        left = (self.recipe.optim.epochs - counters.epoch) * self.steps - counters.step
        loss = sum(counters.sums.values()) / counters.step if looked else None
        self.listen(
            events.StepDone(counters.epoch, counters.step, self.steps, loss, speed, left * batch / max(speed, 1e-9))
        )

    def _cached(self, view: int) -> Tensor | None:
        import torch

        if self.cache is None:
            return None

        def progress(done: int, total: int) -> bool:
            self.listen(events.Preparing("Asking the teacher", done, total))
            return bool(self.accelerator.num_processes == 1 and self.stop.reason())

        from accelerate import PartialState

        state = PartialState()
        share = (state.local_process_index, max(1, _local_processes(self.accelerator)))
        answers = self.cache.of_view(view, self.pixels, share, progress)
        if self.accelerator.num_processes > 1:
            self.accelerator.wait_for_everyone()
            answers = self.cache.of_view(view, self.pixels)
        if answers is None:
            self._checkpoint()
            raise _Stopped(self.stop.reason())
        return torch.from_numpy(answers).to(self.accelerator.device)

    def _finish_epoch(self) -> None:
        counters, optim = self.counters, self.recipe.optim
        best = False
        if self.main:
            row = self._validated_row()
            best = self._is_best(row)
            counters.rows.append(row)
            if best:
                counters.best = counters.epoch
                counters.best_file = write_best(
                    self.folder.checkpoints, counters.epoch, self.average.network.state_dict()
                )
            self.listen(events.EpochDone(row, best))
        self._agree()
        counters.epoch, counters.step, counters.sums, counters.seconds = counters.epoch + 1, 0, {}, 0.0
        if self.main:
            self.folder.write_metrics(counters.rows)
        if self.since_checkpoint >= min(self.recipe.checkpoint_steps, self.steps) or counters.epoch == optim.epochs:
            self._checkpoint()

    def _agree(self) -> None:
        """Let all processes know what the main one found."""
        if self.accelerator.num_processes > 1:
            from accelerate.utils import broadcast_object_list

            counters = self.counters
            found = [counters.rows, counters.best, counters.best_file]
            broadcast_object_list(found)
            counters.rows, counters.best, counters.best_file = found

    def _validated_row(self) -> Row:
        counters, optim = self.counters, self.recipe.optim
        device = self.accelerator.device

        def forward(images: torch.Tensor) -> torch.Tensor:
            with self.accelerator.autocast():
                logits: Tensor = self.average.network(images)
            return logits.float()

        found = validate(forward, self.val_images.tensor(), self.val_images.labels, self.how, device)
        means = {name: total / self.steps for name, total in counters.sums.items()}
        return {
            "epoch": counters.epoch,
            "train_loss": sum(means.values()),
            **{f"train_{name}": value for name, value in means.items()},
            "val_loss": found.loss,
            "val_accuracy": found.accuracy,
            "val_macro_f1": found.macro_f1,
            "lr": learning_rate(optim, (counters.epoch + 1) * self.steps - 1, self.steps),
            "seconds": counters.seconds,
            "images_per_second": self.steps * optim.batch / max(counters.seconds, 1e-9),
        }

    def _is_best(self, row: Row) -> bool:
        if self.counters.best < 0:
            return True
        best = self.counters.rows[self.counters.best]
        return (row["val_accuracy"], -row["val_loss"]) > (best["val_accuracy"], -best["val_loss"])

    def _checkpoint(self) -> None:
        self.since_checkpoint = 0
        if not self.main:
            return
        scaler = self.accelerator.scaler
        write_checkpoint(
            self.folder.checkpoints,
            self.counters,
            {"training": self.plain.state_dict(), "average": self.average.network.state_dict()},
            {
                "optimiser": self.optimiser.state_dict(),
                "scaler": None if scaler is None else scaler.state_dict(),
            },
        )
        self.listen(events.CheckpointWritten(self.counters.epoch, self.counters.step))

    def _finish(self, early: str) -> None:
        from safetensors.torch import load_file

        if not self.main:
            return
        from training.plots import draw_curves

        draw_curves(self.counters.rows, self.folder.curves)
        save_tensors(self.folder.weights, load_file(self.folder.checkpoints / self.counters.best_file))
        self.note(events.Ended("finished", early, str(self.folder.path)))

    def note(self, ended: events.Ended) -> None:
        """Write how the run stands into ``run.json``; what a full disk keeps from being written is left."""
        facts = self.__dict__.get("facts")
        if facts is None or not self.main:
            return
        try:
            self.folder.write_json(self.folder.result, about_run(facts, self.counters, self.folder, ended))
        except OSError:
            if ended.status != "failed":
                raise

    def _started_event(self) -> events.Started:
        facts = self.facts
        return events.Started(
            network=network_name(self.recipe),
            starts_from=facts.started,
            parameters=facts.parameters,
            macs=facts.macs,
            device=str(self.accelerator.device),
            precision=self.accelerator.mixed_precision,
            train_images=len(facts.train),
            val_images=len(facts.val),
            unreadable=len(facts.train.unreadable) + len(facts.val.unreadable),
            teachers=tuple(teacher.id for teacher in facts.teachers),
            epochs=self.recipe.optim.epochs,
            steps=self.steps,
            epoch=self.counters.epoch,
            step=self.counters.step,
        )


def _precision(wanted: str) -> str:
    """Return what accelerate computes in: bfloat16 where that is fast, on CUDA, unless the recipe says otherwise."""
    if wanted != "auto":
        return wanted
    import torch

    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"


def _local_processes(accelerator: Accelerator) -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", accelerator.num_processes))
