"""Run a graph as it stands, any of its values included, with OpenVINO on the CPU in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import BundleError
from core.system.openvino_core import openvino_core

if TYPE_CHECKING:
    from onnx import ModelProto

FloatArray = npt.NDArray[np.float32]
Evaluate = Callable[[FloatArray], dict[str, FloatArray]]  # a batch of images to values by their names


def evaluator(path: Path, model: ModelProto, values: Sequence[str]) -> Evaluate:
    """Return a function that computes values of a graph.

    Args:
        path: where the graph's weights lie, or what the errors name: a graph in this folder.
        model: the graph; it was checked.
        values: names of the values.

    Raises:
        BundleError: if OpenVINO can't run the graph, now or later.
    """
    import onnx

    graph = onnx.ModelProto()
    graph.CopyFrom(model)
    del graph.graph.output[:]
    graph.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in values)
    core = openvino_core()
    temporary = path.with_name(f".{path.name}.run")
    try:
        temporary.write_bytes(graph.SerializeToString())
        compiled = core.compile_model(core.read_model(temporary), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except RuntimeError as cause:
        raise _unable(path, cause) from cause
    finally:
        temporary.unlink(missing_ok=True)

    def evaluate(batch: FloatArray) -> dict[str, FloatArray]:
        try:
            found = compiled(batch)
        except RuntimeError as cause:
            raise _unable(path, cause) from cause
        return {name: np.array(found[i], dtype=np.float32) for i, name in enumerate(values)}

    return evaluate


def _unable(path: Path, cause: RuntimeError) -> BundleError:
    said = " ".join(str(cause).split())
    return BundleError(
        f"OpenVINO can't run the graph ({said[-300:]}).",
        path=path,
        remedy="Export the model with opset_version=18 and without quantisation.",
    )
