"""The tensor that heat maps are made of, found in any classifier: its last values with a place in the image.

Score-CAM needs no gradient, only an inner tensor as an output. That tensor may be maps (N, K, h, w), maps with the
channels last, or tokens, from which class and register tokens are dropped and which are put back on their grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.onnx.check import LOGITS, MAPS
from core.onnx.flow import bottlenecks
from core.onnx.folding import Shape
from core.onnx.shapes import image_inputs, infer_shapes, shape_of, takes_one_image

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

Layout = Literal["NCHW", "NHWC", "NLC", "NCL"]  # L is the axis of the tokens

MAX_PREFIX = 17  # a class token and up to sixteen registers
MAX_FOUND = 12
# what only moves or averages values that were computed before
MOVING = ("Identity", "Dropout", "Cast", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice")
POOLING = ("MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax")


@dataclass(frozen=True)
class CamTensor:
    """A value of a graph that can be read as maps (N, K, h, w).

    Attributes:
        value: its name in the graph.
        made_by: the operation that makes it, e.g. ``Relu``.
        layout: the order of its axes.
        channels: K.
        rows: h.
        columns: w.
        prefix: how many tokens come before those of the image.
    """

    value: str
    made_by: str
    layout: Layout
    channels: int
    rows: int
    columns: int
    prefix: int = 0

    @property
    def description(self) -> str:
        """What it is, for a person."""
        tokens = "" if self.layout in {"NCHW", "NHWC"} else ", from tokens"
        dropped = (
            f" without the first {self.prefix}" if self.prefix > 1 else " without the first" if self.prefix else ""
        )
        return f"{self.channels} maps of {self.columns} × {self.rows} ({self.made_by} {self.value}{tokens}{dropped})"


def find_cam_tensors(model: ModelProto) -> tuple[CamTensor, ...]:
    """Return the values of a graph that can be read as maps, the likeliest first.

    All that the logits depend on passes through each of them. Those nearest to the logits come first; results of
    pooling, and of operations that only move values, come after all others.

    Args:
        model: a graph with the output ``logits`` and a batch of any size; its weights may be missing.

    Raises:
        BundleError: if its shapes contradict each other.
    """
    shapes = infer_shapes(model)
    (image,) = image_inputs(model.graph)
    height, width = (length or 1 for length in (shape_of(image) or ())[2:])
    passed = bottlenecks(model.graph, LOGITS)
    grids = {
        (shape[2], shape[3])
        for node in model.graph.node
        if node.op_type == "Conv"
        for shape in [shapes.get(node.output[0], ())]
        if len(shape) == 4
    }
    reader = _Reader(height, width, {(h, w) for h, w in grids if h and w})
    found = [tensor for node, name in passed[::-1] for tensor in reader.read(node, name, shapes.get(name, ()))]
    found.sort(key=lambda tensor: tensor.made_by in MOVING + POOLING)  # stable
    return tuple(found[:MAX_FOUND])


@dataclass(frozen=True)
class _Reader:
    """Reads shapes as maps of an image.

    Attributes:
        height: of the image in pixels.
        width: of the image in pixels.
        grids: rows and columns of maps that the graph's convolutions make, such as those of a patch embedding.
    """

    height: int
    width: int
    grids: set[tuple[int, int]]

    def read(self, node: NodeProto, name: str, shape: Shape) -> list[CamTensor]:
        """Return how a value can be read as maps, the likelier way first."""
        if shape[:1] != (1,) or not all(shape):
            return []
        lengths = [length or 0 for length in shape]
        kind = node.op_type
        if len(lengths) == 4:
            _, a, b, c = lengths
            ways = [
                *([CamTensor(name, kind, "NCHW", a, b, c)] if self._is_grid(b, c) else []),
                *([CamTensor(name, kind, "NHWC", c, a, b)] if self._is_grid(a, b) else []),
            ]
            return sorted(ways, key=lambda tensor: tensor.channels < 4)
        if len(lengths) == 3:
            _, a, b = lengths
            ways = [
                *(CamTensor(name, kind, "NLC", b, h, w, a - h * w) for h, w in self._grid_of(a)),
                *(CamTensor(name, kind, "NCL", a, h, w, b - h * w) for h, w in self._grid_of(b)),
            ]
            return [tensor for tensor in ways if (tensor.rows, tensor.columns) in self.grids] or ways
        return []

    def _is_grid(self, rows: int, columns: int) -> bool:
        """Return whether these can be the rows and columns of a map: of the image's shape, and smaller."""
        if not (2 <= rows <= self.height and 2 <= columns <= self.width):
            return False
        # a step may be cut off or padded at the edges
        return abs(rows - columns * self.height / self.width) <= 1

    def _grid_of(self, tokens: int) -> list[tuple[int, int]]:
        """Return rows and columns of the grid that so many tokens form, behind as few others as possible."""
        for prefix in range(min(MAX_PREFIX, tokens) + 1):
            known = [grid for grid in self.grids if grid[0] * grid[1] == tokens - prefix and self._is_grid(*grid)]
            if known:
                return known[:1]
        for prefix in range(min(MAX_PREFIX, tokens) + 1):
            rows = round(((tokens - prefix) * self.height / self.width) ** 0.5)
            if rows and not (tokens - prefix) % rows and self._is_grid(rows, (tokens - prefix) // rows):
                return [(rows, (tokens - prefix) // rows)]
        return []


def without_maps(model: ModelProto) -> ModelProto:
    """Return a copy of a graph whose output ``maps`` (N, 3, 1, 1) has no place in the image: it can't be explained."""
    import onnx
    from onnx import TensorProto, helper

    result = onnx.ModelProto()
    result.CopyFrom(model)
    (image,) = image_inputs(result.graph)
    result.graph.node.append(helper.make_node("GlobalAveragePool", [image.name], [MAPS], MAPS))
    shape = [_batch(result.graph), 3, 1, 1]
    result.graph.output.append(helper.make_tensor_value_info(MAPS, TensorProto.FLOAT, shape))
    return result


def _batch(graph: GraphProto) -> str | int:
    """Return the length of the batch as the input states it: a name, or 1."""
    return 1 if takes_one_image(graph) else image_inputs(graph)[0].type.tensor_type.shape.dim[0].dim_param


def with_maps(model: ModelProto, tensor: CamTensor) -> ModelProto:
    """Return a copy of a graph with a value added as its output ``maps``, of shape (N, K, h, w) in float32.

    Args:
        model: the graph; it has no value called ``maps``.
        tensor: the value, of :func:`find_cam_tensors`.
    """
    import onnx
    from onnx import TensorProto, helper

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    now = tensor.value

    def add(kind: str, *inputs: str, **attributes: list[int]) -> None:
        nonlocal now
        name = f"{MAPS}.{len(graph.node)}"
        node = helper.make_node(kind, [now, *inputs], [name], name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        graph.node.append(node)
        now = name

    def constant(*numbers: int) -> str:
        name = f"{MAPS}.{len(graph.node)}"
        value = helper.make_tensor(name, TensorProto.INT64, [len(numbers)], numbers)
        graph.node.append(helper.make_node("Constant", [], [name], name, value=value))
        return name

    if tensor.prefix:
        axis = 1 if tensor.layout == "NLC" else 2
        add("Slice", constant(tensor.prefix), constant(1 << 31), constant(axis))
    if tensor.layout == "NHWC":
        add("Transpose", perm=[0, 3, 1, 2])
    if tensor.layout == "NLC":
        add("Transpose", perm=[0, 2, 1])
    if tensor.layout in {"NLC", "NCL"}:
        add("Reshape", constant(0, tensor.channels, tensor.rows, tensor.columns))  # 0 keeps the batch
    graph.node.append(helper.make_node("Cast", [now], [MAPS], MAPS, to=TensorProto.FLOAT))
    shape = [_batch(graph), tensor.channels, tensor.rows, tensor.columns]
    graph.output.append(helper.make_tensor_value_info(MAPS, TensorProto.FLOAT, shape))
    return result
