"""Shapes of all values of a graph for one image, and what follows from them: operations and parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.errors import BundleError
from core.onnx.folding import Shape, fold_sizes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

ROUNDS = 5  # each makes sizes known that the next one computes with


def shape_of(value: ValueInfoProto) -> Shape | None:
    """Return the shape that a graph states for a value, or None where it states none."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim)


def infer_shapes(model: ModelProto) -> dict[str, Shape]:
    """Return the shape of every value that can be known, by name, for a batch of one image.

    Weights in external data are not read. What the graph itself says of its values, outputs too, is not believed.

    Args:
        model: a graph with one image input.

    Raises:
        BundleError: if the shapes contradict each other.
    """
    import onnx

    single = onnx.ModelProto()
    single.CopyFrom(model)
    graph = single.graph
    del graph.value_info[:]
    for value in image_inputs(graph):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    for _ in range(ROUNDS):
        shapes = _inferred(single)
        if not any(None in shape for shape in shapes.values()) or not fold_sizes(single, shapes):
            break
    return shapes


def _inferred(model: ModelProto) -> dict[str, Shape]:
    from onnx import shape_inference

    try:
        graph = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    except (shape_inference.InferenceError, RuntimeError, ValueError) as cause:
        said = " ".join(str(cause).split())[:300]
        raise BundleError(
            f"The shapes inside the graph contradict each other ({said}).", remedy="Export the model again."
        ) from cause
    shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        shapes.update((name, (None,)) for name in node.output)
    for value in (*graph.input, *graph.value_info, *graph.output):
        if (shape := shape_of(value)) is not None:
            shapes[value.name] = shape
    return shapes


def image_inputs(graph: GraphProto) -> list[ValueInfoProto]:
    """Return a graph's inputs that are not weights; graphs of older versions list their weights as inputs, too."""
    weights = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in weights]


def elements(shape: Shape) -> int | None:
    """Return how many numbers a value of this shape holds, or None where an axis is unknown."""
    known = [length for length in shape if length is not None]
    return math.prod(known) if len(known) == len(shape) else None


def count_parameters(model: ModelProto) -> int:
    """Return how many floating-point numbers the graph's weights hold, stored as int8 or not.

    Running statistics of batch normalisation, scales and zero points of quantised weights are left out.
    """
    import onnx

    graph = model.graph
    left_out: set[str] = set()
    unpacked = {node.output[0]: node.input[0] for node in graph.node if node.op_type in {"Cast", "DequantizeLinear"}}
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            left_out.update(unpacked.get(name, name) for name in node.input[3:5])
        elif node.op_type == "DequantizeLinear":
            left_out.update(node.input[1:3])
    kinds = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT8}
    return sum(
        math.prod(tensor.dims)
        for tensor in graph.initializer
        if tensor.data_type in kinds and tensor.name not in left_out
    )


def count_macs(model: ModelProto, shapes: dict[str, Shape]) -> int:
    """Return the multiply-accumulate operations of one image: of convolutions and matrix products.

    Args:
        model: the graph.
        shapes: what :func:`infer_shapes` returned for it.
    """
    return sum(_macs_of(node, shapes) for node in model.graph.node)


def _macs_of(node: NodeProto, shapes: dict[str, Shape]) -> int:
    """Return the multiply-accumulate operations of a node; 0 where its shapes are unknown."""

    def shape(names: list[str], index: int) -> Shape:
        return shapes.get(names[index], ()) if index < len(names) else ()

    inputs, outputs = list(node.input), list(node.output)
    result = elements(shape(outputs, 0)) or 0
    if node.op_type in {"Conv", "ConvInteger", "DeformConv"}:
        return result * (elements(shape(inputs, 1)[1:]) or 0)
    if node.op_type == "QLinearConv":
        return result * (elements(shape(inputs, 3)[1:]) or 0)
    if node.op_type == "ConvTranspose":
        return (elements(shape(inputs, 0)) or 0) * (elements(shape(inputs, 1)[1:]) or 0)
    if node.op_type in {"MatMul", "MatMulInteger", "QLinearMatMul"}:
        return result * (elements(shape(inputs, 0)[-1:]) or 0)
    if node.op_type == "Gemm":
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        return result * (elements(shape(inputs, 0)[:1] if transposed else shape(inputs, 0)[-1:]) or 0)
    return 0
