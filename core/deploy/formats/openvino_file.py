"""OpenVINO IR: the fastest on processors and graphics of Intel, fast on those of ARM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.deploy.format import FACTS_KEY, PRECISIONS, FloatArray, ModelFormat, Network, Order
from core.deploy.graph import whole_graph
from core.deploy.int8 import accuracy_controlled
from core.system.openvino_core import openvino_core

if TYPE_CHECKING:
    import openvino

    from core.models.bundle import Bundle

FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


def _write(bundle: Bundle, path: Path) -> None:
    import openvino

    model = openvino_core().read_model(whole_graph(bundle).SerializeToString())
    openvino.save_model(model, path, compress_to_fp16=False)


def _write_smaller(plain: Path, order: Order, path: Path) -> None:
    import openvino

    model = openvino_core().read_model(plain)
    if order.precision == "int8":
        model = accuracy_controlled(model, _compiled, order)
    openvino.save_model(model, path, compress_to_fp16=order.precision == "float16")


def _label(path: Path, facts: str) -> None:
    import openvino

    model = openvino_core().read_model(path)
    model.set_rt_info(facts, [FACTS_KEY])
    openvino.save_model(model, path, compress_to_fp16=False)


def _open(path: Path, threads: int) -> Network:
    return _compiled(openvino_core().read_model(path), threads)


def _compiled(model: openvino.Model | openvino.CompiledModel, threads: int) -> Network:
    import openvino

    if isinstance(model, openvino.Model):
        settings = {**FLOAT32, "INFERENCE_NUM_THREADS": threads}
        model = openvino_core().compile_model(model, "CPU", settings)
    request = model.create_infer_request()

    def run(image: FloatArray) -> FloatArray:
        found: FloatArray = request.infer({0: image})[0].copy()
        return found

    return run


FORMAT = ModelFormat(
    "openvino",
    "OpenVINO",
    "processors of Intel and ARM, graphics of Intel",
    "model.xml",
    PRECISIONS,
    ("onnx", "onnxscript", "openvino"),
    ("nncf",),
    "export",
    _write,
    _write_smaller,
    _label,
    _open,
)
