"""A small classifier written by hand with onnx.helper, whole or spoilt."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

WEIGHTS = "weights.safetensors"
SIZE = 16


def small_state(classes=3, channels=8, seed=0):
    """Weights of the small classifier: a convolution of stride 4, a mean, a linear layer."""
    draw = np.random.default_rng(seed)
    return {
        "conv.weight": draw.standard_normal((channels, 3, 3, 3)).astype(np.float32),
        "conv.bias": draw.standard_normal(channels).astype(np.float32),
        "head.weight": draw.standard_normal((classes, channels)).astype(np.float32),
        "head.bias": draw.standard_normal(classes).astype(np.float32),
    }


def small_model(state, size=SIZE, maps=True):
    """The small classifier with its weights inside."""
    classes, channels = state["head.weight"].shape
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["conv"], "conv", strides=[4, 4], pads=[1] * 4),
        helper.make_node("Relu", ["conv"], ["maps"], "relu"),
        helper.make_node("GlobalAveragePool", ["maps"], ["mean"], "pool"),
        helper.make_node("Flatten", ["mean"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "head.weight", "head.bias"], ["logits"], "head", transB=1),
    ]
    side = size // 4
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", classes])]
    if maps:
        outputs.append(helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", channels, side, side]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, size, size])
    weights = [numpy_helper.from_array(value, name) for name, value in state.items()]
    graph = helper.make_graph(nodes, "small", [image], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def outside(model, path):
    """Point a model's weights at a safetensors file that holds them all."""
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
    import json

    header = json.loads(path.read_bytes()[8:start])
    for tensor in model.graph.initializer:
        begin, end = header[tensor.name]["data_offsets"]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (("location", path.name), ("offset", start + begin), ("length", end - begin)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
    return model


def write_small(folder, **options):
    """Write the small classifier as a bundle's graph and weights; return the graph's path."""
    state = small_state()
    save_file(state, folder / WEIGHTS)
    path = folder / "graph.onnx"
    onnx.save_model(outside(small_model(state, **options), folder / WEIGHTS), path)
    return path
