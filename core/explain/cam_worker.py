"""The maps of ``reference_cams`` from a process of its own: importing torch and timm stops all threads of a window.

A question is a method, a bundle's folder, a class and the number of threads, and the network's input as NumPy saves it.
An answer is a line of JSON, the map's description or why there is none, and the map as NumPy saves it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.errors import ExplanationError, TwinlensError
from core.explain.heatmap import HeatMap
from core.explain.reference_cams import Method, class_activation_map
from core.system import worker_process
from core.system.worker_process import HelperProcess, HelperStoppedError

if TYPE_CHECKING:
    from core.models.bundle import Bundle

helper = HelperProcess("explain")


def explain(
    method: Method,
    bundle: Bundle,
    image: npt.NDArray[np.float32],
    class_index: int,
    threads: int | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> HeatMap:
    """Return a class activation map as :func:`core.explain.reference_cams.class_activation_map` makes it.

    The process stays for the next one; the first takes some seconds longer, in which torch is imported.

    Args:
        method: which one.
        bundle: the model.
        image: its normalised input, shape (1, 3, H, W).
        class_index: the class to explain.
        threads: CPU threads, or None for torch's own choice.
        unwanted: asked all the time; what is under way is given up when it is true.

    Raises:
        ExplanationError: if it can't be made.
    """
    words = {"method": method, "folder": str(bundle.directory), "class_index": class_index, "threads": threads}
    try:
        answer = helper.ask(words, _saved(image), 2 * image.nbytes, unwanted)
    except HelperStoppedError as cause:
        raise ExplanationError(f"The process that makes {method} ended.", remedy="Choose another method.") from cause
    line, _newline, values = answer.partition(b"\n")
    about = json.loads(line)
    if "problem" in about:
        raise ExplanationError(about["problem"], remedy=about["remedy"])
    return HeatMap(values=np.load(io.BytesIO(values), allow_pickle=False), **about)


def serve() -> None:
    """Answer questions on standard input until it is closed."""
    worker_process.serve(_answer)


def _answer(asked: dict[str, Any], image: bytes) -> bytes:
    about: dict[str, Any]
    values = b""
    try:
        found = _explained(asked, np.load(io.BytesIO(image), allow_pickle=False))
    except TwinlensError as error:
        about = {"problem": str(error), "remedy": ""}
    except Exception as error:  # noqa: BLE001 - out of memory, mostly; the process that asked says it
        about = {"problem": f"{asked['method']} failed ({error!r}).", "remedy": "Choose another method."}
    else:
        about, values = asdict(found), _saved(found.values)
        del about["values"]
    return json.dumps(about).encode() + b"\n" + values


def _explained(asked: dict[str, Any], image: npt.NDArray[np.float32]) -> HeatMap:
    import torch

    from core.models.bundle import read_bundle

    if asked["threads"] is not None:
        torch.set_num_threads(asked["threads"])
    bundle = read_bundle(Path(asked["folder"]))
    network = bundle.load_network()
    return class_activation_map(asked["method"], bundle.card.network, network, image, asked["class_index"])


def _saved(values: npt.NDArray[np.float32]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()
