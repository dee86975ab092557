"""Measure this machine: latency of each model on each runtime, start-up, and memory over many images."""

from __future__ import annotations

import gc
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil

from core.benchmarks.cam import EXACT, FAST, SpeedRow, speed
from core.compare.session import Choice, ComparisonSession
from core.images.demo import demonstration_radiograph
from core.images.preprocessing import Preprocessing
from core.models.architectures import ARCHITECTURES, OFA595, build_network, count_macs, count_parameters
from core.models.bundle import Bundle
from core.models.bundle_writing import write_bundle
from core.models.card import Card, Training
from core.models.catalogue import Catalogue
from core.models.graph_export import trace_network
from core.system.cpu_count import usable_cpus
from core.system.extras import missing_modules
from core.system.subprocesses import is_frozen, own_command
from core.tasks import get_task

MIB = 1 << 20
TASK = "chest-xray"  # of the demonstration radiograph


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on; ``torch`` is empty where it is not installed."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    torch: str
    openvino: str

    def line(self) -> str:
        """Return it in a sentence."""
        versions = [
            f"Python {self.python}",
            *([f"torch {self.torch}"] if self.torch else []),
            f"OpenVINO {self.openvino}",
        ]
        where = f"{self.processor}, {self.cores} cores, {self.memory_gib} GiB; {self.system}"
        return f"Machine: {where}; {', '.join(versions)}."


@dataclass(frozen=True)
class LatencyRow:
    """Forward at batch 1 of one model on one runtime.

    Attributes:
        model: the bundle's identifier.
        runtime: the runtime's name.
        median_ms: median wall-clock time of a forward.
        p90_ms: 90th percentile of it.
        runs: how many were timed.
    """

    model: str
    runtime: str
    median_ms: float
    p90_ms: float
    runs: int


@dataclass(frozen=True)
class MemoryRun:
    """Resident memory while images are compared one after another.

    Attributes:
        images: how many were compared.
        settled_mib: resident size after the first 50.
        end_mib: resident size at the end.
        peak_mib: largest resident size seen after the first 50.
        seconds: wall-clock time of all.
    """

    images: int
    settled_mib: float
    end_mib: float
    peak_mib: float
    seconds: float


@dataclass(frozen=True)
class Report:
    """All that was measured in one run."""

    machine: Machine
    latency: list[LatencyRow]
    ratios: dict[str, float]
    score_cam: list[SpeedRow]
    startup_s: dict[str, float]
    memory: MemoryRun


def has_torch() -> bool:
    """Return whether networks can be measured on torch, beside the libraries that need it."""
    return not missing_modules("cams")


def machine() -> Machine:
    """Return what this machine is, in words."""
    import openvino

    torch_version = ""
    if has_torch():
        import torch

        torch_version = torch.__version__
    return Machine(
        processor=str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")).strip() or platform.processor(),
        cores=usable_cpus(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=torch_version,
        openvino=openvino.__version__.split("-")[0],
    )


def latency(bundles: list[Bundle], runs: int) -> list[LatencyRow]:
    """Time the forward at batch 1 of each bundle on OpenVINO and on torch, if installed, each in a process of its own.

    Side by side in one process the networks push each other's weights out of the processor's cache.
    """
    rows = []
    for bundle in bundles:
        for choice in ("openvino", "torch") if has_torch() else ("openvino",):
            command = own_command("core.benchmarks.latency", str(bundle.directory), choice, str(runs))
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)  # noqa: S603 - our own module
            seen = json.loads(done.stdout)
            p90 = statistics.quantiles(seen, n=10)[-1]
            rows.append(LatencyRow(bundle.id, choice, round(statistics.median(seen), 2), round(p90, 2), len(seen)))
    return rows


def score_cam_speed(catalogue: Catalogue, *, quick: bool) -> list[SpeedRow]:
    """Time Score-CAM on the demonstration radiograph for all four networks, beside the libraries that others use.

    Without torch, the installed networks are measured, by Twinlens alone. With it, a network without an installed
    bundle is measured with random weights, which take as long as trained ones. Quick: the fast map for all, the exact
    one and pytorch-grad-cam for the student only, since they take up to a minute a map.
    """
    installed = {b.model: b for b in catalogue.bundles.values() if b.card.task == TASK}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for network, architecture in ARCHITECTURES.items():
            libraries = [FAST, EXACT, "pytorch-grad-cam", "torch-cam"]
            if quick:
                libraries = libraries[:3] if network == OFA595.id else [FAST]
            elif architecture.layout == "NHWC":
                libraries.remove("torch-cam")  # it does not support maps with the channels last
            if has_torch():
                rows += speed([installed.get(network) or _untrained(network, Path(folder))], libraries)
            elif network in installed:
                rows += speed([installed[network]], [library for library in libraries if library in (FAST, EXACT)])
    return rows


