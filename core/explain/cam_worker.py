"""The maps of ``reference_cams`` from a process of its own: importing torch and timm stops all threads of a window.

A request is a ``_Request`` as JSON, and the network's input as NumPy saves it. A reply is a line of
JSON, a ``_Reply``, and the map as NumPy saves it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from core.errors import ExplanationError, TwinlensError
from core.explain.heatmap import HeatMap
from core.explain.reference_cams import class_activation_map
from core.system import worker_process
from core.system.extras import require
from core.system.worker_process import WorkerProcess, WorkerStoppedError

if TYPE_CHECKING:
    from core.models.bundle import Bundle

FloatArray = npt.NDArray[np.float32]

worker = WorkerProcess("explain")


@dataclass(frozen=True)
class _Request:
    """What is explained: by which method, the bundle's folder, the class, and CPU threads or torch's own choice."""

    method: str
    folder: str
    class_index: int
    threads: int | None


@dataclass(frozen=True)
class _Reply:
    """What the map is, or the problem and its remedy where there is none."""

    layer: str = ""
    maps_scored: int = 0
    maps_total: int = 0
    seconds: float = 0.0
    problem: str = ""
    remedy: str = ""


def explain(
    method: str,
    bundle: Bundle,
    image: FloatArray,
    class_index: int,
    threads: int | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> HeatMap:
    """Return a class activation map as :func:`core.explain.reference_cams.class_activation_map` makes it.

    The process stays for the next one; the first takes some seconds longer, in which torch is imported.

    Args:
        method: a key of ``reference_cams.METHODS``.
        bundle: the model.
        image: its normalised input, shape (1, 3, H, W).
        class_index: the class to explain.
        threads: CPU threads, or None for torch's own choice.
        unwanted: called repeatedly; when it returns True, the process is ended.

    Raises:
        ExplanationError: if it can't be made.
        MissingExtraError: if the packages that make it are not installed.
    """
    require("cams", method)
    request = _Request(method, str(bundle.directory), class_index, threads)
    try:
        reply = worker.ask(json.dumps(asdict(request)), _saved(image), 2 * image.nbytes, unwanted)
    except WorkerStoppedError as cause:
        raise ExplanationError(f"The process that makes {method} ended.", remedy="Choose another method.") from cause
    line, _newline, values = reply.partition(b"\n")
    found = TypeAdapter(_Reply).validate_json(line)
    if found.problem:
        raise ExplanationError(found.problem, remedy=found.remedy)
    return HeatMap(
        values=np.load(io.BytesIO(values), allow_pickle=False),
        class_index=class_index,
        layer=found.layer,
        method=method,
        maps_scored=found.maps_scored,
        maps_total=found.maps_total,
        estimated_error=0.0,
        seconds=found.seconds,
    )


def serve() -> None:
    """Serve requests on standard input until it is closed."""
    worker_process.serve(_reply)


def _reply(text: str, image: bytes) -> bytes:
    request = TypeAdapter(_Request).validate_json(text)
    try:
        made = _explained(request, np.load(io.BytesIO(image), allow_pickle=False))
    except TwinlensError as error:
        found, values = _Reply(problem=str(error)), b""
    except Exception as error:  # noqa: BLE001 - out of memory, mostly; the calling process shows it
        found = _Reply(problem=f"{request.method} failed ({error!r}).", remedy="Choose another method.")
        values = b""
    else:
        found, values = _Reply(made.layer, made.maps_scored, made.maps_total, made.seconds), _saved(made.values)
    return json.dumps(asdict(found)).encode() + b"\n" + values


def _explained(request: _Request, image: FloatArray) -> HeatMap:
    import torch

    from core.models.bundle import read_bundle

    if request.threads is not None:
        torch.set_num_threads(request.threads)
    bundle = read_bundle(Path(request.folder))
    network = bundle.load_network()
    return class_activation_map(request.method, bundle.card.network, network, image, request.class_index)


def _saved(values: FloatArray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()
