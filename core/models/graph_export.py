"""A network as an ONNX graph whose weights stay in the bundle's own safetensors file; needs torch and onnxscript.

ONNX names the place of a weight that lies outside the graph by file, offset and length, and a safetensors file is raw
tensors one after another. So the graph points at the tensors as they are stored: float16 behind a ``Cast``, int8 behind
a ``DequantizeLinear`` with its scale for each output channel. No weight is stored twice.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ExportError
from core.models.architectures import build_network, with_maps
from core.models.packing import QUANTISED, SCALE
from core.models.probe import probe_input
from core.system.extras import how_to_add

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto
    from torch import nn

    from core.models.card import Card

INPUT, LOGITS, MAPS = "image", "logits", "maps"  # names in the graph
MOST_IMAGES = 4096  # of a batch
WRAPPED = "network."  # how names of weights begin inside ``with_maps``
HEADER_LENGTH_BYTES = 8  # at the beginning of a safetensors file
# how safetensors and ONNX name the types of weights
TYPES = {"F32": "FLOAT", "F16": "FLOAT16", "I8": "INT8", "I32": "INT32", "I64": "INT64", "BOOL": "BOOL", "U8": "UINT8"}


def trace_network(card: Card) -> ModelProto:
    """Return a network as an ONNX graph with random weights in it, each under its name in the state dict.

    The input is ``image`` (N, 3, H, W), the outputs are ``logits`` (N, C) and ``maps`` (N, K, h, w), the last spatial
    feature maps; N is free.

    Args:
        card: says which network it is, its classes and the size of its input.

    Raises:
        ExportError: if torch can't export it, or is not installed.
    """
    try:
        import onnxscript  # noqa: F401 - torch exports with it
        import torch
    except ImportError as cause:
        raise ExportError(
            f"The package {cause.name} is not installed; torch and onnxscript make a network's graph.",
            remedy=how_to_add("train"),
        ) from cause
    size = card.preprocessing.size
    network = build_network(card.network, len(card.classes), card.head, card.subnet, size)
    try:
        with _quiet():
            program: Any = torch.onnx.export(
                with_maps(card.network, network),
                (torch.zeros(2, 3, *size),),
                input_names=[INPUT],
                output_names=[LOGITS, MAPS],
                dynamic_shapes=[{0: torch.export.Dim("batch", min=1, max=MOST_IMAGES)}],
                dynamo=True,
                optimize=False,  # it would fold weights into others, which are stored nowhere
                verbose=False,
            )
    except Exception as cause:  # torch raises many kinds
        raise ExportError(
            f"torch can't export the network {card.network} as an ONNX graph ({type(cause).__name__}).",
            remedy="The bundle works without a graph where torch is installed.",
        ) from cause
    model: ModelProto = program.model_proto
    _strip(model)
    _drop_zero_biases(model.graph)
    _name_as_stored(model.graph)
    return model


def linked_graph(traced: ModelProto, weights: Path) -> bytes:
    """Return a graph's bytes, with its weights in a bundle's weights file.

    Args:
        traced: the graph from :func:`trace_network`; it stays as it is.
        weights: the packed weights of this network, in the folder where the graph will be.
    """
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(traced)
    stored = _tensors(weights)
    inside = [t for t in model.graph.initializer if t.name not in stored and t.name + QUANTISED not in stored]
    outside = [t.name for t in model.graph.initializer if t.name in stored or t.name + QUANTISED in stored]
    nodes = [*model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    for name in outside:
        tensors, unpacking = _unpacked(name, stored)
        model.graph.initializer.extend(tensors)
        model.graph.node.extend(unpacking)
    model.graph.initializer.extend(inside)
    model.graph.node.extend(nodes)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def probe_logits(network: nn.Module, card: Card) -> tuple[float, ...]:
    """Return torch's logits of the probe (see ``core.models.probe``), with which every runtime is compared."""
    import torch

    with torch.inference_mode():
        return tuple(network(torch.from_numpy(probe_input(card.preprocessing)))[0].tolist())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from telling about each of its steps, and about operators of packages that are not here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _strip(model: ModelProto) -> None:
    """Remove what only tells how the graph came about: with OFA-595 fifteen times as much as the graph itself."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    model.doc_string = graph.doc_string = ""
    part: Any
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]


def _drop_zero_biases(graph: GraphProto) -> None:
    """Drop the zeros that torch's exporter makes as the bias of a convolution without one: half of OFA-595's nodes."""
    makers = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and _is_zero(node.input[2], makers):
            del node.input[2]
    needed = {output.name for output in graph.output}
    used: list[NodeProto] = []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            used.insert(0, node)
    del graph.node[:]
    graph.node.extend(used)


def _is_zero(value: str, makers: dict[str, NodeProto]) -> bool:
    """Return whether a value is a constant 0 that is only cast and repeated."""
    from onnx import numpy_helper

    node = makers.get(value)
    while node is not None and node.op_type in ("Cast", "CastLike", "Expand"):
        node = makers.get(node.input[0])
    if node is None or node.op_type != "Constant" or not node.attribute[0].HasField("t"):
        return False
    return not numpy_helper.to_array(node.attribute[0].t).any()


def _name_as_stored(graph: GraphProto) -> None:
    """Give the weights the names that they have in the network's own state dict."""
    names = {tensor.name: tensor.name.removeprefix(WRAPPED) for tensor in graph.initializer}
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]


def _tensors(weights: Path) -> dict[str, TensorProto]:
    """Return all tensors of a safetensors file by name, as ONNX tensors whose data are in that file."""
    import onnx

    with weights.open("rb") as file:
        length = int.from_bytes(file.read(HEADER_LENGTH_BYTES), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensor = onnx.TensorProto(
            name=name, dims=entry["shape"], data_type=onnx.TensorProto.DataType.Value(TYPES[entry["dtype"]])
        )
        place = {"location": weights.name, "offset": HEADER_LENGTH_BYTES + length + start, "length": end - start}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        tensor.data_location = onnx.TensorProto.EXTERNAL
        found[name] = tensor
    return found


def _unpacked(name: str, stored: dict[str, TensorProto]) -> tuple[list[TensorProto], list[NodeProto]]:
    """Return the stored tensors of a weight, and the nodes that make the weight of them."""
    from onnx import TensorProto, helper

    if name + QUANTISED in stored:
        parts = [stored[name + QUANTISED], stored[name + SCALE]]
        names = [part.name for part in parts]
        return parts, [helper.make_node("DequantizeLinear", names, [name], name=f"{name}/unpack", axis=0)]
    tensor = stored[name]
    if tensor.data_type != TensorProto.FLOAT16:
        return [tensor], []
    tensor.name = f"{name}.f16"
    return [tensor], [helper.make_node("Cast", [tensor.name], [name], name=f"{name}/unpack", to=TensorProto.FLOAT)]
