"""A bundle's network as one ONNX model that holds its weights, simplified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.deploy.format import INPUT, LOGITS, MAPS

if TYPE_CHECKING:
    from onnx import ModelProto

    from core.models.bundle import Bundle


def whole_graph(bundle: Bundle) -> ModelProto:
    """Return a verified bundle's network in float32: input ``image`` (N, 3, H, W), outputs ``logits`` and ``maps``.

    Constants are folded and normalisations joined with their convolutions: a third of the nodes stay, and a
    small runtime that does not do this itself has less to compute.

    Raises:
        BundleError: if the bundle fails verification.
    """
    import onnxscript.optimizer

    return onnxscript.optimizer.optimize(_traced(bundle), num_iterations=2)


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


def _traced(bundle: Bundle) -> Any:  # noqa: ANN401
    import torch

    from core.models.architectures import with_maps

    card = bundle.card
    return torch.onnx.export(
        with_maps(card.network, bundle.load_network()),
        (torch.zeros(2, 3, *card.preprocessing.size),),
        input_names=[INPUT],
        output_names=[LOGITS, MAPS],
        dynamic_shapes=[{0: torch.export.Dim("batch", min=1, max=4096)}],
        dynamo=True,
        optimize=False,
        verbose=False,
    ).model_proto
