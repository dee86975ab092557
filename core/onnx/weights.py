"""The weights of a graph, moved into a safetensors file beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.errors import BundleError
from core.onnx.outline import MAX_FILE_BYTES
from core.onnx.tensors import check_tensor

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

Array = npt.NDArray[Any]

SMALL_BYTES = 1024  # what is smaller stays in the graph, where shapes are inferred from it
METADATA = "__metadata__"  # the one name that safetensors keeps for itself


def take_weights(model: ModelProto, folder: Path) -> dict[str, Array]:
    """Return the numbers of a graph's large weights by name; their tensors in the graph hold none afterwards.

    Constants that are operations count as weights, too.

    Args:
        model: the graph, which is changed.
        folder: where weights that lie in other files are looked for; only files in it are read.

    Raises:
        BundleError: if a weight has another size than its shape, or lies anywhere else.
    """
    from onnx import TensorProto

    _name_constants(model)
    state: dict[str, Array] = {}
    for tensor in model.graph.initializer:
        check_tensor(tensor, folder, plain_names(tensor), MAX_FILE_BYTES)
        value = _numbers(tensor, folder)
        _empty(tensor)
        if value.nbytes < SMALL_BYTES or tensor.name == METADATA:
            tensor.raw_data = np.ascontiguousarray(value).tobytes()
        elif tensor.data_type == TensorProto.BFLOAT16:
            raise BundleError("The weights are bfloat16.", remedy="Export the model in float32 or float16.")
        else:
            state[tensor.name] = np.asarray(value, order="C")
    return state


def plain_names(tensor: TensorProto) -> list[str]:
    """Return the name of the file in which a tensor lies, if it is a bare name and no path."""
    names = [entry.value for entry in tensor.external_data if entry.key == "location"]
    return [name for name in names if name and not set(name) & {"/", "\\", "\0", ":"} and name not in {".", ".."}]


def point_to(model: ModelProto, path: Path, places: Mapping[str, tuple[int, int]]) -> None:
    """Let a graph's weights lie in a file.

    Args:
        model: the graph, which is changed.
        path: the file, which will lie in the graph's folder.
        places: offset and length in bytes of each weight's numbers in it.
    """
    import onnx

    for tensor in model.graph.initializer:
        if tensor.name in places:
            offset, length = places[tensor.name]
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in (("location", path.name), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(value))


def places_in(path: Path) -> dict[str, tuple[int, int]]:
    """Return offset and length in bytes of each tensor in a safetensors file that this program wrote."""
    import json

    with path.open("rb") as file:
        start = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(start))
    spans = {name: about["data_offsets"] for name, about in header.items() if name != METADATA}
    return {name: (8 + start + begin, end - begin) for name, (begin, end) in spans.items()}


def _name_constants(model: ModelProto) -> None:
    """Make large constants that are operations weights of the graph."""
    graph = model.graph
    nodes = []
    for node in graph.node:
        value = next((attribute.t for attribute in node.attribute if attribute.name == "value"), None)
        if node.op_type == "Constant" and value is not None and value.ByteSize() > SMALL_BYTES:
            graph.initializer.add().CopyFrom(value)
            graph.initializer[-1].name = node.output[0]
        else:
            nodes.append(node)
    if len(nodes) < len(graph.node):
        del graph.node[:]
        graph.node.extend(nodes)


def _numbers(tensor: TensorProto, folder: Path) -> Array:
    """Return the numbers of a checked tensor, in the graph or in another file."""
    from onnx import TensorProto, helper, numpy_helper

    if tensor.data_location != TensorProto.EXTERNAL:
        return numpy_helper.to_array(tensor)
    where = {entry.key: entry.value for entry in tensor.external_data}
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    with (folder / where["location"]).open("rb") as file:
        value = np.fromfile(file, kind, math.prod(tensor.dims), offset=int(where.get("offset", "0")))
    return value.reshape(tuple(tensor.dims))


def _empty(tensor: TensorProto) -> None:
    for field in (
        "raw_data",
        "float_data",
        "int32_data",
        "int64_data",
        "double_data",
        "external_data",
        "data_location",
    ):
        tensor.ClearField(field)
