"""Free the batch of a graph that was exported for one image: what PyTorch does unless it is told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto


def free_batch(graph: GraphProto) -> None:
    """Let constant shapes that begin with the length of the batch follow the batch.

    It is right for most convolutional networks. Transformers join constants of the batch's length to their tokens.

    A ``Reshape`` to (1, …) keeps the first axis of what it reshapes, one to (n, …) without an open axis leaves the
    first open. Whether the graph is right for several images can be told only by running it.
    """
    from onnx import helper, numpy_helper

    values = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[1] not in values:
            continue
        shape = numpy_helper.to_array(values[node.input[1]]).copy()
        if not shape.size or shape[0] < 1 or 0 in shape[1:] or (shape[0] > 1 and -1 in shape):
            continue
        shape[0] = 0 if shape[0] == 1 else -1
        name = f"{node.output[0]}.shape"
        graph.initializer.append(helper.make_tensor(name, 7, [shape.size], shape))
        node.input[1] = name
        del node.attribute[:]  # it has only allowzero, which would make the 0 a length
