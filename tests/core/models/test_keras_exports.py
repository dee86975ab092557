"""A network as converters of Keras write it: channels last, each layer between transposes, probabilities at the end."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from scipy.special import softmax

from core.errors import BundleError
from core.explain.scorecam import ScoreCam
from core.models.probe import probe_input
from core.runtimes.load import load_runtime
from tests.own_network_samples import SIZE, imported, literal_map_by, saved

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]  # channels to the front, and to the back again
PLACES = SIZE // 4
# operations after the class scores: each with its attributes
ENDINGS = {
    "softmax": [("Softmax", {"axis": -1})],
    "softmax and reshape": [("Softmax", {"axis": -1}), ("Reshape", {})],
    "softmax and a cast": [("Softmax", {"axis": -1}), ("Cast", {"to": TensorProto.FLOAT}), ("Identity", {})],
    "log softmax": [("LogSoftmax", {"axis": 1})],
}


def keras_graph(ending=()):
    """Two convolutions, a mean over the image, a dense layer, then ``ending``; it takes one image at a time."""
    draw = np.random.default_rng(0)
    weights = {
        "kernel1": draw.standard_normal((6, 3, 3, 3)), "kernel2": draw.standard_normal((10, 6, 3, 3)) / 4,
        "scale": draw.uniform(0.5, 2, 6), "shift": draw.standard_normal(6), "mean": draw.standard_normal(6),
        "variance": draw.uniform(0.5, 2, 6), "dense": draw.standard_normal((10, 3)), "bias": draw.standard_normal(3),
    }  # fmt: skip
    nodes = []

    def add(kind, *inputs, **attributes):
        name = f"StatefulPartitionedCall/model/{kind.lower()}_{len(nodes)}:0"
        nodes.append(helper.make_node(kind, inputs, [name], name[:-2], **attributes))
        return name

    def layer(value, kind, *inputs, **attributes):
        moved = add(kind, add("Transpose", value, perm=FIRST), *inputs, **attributes)
        return add("Transpose", moved, perm=LAST)

    value = layer("input_1", "Conv", "kernel1", strides=[2, 2], pads=[0, 0, 1, 1], kernel_shape=[3, 3])
    value = layer(value, "BatchNormalization", "scale", "shift", "mean", "variance", epsilon=1e-3)
    value = layer(add("Relu", value), "MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    value = maps = add("Relu", layer(value, "Conv", "kernel2", auto_pad="SAME_UPPER", kernel_shape=[3, 3]))
    value = add("Reshape", add("ReduceMean", value, axes=[1, 2], keepdims=1), "flat")
    value = add("Add", add("MatMul", value, "dense"), "bias")
    for kind, attributes in ending:
        value = add(kind, value, *(["classes"] if kind == "Reshape" else []), **attributes)
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    constants += [
        numpy_helper.from_array(np.array(shape), name) for name, shape in (("flat", [1, 10]), ("classes", [1, 3]))
    ]
    image = helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [1, SIZE, SIZE, 3])
    outputs = [helper.make_tensor_value_info(value, TensorProto.FLOAT, [1, 3])]
    graph = helper.make_graph(nodes, "tf2onnx", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8, producer_name="tf2onnx")
    return model, maps


def run(model, image, name):
    """Return a value of a graph for an image (1, 3, H, W), by ONNX Runtime."""
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    if name not in {output.name for output in model.graph.output}:
        asked.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(asked.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([name], {"input_1": np.ascontiguousarray(image.transpose(0, 2, 3, 1))})[0]


def result(model, image):
    return run(model, image, model.graph.output[0].name)


@pytest.mark.parametrize("ending", ENDINGS)
def test_its_logits_and_its_exact_map_are_those_of_the_file(tmp_path, home, ending):
    model, maps_name = keras_graph(ENDINGS[ending])
    plain, _name = keras_graph()
    bundle, explained = imported(saved(model, tmp_path / "keras.onnx"))
    for said in ("channels last", "ends in a softmax", "takes any number now"):
        assert said in bundle.card.training.method
    assert (explained.tensor.layout, explained.tensor.made_by, explained.tensor.channels) == ("NHWC", "Relu", 10)
    image = probe_input(bundle.card.preprocessing)
    runtime = load_runtime(bundle)
    logits, found = runtime.forward_with_maps(np.concatenate([image, -image]))
    np.testing.assert_allclose(logits, [result(plain, one)[0] for one in (image, -image)], atol=1e-4)
    expected = result(model, image)
    np.testing.assert_allclose(softmax(logits[:1]), np.exp(expected) if "log" in ending else expected, atol=1e-5)
    maps = run(model, image, maps_name).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found[:1], maps, atol=1e-4)
    assert maps.shape == (1, 10, PLACES, PLACES)
    cam = ScoreCam(runtime, image)
    *_, last = cam.refine(1, "exact")
    assert cam.is_exact
    by_hand = literal_map_by(lambda batch: result(plain, batch.astype(np.float32)), image, maps[0], 1)
    np.testing.assert_allclose(last.values, by_hand, atol=2e-3)


def test_probabilities_by_other_operations_are_refused(tmp_path, home):
    model, _maps = keras_graph([("Exp", {})])
    (before,) = model.graph.output
    model.graph.node.extend(
        [
            helper.make_node("ReduceSum", [before.name, "last"], ["sum"], keepdims=1),
            helper.make_node("Div", [before.name, "sum"], ["shares"]),
        ]
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "last"))
    before.name = "shares"
    with pytest.raises(BundleError, match="returns probabilities") as refused:
        imported(saved(model, tmp_path / "keras.onnx"))
    assert "activation = None" in refused.value.remedy
    assert not list(home.rglob("graph.onnx"))


def test_a_class_by_class_sigmoid_is_refused(tmp_path, home):
    with pytest.raises(BundleError, match="ends in a sigmoid") as refused:
        imported(saved(keras_graph([("Sigmoid", {})])[0], tmp_path / "keras.onnx"))
    assert refused.value.remedy
