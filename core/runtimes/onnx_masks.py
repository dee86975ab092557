"""Score-CAM's masks as the first nodes of a bundle's graph, for runtimes that run it as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.models.graph_export import INPUT, LOGITS
from core.runtimes.masks import EPSILON, linear_weights

if TYPE_CHECKING:
    from onnx import ModelProto

GIVEN_MAPS = "given_maps"
PREFIX = "mask/"  # how the names of what is added begin


def masked_graph(model: ModelProto, map_size: tuple[int, int]) -> bytes:
    """Return a graph that takes feature maps and an image, and returns the logits of the image masked by each map.

    The masks are those of :class:`core.runtimes.masks.Masker`.

    Args:
        model: a bundle's graph; it is changed.
        map_size: rows and columns of the feature maps.

    Returns:
        The bytes of a graph with the inputs ``given_maps`` (N, h, w) and ``image`` (1, 3, H, W), and the output
        ``logits`` (N, C); its weights are where the bundle has them.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    (image,) = graph.input
    _count, channels, height, width = (dim.dim_value for dim in image.type.tensor_type.shape.dim)
    for node in graph.node:
        node.input[:] = [PREFIX + "masked" if name == INPUT else name for name in node.input]
    constants = {
        "rows": linear_weights(map_size[0], height),
        "columns": np.ascontiguousarray(linear_weights(map_size[1], width).T),
        "map_axes": np.array([1, 2]),
        "channel_axis": np.array([1]),
        "epsilon": np.array(EPSILON, np.float32),
    }
    steps = (
        ("MatMul", ("maps", "columns"), "wide"),
        ("MatMul", ("rows", "wide"), "large"),
        ("ReduceMin", ("large", "map_axes"), "low"),
        ("ReduceMax", ("large", "map_axes"), "high"),
        ("Sub", ("large", "low"), "raised"),
        ("Sub", ("high", "low"), "span"),
        ("Add", ("span", "epsilon"), "divisor"),
        ("Div", ("raised", "divisor"), "scaled"),
        ("Unsqueeze", ("scaled", "channel_axis"), "masks"),
        ("Mul", ("image", "masks"), "masked"),
    )
    given = {"maps": GIVEN_MAPS, "image": INPUT}
    added = [
        helper.make_node(kind, [given.get(name, PREFIX + name) for name in inputs], [PREFIX + output], PREFIX + output)
        for kind, inputs, output in steps
    ]
    nodes = [*added, *graph.node]
    logits = next(output for output in graph.output if output.name == LOGITS)
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.extend(
        [
            helper.make_tensor_value_info(GIVEN_MAPS, TensorProto.FLOAT, ["batch", *map_size]),
            helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, channels, height, width]),
        ]
    )
    graph.output.append(logits)
    graph.initializer.extend(numpy_helper.from_array(value, PREFIX + name) for name, value in constants.items())
    content: bytes = model.SerializeToString()
    return content
