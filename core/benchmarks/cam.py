"""Score-CAM measured: seconds and memory beside pytorch-grad-cam, torch-cam and a literal loop.

Each library runs in a process of its own (``python -m core.benchmarks.cam LIBRARY FOLDER MAP``), the way its
documentation uses it, on the same network, layer and image. Captum has no Score-CAM
(https://github.com/meta-pytorch/captum/issues/350); its perturbation methods evaluate one perturbed input after the
other unless told otherwise, and so does the literal loop.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import psutil

from core.compare.figures import from_dict
from core.errors import TwinlensError
from core.explain.heatmap import scaled
from core.explain.scorecam import Depth, ScoreCam
from core.explain.similarity import iou_top, pearson
from core.images.demo import demonstration_radiograph
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.architectures import cam_layer, maps_to_nchw, with_maps
from core.models.bundle import Bundle, read_bundle
from core.runtimes.base import FloatArray
from core.runtimes.load import load_runtime
from core.runtimes.masks import EPSILON
from core.system.subprocesses import own_command

MIB = 1 << 20
CLASS_INDEX = 0
WORST_WALL_SECONDS = 1800


@dataclass(frozen=True)
class Measured:
    """What one library's Score-CAM of one image cost.

    Attributes:
        first_s: seconds until the first map could be shown.
        seconds: seconds until the map was ready.
        peak_mib: resident memory above the loaded network, at most.
        timeline: masks scored and seconds passed at each frame; empty for a library that shows the last map only.
        times_s: seconds of each repetition; ``seconds`` is their median.
    """

    first_s: float
    seconds: float
    peak_mib: float
    timeline: list[tuple[int, float]]
    times_s: list[float]


@dataclass(frozen=True)
class SpeedRow:
    """One library's Score-CAM of one image: the figures of ``Measured``, and how close its map is.

    Attributes:
        model: the bundle's identifier.
        library: whose Score-CAM.
        first_s: seconds until the first map could be shown.
        seconds: seconds until the map was ready.
        peak_mib: resident memory above the loaded network, at most.
        pearson: Pearson correlation with Twinlens's exact map of the same network, at the input's size; None where the
            exact map was not made.
        iou20: overlap with its top 20 %, likewise.
        timeline: masks scored and seconds passed at each frame; empty for a library that shows the last map only.
        times_s: seconds of each repetition; ``seconds`` is their median.
    """

    model: str
    library: str
    first_s: float
    seconds: float
    peak_mib: float
    pearson: float | None
    iou20: float | None
    timeline: list[tuple[int, float]]
    times_s: list[float] = field(default_factory=list)


def check_libraries() -> None:
    """Check that all libraries are installed, before a long run fails for want of one.

    Raises:
        TwinlensError: if torch-cam, which is in an extra, is not installed.
    """
    if find_spec("torchcam") is None:
        raise TwinlensError(
            "torch-cam is not installed, and the benchmark compares with it.",
            remedy="Install the extra 'benchmark' of twinlens, or use --quick, which does without.",
        )


def speed(bundle: Bundle, libraries: Collection[str]) -> Iterator[SpeedRow]:
    """Time Score-CAM of the demonstration radiograph by each library, one after the other, and yield what each took.

    Args:
        bundle: the model.
        libraries: keys of ``LIBRARIES``; with ``EXACT`` among them it comes first, and all maps are compared with its.
    """
    exact: FloatArray | None = None
    for library in sorted(libraries, key=lambda name: name != EXACT):
        with tempfile.TemporaryDirectory() as folder:
            measured, values = _in_a_process(library, bundle, Path(folder) / "map.npy")
        exact = values if library == EXACT else exact
        close = None if exact is None else round(pearson(values, exact), 4)
        overlap = None if exact is None else round(iou_top(values, exact), 3)
        yield SpeedRow(bundle.id, library, **asdict(measured), pearson=close, iou20=overlap)


def _in_a_process(library: str, bundle: Bundle, out: Path) -> tuple[Measured, FloatArray]:
    command = own_command("core.benchmarks.cam", library, str(bundle.directory), str(out))
    done = subprocess.run(  # noqa: S603 - our own module
        command, capture_output=True, encoding="utf-8", check=False, timeout=WORST_WALL_SECONDS
    )
    if done.returncode != 0:
        raise TwinlensError(
            f"{library} could not be measured: {done.stderr.strip().splitlines()[-1:]}",
            remedy="Install the extra 'benchmark' of twinlens.",
        )
    return from_dict(Measured, json.loads(done.stdout.splitlines()[-1])), np.load(out)


# A run of one library: yields the map at the input's size after every mask or batch of masks, with the masks scored.
Run = Callable[[], Iterable[tuple[int, FloatArray]]]


def _twinlens(bundle: Bundle, image: FloatArray, depth: Depth) -> Run:
    runtime = load_runtime(bundle)
    _, maps = runtime.forward_with_maps(image)
    for half in (True,) if depth == "fast" else (True, False):  # compiles what the masks go through
        runtime.mask_scorer(image, maps.shape[2:], half=half)(maps[0, : runtime.batch_size])

    def run() -> Iterable[tuple[int, FloatArray]]:
        for frame in ScoreCam(runtime, image).refine(CLASS_INDEX, depth):
            yield frame.maps_scored, frame.resized(*image.shape[-2:])

    return run


def _pytorch_grad_cam(bundle: Bundle, image: FloatArray) -> Run:
    import torch
    from pytorch_grad_cam import ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network = bundle.load_network()
    x = torch.from_numpy(image)
    network(x)

    def run() -> Iterable[tuple[int, FloatArray]]:
        layers = [cam_layer(bundle.card.network, network)]
        with ScoreCAM(network, layers, reshape_transform=maps_to_nchw(bundle.card.network, network)) as cam:
            yield 0, cam(input_tensor=x, targets=[ClassifierOutputTarget(CLASS_INDEX)])[0]

    return run


def _torch_cam(bundle: Bundle, image: FloatArray) -> Run:
    import torch
    from torchcam.methods import ScoreCAM

    network = bundle.load_network()
    x = torch.from_numpy(image)
    network(x)

    def run() -> Iterable[tuple[int, FloatArray]]:
        with ScoreCAM(network, cam_layer(bundle.card.network, network)) as cam:
            values = cam(class_idx=CLASS_INDEX, scores=network(x))[0]
            yield (
                0,
                torch.nn.functional.interpolate(
                    values.reshape(1, 1, *values.shape[-2:]), image.shape[-2:], mode="bilinear"
                )[0, 0].numpy(),
            )

    return run


def _literal_loop(bundle: Bundle, image: FloatArray) -> Run:
    import torch

    network = with_maps(bundle.card.network, bundle.load_network())
    x = torch.from_numpy(image)
    network(x)

    def run() -> Iterable[tuple[int, FloatArray]]:
        with torch.inference_mode():
            maps = network(x)[1][0]
            scores = []
            for one in maps:
                mask = torch.nn.functional.interpolate(
                    one[None, None], x.shape[-2:], mode="bilinear", align_corners=True
                )
                mask = (mask - mask.min()) / (mask.max() - mask.min() + EPSILON)
                scores.append(network(x * mask)[0][0, CLASS_INDEX])
            weights = torch.softmax(torch.stack(scores), 0)
            values = torch.relu((weights[:, None, None] * maps).sum(0))
            yield 0, scaled(np.asarray(cv2.resize(values.numpy(), image.shape[:-3:-1]), np.float32))

    return run


FAST, EXACT, PEER, LOOP = "twinlens fast", "twinlens exact", "pytorch-grad-cam", "literal loop in torch"
REPEATS = {FAST: 5}  # the others take too long for more than one
LIBRARIES: dict[str, Callable[[Bundle, FloatArray], Run]] = {
    FAST: lambda bundle, image: _twinlens(bundle, image, "fast"),
    EXACT: lambda bundle, image: _twinlens(bundle, image, "exact"),
    PEER: _pytorch_grad_cam,
    "torch-cam": _torch_cam,
    LOOP: _literal_loop,
}


def _measure(library: str, folder: Path, out: Path) -> Measured:
    """Run one library on the demonstration radiograph, write its map to ``out`` and return the figures."""
    bundle = read_bundle(folder)
    image = preprocess(read_image(demonstration_radiograph()), bundle.card.preprocessing)
    run = LIBRARIES[library](bundle, image)
    process = psutil.Process()
    _forget_peak()
    before = process.memory_info().rss
    timeline: list[tuple[int, float]] = []
    times = []
    last = image
    for _ in range(REPEATS.get(library, 1)):
        started = time.perf_counter()
        timeline.clear()
        for scored, last in run():  # noqa: B007 - the last map is saved
            timeline.append((scored, round(time.perf_counter() - started, 3)))
        times.append(timeline[-1][1])
    peak = _peak_bytes(process)
    np.save(out, last)
    return Measured(
        first_s=timeline[0][1],
        seconds=round(statistics.median(times), 3),
        peak_mib=round((peak - before) / MIB, 0),
        timeline=timeline if library in (FAST, EXACT) else [],
        times_s=times,
    )


def _forget_peak() -> None:
    """Reset the largest resident size, where the system can (Linux); else it holds since the start."""
    if platform.system() == "Linux":
        Path("/proc/self/clear_refs").write_text("5")


def _peak_bytes(process: psutil.Process) -> int:
    """Return the largest resident size that this process has had."""
    if platform.system() == "Windows":
        return int(process.memory_info()._asdict()["peak_wset"])
    if platform.system() == "Linux":
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))))