def _untrained(network: str, folder: Path) -> Bundle:
    module = build_network(network, len(get_task(TASK).classes))
    card = Card(
        task=f"{TASK}-untrained",
        classes=get_task(TASK).class_ids,
        role="teacher",
        network=network,
        preprocessing=Preprocessing(channels="grey"),
        storage="float32",
        parameters=count_parameters(module),
        macs=count_macs(module),
        training=Training(data="none", method="random weights", made_by="core benchmark", made_on=date.today()),
        intended_use="timing",
        licence="MIT",
        weights_sha256="0" * 64,
    )
    state = {key: value.numpy() for key, value in module.state_dict().items()}
    return write_bundle(folder / card.id, state, card, traced=trace_network(card))


def startup() -> dict[str, float]:
    """Return the wall-clock seconds of a fresh Python that imports ``core``, and of one that lists the models."""
    commands = {"python -m core models": own_command("core", "models")}
    if not is_frozen():
        python = {"python": "pass", "import core": "import core"}
        commands = {name: [sys.executable, "-c", code] for name, code in python.items()} | commands
    found = {}
    for name, command in commands.items():
        times = []
        for _ in range(3):
            started = time.perf_counter()
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our own
            times.append(time.perf_counter() - started)
        found[name] = round(statistics.median(times), 3)
    return found


def memory(catalogue: Catalogue, images: int, progress: Callable[[int], None] = lambda _i: None) -> MemoryRun:
    """Compare the demonstration radiograph again and again and follow the resident size.

    Each round opens the file anew, preprocesses it and runs both models, as ``core compare --cam none`` does.
    """
    session, choice = ComparisonSession(catalogue), Choice(cam="none")
    path, process = demonstration_radiograph(), psutil.Process()
    settled = peak = 0.0
    started = time.perf_counter()
    for i in range(images):
        session.examine(path, choice)
        progress(i + 1)
        resident = process.memory_info().rss / MIB
        if i == min(50, images) - 1:
            gc.collect()
            settled = peak = process.memory_info().rss / MIB
        peak = max(peak, resident) if settled else 0.0
    end = process.memory_info().rss / MIB
    return MemoryRun(images, round(settled, 1), round(end, 1), round(peak, 1), round(time.perf_counter() - started, 1))


def ratios(rows: list[LatencyRow]) -> dict[str, float]:
    """Return how many times faster each student on OpenVINO is than itself on torch, and than its teacher."""
    by_key = {(row.model, row.runtime): row.median_ms for row in rows}
    found = {}
    for (model, runtime), median in by_key.items():
        task, name = model.split("/")
        if runtime != "openvino" or not name.startswith("student"):
            continue
        if (model, "torch") in by_key:
            found[f"{model}: torch / openvino"] = round(by_key[model, "torch"] / median, 1)
        for (other, other_runtime), slower in by_key.items():
            if other.startswith(f"{task}/teacher") and other_runtime == "openvino":
                found[f"{other} / {model}, both openvino"] = round(slower / median, 1)
    return found


def score_cam_ratios(rows: list[SpeedRow]) -> list[tuple[str, float, float]]:
    """Return for each model how many times faster than pytorch-grad-cam the fast and the exact map are."""
    seconds = {(row.model, row.library): row.seconds for row in rows}
    return [
        (model, theirs / seconds[model, FAST], theirs / seconds[model, EXACT])
        for (model, library), theirs in seconds.items()
        if library == "pytorch-grad-cam"
    ]


def markdown(report: Report) -> str:
    """Return the report as Markdown, for a terminal and for docs/benchmarks.md alike."""
    memory = report.memory
    lines = [
        report.machine.line(),
        "",
        "| forward at batch 1 | runtime | median | 90th percentile | runs |",
        "|---|---|---|---|---|",
        *(f"| {r.model} | {r.runtime} | {r.median_ms} ms | {r.p90_ms} ms | {r.runs} |" for r in report.latency),
        "",
        "| ratio of medians | |",
        "|---|---|",
        *(f"| {what} | {ratio}× |" for what, ratio in report.ratios.items()),
        "",
        "| Score-CAM of one image | by | forwards | first map | ready | memory above model | Pearson | IoU 20 % |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {r.model} | {r.library} | {r.timeline[-1][0] if r.timeline else '–'} | {r.first_s:.2f} s "
            f"| {r.seconds:.2f} s | {r.peak_mib:.0f} MiB "
            f"| {'–' if r.pearson is None else r.pearson} | {'–' if r.iou20 is None else r.iou20} |"
            for r in report.score_cam
        ),
        "",
        "| against pytorch-grad-cam in this run | fast | exact |",
        "|---|---|---|",
        *(f"| {model} | {fast:.0f}× | {exact:.1f}× |" for model, fast, exact in score_cam_ratios(report.score_cam)),
        "",
        "| start of a fresh process | seconds |",
        "|---|---|",
        *(f"| `{what}` | {seconds} |" for what, seconds in report.startup_s.items()),
        "",
        f"Memory: {memory.images} images compared without maps in {memory.seconds} s; resident size after the first 50 "
        f"{memory.settled_mib} MiB, at the end {memory.end_mib} MiB, peak {memory.peak_mib} MiB.",
    ]
    return "\n".join(lines)
