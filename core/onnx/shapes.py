"""Shapes of all values of a graph for one image, and what follows from them: operations and parameters."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import BundleError
from core.onnx.folding import SMALL, Array, Shape, small_result

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TypeProto, ValueInfoProto


def shape_of(value: ValueInfoProto) -> Shape | None:
    """Return the shape that a graph states for a value, or None where it states none."""
    return _shape(value.type)


def infer_shapes(model: ModelProto, images: int = 1) -> dict[str, Shape]:
    """Return the shape of every value, by name, for a batch of images; an axis that can't be known is None.

    Small values that follow from constants and shapes are computed on the way, since others' shapes depend on them.
    Weights in external data are not read. What the graph itself says of its values, outputs too, is not believed.

    Args:
        model: a graph in topological order, with one image input.
        images: how many are in the batch, whatever the graph says.

    Raises:
        BundleError: if the shapes contradict each other.
    """
    graph = model.graph
    versions = {wanted.domain or "": wanted.version for wanted in model.opset_import}
    found = _Inferred(versions.get("", versions.get("ai.onnx", 0)), list(model.opset_import), model.ir_version)
    for tensor in graph.initializer:
        found.add_tensor(tensor)
    for value in image_inputs(graph):
        found.add_input(value, images)
    for node in graph.node:
        found.add_node(node)
    return found.shapes


class _Inferred:
    """Shapes and small values of a graph, found operation by operation."""

    def __init__(self, version: int, sets: list[OperatorSetIdProto], ir_version: int) -> None:
        self.shapes: dict[str, Shape] = {}
        self._version, self._sets, self._ir_version = version, sets, ir_version
        self._types: dict[str, TypeProto] = {}
        self._values: dict[str, Array] = {}

    def add_tensor(self, tensor: TensorProto) -> None:
        """Take a weight."""
        import onnx
        from onnx import helper, numpy_helper

        self._types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
        self.shapes[tensor.name] = tuple(tensor.dims)
        if math.prod(tensor.dims) <= SMALL and tensor.data_location != onnx.TensorProto.EXTERNAL:
            with suppress(ValueError):  # a weight whose numbers were taken out
                self._values[tensor.name] = numpy_helper.to_array(tensor)

    def add_input(self, value: ValueInfoProto, images: int) -> None:
        """Take the input, as a batch of so many images."""
        import onnx

        kind = onnx.TypeProto()
        kind.CopyFrom(value.type)
        if kind.tensor_type.shape.dim:
            kind.tensor_type.shape.dim[0].dim_value = images
        self._types[value.name] = kind
        self.shapes[value.name] = _shape(kind) or (None,)

    def add_node(self, node: NodeProto) -> None:
        """Find the shapes of an operation's results, and the result itself where it is small and known."""
        from onnx import helper

        value = small_result(node, self._values, self.shapes)
        if value is not None:
            (name,) = node.output
            self._values[name] = value
            self._types[name] = helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            self.shapes[name] = value.shape
            return
        for name, kind in self._types_of(node).items():
            self._types[name] = kind
        for name in filter(None, node.output):
            shape = _shape(self._types[name]) if name in self._types else None
            self.shapes[name] = (None,) if shape is None else shape

    def _types_of(self, node: NodeProto) -> dict[str, TypeProto]:
        import onnx
        from onnx import numpy_helper, shape_inference

        data = {name: numpy_helper.from_array(self._values[name], name) for name in node.input if name in self._values}
        types = {name: self._types[name] for name in node.input if name in self._types}
        try:
            schema = onnx.defs.get_schema(node.op_type, self._version, "")
            found: dict[str, TypeProto] = shape_inference.infer_node_outputs(
                schema, node, types, data, {}, self._sets, self._ir_version
            )
        except (shape_inference.InferenceError, onnx.defs.SchemaError, RuntimeError, ValueError) as cause:
            said = " ".join(str(cause).split())[:300]
            raise BundleError(
                f"The shapes inside the graph contradict each other ({said}).", remedy="Export the model again."
            ) from cause
        return found


def _shape(kind: TypeProto) -> Shape | None:
    """Return the shape of a tensor's type, or None where it states none."""
    if not kind.tensor_type.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.tensor_type.shape.dim)


def takes_one_image(graph: GraphProto) -> bool:
    """Return whether a graph of one image input takes only one at a time."""
    (image,) = image_inputs(graph)
    return bool(image.type.tensor_type.shape.dim[0].dim_value == 1)


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
