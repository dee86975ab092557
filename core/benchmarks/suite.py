"""Measure this machine: latency of each model on each runtime, Score-CAM, start-up, and memory over many images."""

from __future__ import annotations

import gc
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from datetime import date
from pathlib import Path

import psutil

from core.benchmarks.cam import EXACT, FAST, LIBRARIES, PEER, SpeedRow, check_libraries, speed
from core.benchmarks.counts import counts
from core.benchmarks.results import LatencyRow, Machine, MemoryRun, Report, ratios
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
from core.system.openvino_core import openvino_core
from core.system.subprocesses import is_frozen, own_command
from core.tasks import get_task

MIB = 1 << 20
PARTS = ("latency", "score-cam", "start", "memory", "counts")
TASK = "chest-xray"  # of the demonstration radiograph


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
        processor=str(openvino_core().get_property("CPU", "FULL_DEVICE_NAME")).strip() or platform.processor(),
        cores=usable_cpus(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=torch_version,
        openvino=openvino.__version__.split("-")[0],
    )


def measure(
    report: Report,
    catalogue: Catalogue,
    parts: Collection[str] = PARTS,
    *,
    quick: bool = False,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Iterator[str]:
    """Measure into a report, and yield in a few words what was added; stop iterating to stop.

    Args:
        report: grows.
        catalogue: the installed models.
        parts: which of ``PARTS``.
        quick: fewer runs.
        progress: called with the images of the memory run that are done, and all of them.

    Raises:
        TwinlensError: if a library is missing, before anything is measured.
    """
    if "score-cam" in parts and not quick and has_torch():
        check_libraries()
    if "counts" in parts:
        for count in counts(catalogue, quick=quick):
            report.counts.append(count)
            yield count.what
    if "latency" in parts:
        for row in latency(list(catalogue.bundles.values()), 10 if quick else 50):
            report.latency.append(row)
            report.ratios = ratios(report.latency)
            yield f"{row.model} on {row.runtime}"
    if "start" in parts:
        report.startup_s = startup()
        yield "start"
    if "memory" in parts:
        images = 100 if quick else 1000
        report.memory = memory(catalogue, images, lambda done: progress(done, images))
        yield "memory"
    if "score-cam" in parts:
        for speed_row in score_cam_speed(catalogue, quick=quick):
            report.score_cam.append(speed_row)
            yield f"{speed_row.model}, {speed_row.library}"


def latency(bundles: list[Bundle], runs: int) -> Iterator[LatencyRow]:
    """Time the forward at batch 1 of each bundle on OpenVINO and on torch, if installed, each in a process of its own.

    Side by side in one process the networks push each other's weights out of the processor's cache.
    """
    for bundle in bundles:
        for choice in ("openvino", "torch") if has_torch() else ("openvino",):
            command = own_command("core.benchmarks.latency", str(bundle.directory), choice, str(runs))
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)  # noqa: S603 - our own module
            seen = [round(time_ms, 3) for time_ms in json.loads(done.stdout)]
            median, p90 = statistics.median(seen), statistics.quantiles(seen, n=10)[-1]
            yield LatencyRow(bundle.id, choice, round(median, 2), round(p90, 2), len(seen), seen)


def score_cam_speed(catalogue: Catalogue, *, quick: bool) -> Iterator[SpeedRow]:
    """Time Score-CAM on the demonstration radiograph for all four networks, beside the libraries that others use.

    Without torch, the installed networks are measured, by Twinlens alone. With it, a network without an installed
    bundle is measured with random weights, which take as long as trained ones. Quick: the fast map for all, the exact
    one and pytorch-grad-cam for the student only, since they take up to a minute a map.
    """
    installed = {b.model: b for b in catalogue.bundles.values() if b.card.task == TASK}
    with tempfile.TemporaryDirectory() as folder:
        for network, architecture in ARCHITECTURES.items():
            libraries = set(LIBRARIES)
            if quick:
                libraries = {FAST, EXACT, PEER} if network == OFA595.id else {FAST}
            elif architecture.layout == "NHWC":
                libraries.remove("torch-cam")  # it does not support maps with the channels last
            if not has_torch():
                libraries &= {FAST, EXACT}
            if network in installed:
                yield from speed(installed[network], libraries)
            elif has_torch():
                yield from speed(_untrained(network, Path(folder)), libraries)


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


def memory(catalogue: Catalogue, images: int, progress: Callable[[int], object] = lambda _i: None) -> MemoryRun:
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
