"""ONNX: one file that ONNX Runtime, browsers (onnxruntime-web) and many other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.deploy.format import FACTS_KEY, INPUT, LOGITS, PRECISIONS, FloatArray, ModelFormat, Network, Order
from core.deploy.graph import stored_as_float16, whole_graph
from core.deploy.int8 import accuracy_controlled

if TYPE_CHECKING:
    from onnx import ModelProto

    from core.models.bundle import Bundle


def _write(bundle: Bundle, path: Path) -> None:
    _save(whole_graph(bundle), path)


def _write_smaller(plain: Path, order: Order, path: Path) -> None:
    import onnx

    model = onnx.load(plain)
    _save(
        accuracy_controlled(model, _in_memory, order) if order.precision == "int8" else stored_as_float16(model), path
    )


def _save(model: ModelProto, path: Path) -> None:
    import onnx

    onnx.checker.check_model(model)
    onnx.save(model, path)


def _label(path: Path, facts: str) -> None:
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {FACTS_KEY: facts})
    onnx.save(model, path)


def _open(path: Path, threads: int) -> Network:
    return _network(str(path), threads)


def _in_memory(model: ModelProto, threads: int) -> Network:
    return _network(model.SerializeToString(), threads)


def _network(model: str | bytes, threads: int) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(image: FloatArray) -> FloatArray:
        logits: FloatArray = session.run([LOGITS], {INPUT: image})[0]
        return logits

    return run


FORMAT = ModelFormat(
    "onnx",
    "ONNX",
    "ONNX Runtime, browsers, most other programs",
    "model.onnx",
    PRECISIONS,
    ("onnx", "onnxscript", "onnxruntime"),
    ("nncf",),
    "export",
    _write,
    _write_smaller,
    _label,
    _open,
)
