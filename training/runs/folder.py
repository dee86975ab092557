"""A run on disk: recipe, data, machine, metrics, checkpoints, and the weights that it ended with."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from core.system.atomic_files import bytes_written_whole, written_whole
from training.recipe import Precision
from training.runs.records import AnyRecord, DataRecord, EnvironmentRecord, Record, RunError, RunRecord, read_record

if TYPE_CHECKING:
    from torch import Tensor

PACKAGES = ("twinlens", "torch", "torchvision", "timm", "ofa", "accelerate", "numpy", "safetensors")

Row = dict[str, float]


@dataclass(frozen=True)
class RunFolder:
    """The places in a run's folder. Every file appears whole or not at all.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.toml"

    @property
    def data(self) -> Path:
        """Data folder, digest, classes and counts."""
        return self.path / "data.json"

    @property
    def split(self) -> Path:
        """The images of the run: place, label, group, split and content of each."""
        return self.path / "split.csv"

    @property
    def lock(self) -> Path:
        """A file that the process at work here holds a lock on."""
        return self.path / "run.lock"

    @property
    def process(self) -> Path:
        """Which process worked here last; see :mod:`training.runs.lock`."""
        return self.path / "process.json"

    @property
    def events(self) -> Path:
        """The events of the process that worked here last, a JSON object a line."""
        return self.path / "events.jsonl"

    @property
    def environment(self) -> Path:
        """Versions and machine."""
        return self.path / "environment.json"

    @property
    def metrics(self) -> Path:
        """A line of JSON for each epoch; ``metrics.csv`` beside it holds the same."""
        return self.path / "metrics.jsonl"

    @property
    def curves(self) -> Path:
        """Loss and scores over the epochs, drawn."""
        return self.path / "curves.png"

    @property
    def examples(self) -> Path:
        """A folder: a few validation images, and what the network answered to them after the last epoch."""
        return self.path / "examples"

    @property
    def checkpoints(self) -> Path:
        """What the run is resumed from."""
        return self.path / "checkpoints"

    @property
    def weights(self) -> Path:
        """The averaged weights of the best epoch, once the run is finished."""
        return self.path / "weights.safetensors"

    @property
    def result(self) -> Path:
        """What the run is and how it ended."""
        return self.path / "run.json"

    @property
    def stop(self) -> Path:
        """A file that asks the run to stop at its next step, with a checkpoint."""
        return self.path / "stop"

    def precision_here(self) -> Precision | None:
        """Return what the run computed in before on this processor, or None.

        On another processor it would not resume bit-identically anyway, and the speeds differ.
        """
        found = self.read_environment()
        return found.precision if found.processor == processor_name() else None

    def write_text(self, path: Path, text: str) -> None:
        """Write a text file of this folder."""
        with written_whole(path) as file:
            file.write(text)

    def write_record(self, path: Path, record: Record) -> None:
        """Write a JSON file of this folder."""
        self.write_text(path, json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")

    def write_metrics(self, rows: list[Row]) -> None:
        """Write the epochs so far."""
        with written_whole(self.metrics) as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        columns = list(dict.fromkeys(key for row in rows for key in row))
        with written_whole(self.path / "metrics.csv") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def read_result(self) -> RunRecord:
        """Return ``run.json``; an empty record where there is none that can be read."""
        return _read(self.result, RunRecord)

    def read_data(self) -> DataRecord:
        """Return ``data.json``; an empty record where there is none that can be read."""
        return _read(self.data, DataRecord)

    def read_environment(self) -> EnvironmentRecord:
        """Return ``environment.json``; an empty record where there is none that can be read."""
        return _read(self.environment, EnvironmentRecord)


def _read(path: Path, kind: type[AnyRecord]) -> AnyRecord:
    try:
        return read_record(path, kind)
    except RunError:
        return kind()


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all."""
    from safetensors.torch import save

    with bytes_written_whole(path) as file:
        file.write(save({key: value.detach().cpu().contiguous() for key, value in tensors.items()}))


def processor_name() -> str:
    """Return the processor's name; on Linux with a digest of what it can do, since virtual ones share names."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.processor() or platform.machine()
    facts = dict(line.split("\t", 1) for line in cpuinfo.read_text(encoding="utf-8").splitlines() if "\t" in line)
    name = facts.get("model name", platform.machine()).strip("\t: ")
    return f"{name} ({hashlib.sha256(facts.get('flags', '').encode()).hexdigest()[:8]})"


def environment_now(precision: Precision) -> EnvironmentRecord:
    """Return the environment of this process; ``precision`` is what the run computes in."""
    import torch

    return EnvironmentRecord(
        python=sys.version.split()[0],
        platform=platform.platform(),
        processor=processor_name(),
        precision=precision,
        packages={name: _version(name) for name in PACKAGES},
        threads=torch.get_num_threads(),
        processes=int(os.environ.get("WORLD_SIZE", "1")),
        gpus=tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
