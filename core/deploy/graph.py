"""A bundle's network as one ONNX model that holds its weights, simplified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

    from core.models.bundle import Bundle

UNPACKING = ("Cast", "DequantizeLinear")  # how a bundle's graph makes float32 of weights that are stored smaller


def whole_graph(bundle: Bundle) -> ModelProto:
    """Return a verified bundle's graph with its weights in it, in float32: ``image`` to ``logits`` and ``maps``.

    Constants are folded and normalisations joined with their convolutions: of OFA-595's nodes a third stays, and a
    small runtime that does not do this itself has less to compute.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if it has no graph.
    """
    import onnx
    import onnxscript.optimizer

    model = onnx.load(bundle.verified_graph())
    _unpack(model.graph)
    found: ModelProto = onnxscript.optimizer.optimize(model, num_iterations=2)
    return found


def _unpack(graph: GraphProto) -> None:
    """Put the weights themselves in place of smaller numbers and the node that makes the weights of them."""
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [*graph.node]
    del graph.node[:]
    for node in nodes:
        if node.op_type in UNPACKING and all(name in stored for name in node.input):
            parts = {name: numpy_helper.to_array(stored[name]) for name in node.input}
            (value,) = ReferenceEvaluator(node).run(None, parts)
            graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), node.output[0]))
        else:
            graph.node.append(node)
    needed = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def stored_as_float16(model: ModelProto) -> ModelProto:
    """Return a model whose weights are stored as float16, each behind a ``Cast``; it is computed in float32 as before.

    Every runtime reads this. Most of them cast the weights once, when they load it.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    found = onnx.ModelProto()
    found.CopyFrom(model)
    graph = found.graph
    initializers, nodes = [*graph.initializer], [*graph.node]
    del graph.initializer[:], graph.node[:]
    for tensor in initializers:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1 and np.abs(values).max() < np.finfo(np.float16).max:
            small = f"{tensor.name}.f16"
            graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), small))
            graph.node.append(helper.make_node("Cast", [small], [tensor.name], to=TensorProto.FLOAT))
        else:
            graph.initializer.append(tensor)
    graph.node.extend(nodes)
    return found
