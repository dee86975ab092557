"""What a run is resumed from: weights, their average, the optimiser's state and counters, written as one.

A checkpoint is a folder of its own; ``last.json`` names the newest that is whole. The averaged weights of the best
epoch lie beside it, and the checkpoint names the one that belongs to it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import TwinlensError
from core.system.atomic_files import bytes_written_whole, cannot_write, make_folder, written_whole
from training.runs.folder import Row, save_tensors

if TYPE_CHECKING:
    from torch import Tensor

POINTER = "last.json"


class CheckpointError(TwinlensError):
    """A checkpoint is damaged."""


@dataclass
class Counters:
    """The progress of a run.

    Attributes:
        epoch: the epoch that is under way, from 0.
        step: steps done in it.
        averaged: steps taken into the moving average.
        sums: sums of the loss terms over the steps of this epoch.
        seconds: seconds that this epoch's steps took so far.
        rows: metrics of the finished epochs.
        best: the best epoch so far, -1 for none.
        best_file: the file with its averaged weights.
    """

    epoch: int = 0
    step: int = 0
    averaged: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    best: int = -1
    best_file: str = ""


def write_best(folder: Path, epoch: int, tensors: dict[str, Tensor]) -> str:
    """Write the averaged weights of an epoch that is the best so far, and return the file's name."""
    make_folder(folder)
    name = f"best-{epoch:05d}.safetensors"
    save_tensors(folder / name, tensors)
    return name


def write_checkpoint(
    folder: Path, counters: Counters, tensors: dict[str, dict[str, Tensor]], optimiser: dict[str, Any]
) -> None:
    """Write a checkpoint; the one before it is removed once this one is in place.

    Args:
        folder: the run's folder of checkpoints.
        counters: the progress of the run.
        tensors: state dicts by name, each of which becomes ``NAME.safetensors``.
        optimiser: states of optimiser and loss scaler.

    Raises:
        WriteError: if it can't be written, e.g. because the disk is full; the one before it stays.
    """
    make_folder(folder)
    name = f"epoch-{counters.epoch:05d}-step-{counters.step:06d}"
    target = folder / name
    try:
        staged = Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
    except OSError as cause:
        raise cannot_write(folder, cause) from cause
    try:
        for part, state in tensors.items():
            save_tensors(staged / f"{part}.safetensors", state)
        _save(staged / "optimiser.pt", optimiser)
        with written_whole(staged / "counters.json") as text:
            json.dump(asdict(counters), text)
        if target.exists():
            shutil.rmtree(target)
        staged.replace(target)
    except OSError as cause:
        raise cannot_write(target, cause) from cause
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    with written_whole(folder / POINTER) as pointer:
        json.dump({"folder": name}, pointer)
    _tidy(folder, {name, POINTER, counters.best_file})


def _save(path: Path, state: dict[str, Any]) -> None:
    import torch

    with bytes_written_whole(path) as file:
        try:
            torch.save(state, file)
        except RuntimeError as cause:  # torch still tries to end its archive, which hides the system's error
            if isinstance(cause.__context__, OSError):
                raise cause.__context__ from None
            raise


def _tidy(folder: Path, keep: set[str]) -> None:
    for entry in folder.iterdir():
        if entry.name not in keep:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def read_checkpoint(
    folder: Path,
) -> tuple[Counters, dict[str, dict[str, Tensor]], dict[str, Any]] | None:
    """Return the newest whole checkpoint as it was written, or None where there is none.

    Raises:
        CheckpointError: if it is damaged.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not (folder / POINTER).is_file():
        return None
    try:
        place = folder / json.loads((folder / POINTER).read_text(encoding="utf-8"))["folder"]
        counters = Counters(**json.loads((place / "counters.json").read_text(encoding="utf-8")))
        tensors = {file.stem: load_file(file) for file in sorted(place.glob("*.safetensors"))}
        optimiser: dict[str, Any] = torch.load(place / "optimiser.pt", map_location="cpu", weights_only=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as cause:
        raise CheckpointError(
            f"The checkpoint is damaged ({type(cause).__name__}: {cause}).",
            path=folder,
            remedy="Start again in another folder.",
        ) from cause
    return counters, tensors, optimiser
