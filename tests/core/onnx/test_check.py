"""Graphs from strangers: what a bundle's graph may hold, and some forty ways to break out of it."""

import os
import re

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper

from core.errors import BundleError
from core.onnx.check import MAX_GRAPH_BYTES, MAX_NODES, check_graph
from tests.graph_samples import WEIGHTS, small_model, small_state, write_small


def with_nodes(model, *nodes):
    """Put nodes before the last one."""
    last = model.graph.node.pop()
    model.graph.node.extend([*nodes, last])


def entry(model, key, value):
    tensor = model.graph.initializer[0]
    for found in [e for e in tensor.external_data if e.key == key]:
        found.value = value


def extra_weight(model, **fields):
    tensor = TensorProto(name="extra", data_type=TensorProto.FLOAT, **fields)
    model.graph.initializer.append(tensor)


def branch(name="inner"):
    out = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])
    return helper.make_graph([helper.make_node("Constant", [], [name], value_float=1.0)], name, [], [out])


def attributed(kind, **fields):
    """An attribute added to the first operation."""
    return lambda m: m.graph.node[0].attribute.append(AttributeProto(name="group", type=kind, **fields))


def node(kind, inputs, outputs=("x",), **options):
    return lambda m: with_nodes(m, helper.make_node(kind, list(inputs), list(outputs), "added", **options))


def constant(name, value):
    return helper.make_node("Constant", [], [name], name, value=numpy_helper.from_array(np.asarray(value), name))


def grown(m):
    big = helper.make_node("ConstantOfShape", ["huge"], ["x"], "grow")
    with_nodes(m, constant("huge", [1 << 20, 1 << 20]), big)


def unknown_size(m):
    seen = helper.make_node("Cast", ["flat"], ["chosen"], "cast", to=TensorProto.INT64)
    flat = helper.make_node("Reshape", ["chosen", "all"], ["list"], "list")
    with_nodes(m, seen, constant("all", [-1]), flat, helper.make_node("ConstantOfShape", ["list"], ["x"], "grow"))


def squared(m):
    """A few operations that take a year."""
    wide = helper.make_node("Expand", ["one", "wide"], ["a"], "expand")
    product = [helper.make_node("MatMul", ["a", "a"], [f"p{i}"], f"p{i}") for i in range(50)]
    with_nodes(m, constant("one", np.ones(1, np.float32)), constant("wide", [11_000, 11_000]), wide, *product)


def cyclic(m):
    m.graph.node[1].input[0] = "flat"


def duplicate_value(m):
    m.graph.node[2].output[0] = "conv"


def duplicate_weight(m):
    m.graph.initializer.append(m.graph.initializer[0])


def second_input(m):
    m.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, ["n", 1]))


def axis(index, value):
    def change(m):
        dim = m.graph.input[0].type.tensor_type.shape.dim[index]
        dim.Clear()
        if value is not None:
            dim.dim_value = value

    return change


def byte_input(m):
    m.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def renamed_output(m):
    m.graph.output[0].name = "flat"


def swapped_outputs(m):
    a, b = (onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in m.graph.output)
    del m.graph.output[:]
    m.graph.output.extend([b, a])


def flat_maps(m):
    m.graph.node[1].output[0] = m.graph.node[2].input[0] = "relu"
    m.graph.node[3].output[0] = m.graph.node[4].input[0] = "maps"


def function(m):
    m.functions.add(name="f", domain="local")


def custom_domain(m):
    m.opset_import.add(domain="com.stranger", version=1)


def opset(version):
    return lambda m: setattr(m.opset_import[0], "version", version)


def training(m):
    m.training_info.add()


def sparse(m):
    m.graph.sparse_initializer.add()


def many_nodes(m):
    for i in range(MAX_NODES):
        m.graph.node.add(op_type="Abs", input=["image"], output=[str(i)])


def many_attributes(m):
    m.graph.node[0].attribute.append(helper.make_attribute("group", [1] * 5000))


def learning_normalisation(m):
    names = ["flat", "head.bias", "head.bias", "head.bias", "head.bias"]
    with_nodes(m, helper.make_node("BatchNormalization", names, ["x", "mean2", "var2"], "norm", training_mode=1))


HOSTILE = {
    # the weights' place
    "an absolute path": (lambda m: entry(m, "location", "/etc/passwd"), "not a file of the model"),
    "a parent folder": (lambda m: entry(m, "location", f"../{WEIGHTS}"), "not a file of the model"),
    "a detour": (lambda m: entry(m, "location", f"./{WEIGHTS}"), "not a file of the model"),
    "a backslash": (lambda m: entry(m, "location", f"..\\{WEIGHTS}"), "not a file of the model"),
    "no place": (lambda m: entry(m, "location", ""), "not a file of the model"),
    "a negative offset": (lambda m: entry(m, "offset", "-8"), "impossible place"),
    "an offset that is no number": (lambda m: entry(m, "offset", "1e3"), "impossible place"),
    "an offset past the end": (lambda m: entry(m, "offset", "999999"), "of a file of"),
    "an offset beyond 64 bits": (lambda m: entry(m, "offset", "9" * 40), "impossible place"),
    "another length": (lambda m: entry(m, "length", "8"), "shape needs"),
    "an unknown key": (lambda m: m.graph.initializer[0].external_data.add(key="basepath"), "unknown way"),
    "two places": (lambda m: setattr(m.graph.initializer[0], "raw_data", b"0" * 864), "two places"),
    # weights
    "a negative shape": (lambda m: extra_weight(m, dims=[-4, -4]), "impossible shape"),
    "an endless shape": (lambda m: extra_weight(m, dims=[1 << 40, 1 << 40]), "impossible shape"),
    "data of another size": (lambda m: extra_weight(m, dims=[1000], raw_data=b"1234"), "its shape needs"),
    "no data": (lambda m: extra_weight(m, dims=[1000]), "its shape needs"),
    "much data inside": (lambda m: extra_weight(m, dims=[500_000], raw_data=bytes(2_000_000)), "stored in the graph"),
    "text as weights": (lambda m: m.graph.initializer.add(name="t", data_type=8), "not allowed"),
    "pieces of a weight": (lambda m: extra_weight(m, segment=TensorProto.Segment(begin=1)), "segment"),
    "weights of one name": (duplicate_weight, "Two weights"),
    "sparse weights": (sparse, "sparse initializer"),
    # operations
    "another library": (node("Inverse", ["flat"], domain="com.microsoft"), "com.microsoft.Inverse"),
    "another library's set": (custom_domain, "com.stranger"),
    "a function": (function, "functions"),
    "a condition": (node("If", ["flat"], then_branch=branch("a"), else_branch=branch("b")), "'If'"),
    "a loop": (node("Loop", ["", ""], body=branch()), "'Loop'"),
    "a scan": (node("Scan", ["flat"], body=branch(), num_scan_inputs=1), "'Scan'"),
    "a graph in an attribute": (attributed(AttributeProto.GRAPH, g=branch()), "holds g "),
    "graphs in an attribute": (attributed(AttributeProto.GRAPHS, graphs=[branch()]), "graphs"),
    "chance": (node("RandomNormalLike", ["flat"]), "RandomNormalLike"),
    "an image file": (node("ImageDecoder", ["flat"]), "ImageDecoder"),
    "text": (node("StringConcat", ["flat", "flat"]), "StringConcat"),
    "an operator that does not exist": (node("Exec", ["flat"]), "'Exec'"),
    "an operator without its inputs": (node("Conv", []), "not valid ONNX"),
    "dropout that is on": (node("Dropout", ["flat", "", "flat"]), "set to training"),
    "statistics that are learnt": (learning_normalisation, "set to training"),
    "training": (training, "training info"),
    "an attribute of 5000 numbers": (many_attributes, "oversized attribute"),
    "an attribute of a long text": (attributed(AttributeProto.STRING, s=b"a" * 10_000), "oversized attribute"),
    "a name of 10 000 letters": (node("Abs", ["flat"], ["x" * 10_000]), "10,000 characters"),
    # structure
    "a cycle": (cyclic, "before it exists"),
    "a value that is nowhere": (node("Abs", ["nowhere"]), "before it exists"),
    "two values of one name": (duplicate_value, "Two values"),
    "many operations": (many_nodes, "operations; 20,000 are allowed"),
    "a value of 10^12 numbers": (grown, "numbers; "),
    "a value of unknown size": (unknown_size, "can't be told"),
    "a year of work": (squared, "operations; 1e+13"),
    "shapes that do not fit": (node("MatMul", ["image", "flat"]), "contradict"),
    "nothing": (lambda m: m.ClearField("graph"), "empty"),
    # versions, input, outputs
    "a set of operators from the future": (opset(99), "operator sets"),
    "a set of operators from the past": (opset(1), "operator sets"),
    "no set of operators": (lambda m: m.ClearField("opset_import"), "operator sets"),
    "a format from the future": (lambda m: setattr(m, "ir_version", 99), "version 99"),
    "two inputs": (second_input, "2 inputs"),
    "one channel": (axis(1, 1), "float32 image"),
    "an input of bytes": (byte_input, "float32 image"),
    "an input of any size": (axis(2, None), "no fixed size"),
    "an enormous input": (axis(3, 1 << 20), "no fixed size"),
    "a fixed batch": (axis(0, 2), "dynamic batch"),
    "another output": (renamed_output, "must be logits"),
    "outputs the other way round": (swapped_outputs, "must be logits"),
    "no outputs": (lambda m: m.graph.ClearField("output"), "must be logits"),
    "maps without a place": (flat_maps, "output maps"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_graph_is_refused_with_its_file_and_a_remedy(tmp_path, what):
    change, said = HOSTILE[what]
    path = write_small(tmp_path)
    model = onnx.load_model(path, load_external_data=False)
    change(model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(BundleError, match=re.escape(said)) as refused:
        check_graph(path, (WEIGHTS,))
    assert refused.value.path == path
    assert refused.value.remedy
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("maps", [True, False])
def test_a_plain_graph_passes(tmp_path, maps):
    check_graph(write_small(tmp_path, maps=maps), (WEIGHTS,))


def test_a_graph_with_its_weights_inside_passes_where_they_are_small(tmp_path):
    path = tmp_path / "graph.onnx"
    onnx.save_model(small_model(small_state()), path)
    check_graph(path, ())


def bomb(field, amount):
    """Empty messages, of two bytes each in the file and many times that in memory."""
    graph = bytes([field << 3 | 2, 0]) * amount
    size = len(graph)
    length = []
    while size:
        length.append(size & 127 | (128 if size > 127 else 0))
        size >>= 7
    return b"\x08\x0a" + bytes([7 << 3 | 2, *length]) + graph


def nested(depth):
    model = ModelProto(ir_version=10)
    graph = model.graph
    for _ in range(depth):
        graph = graph.node.add(op_type="If").attribute.add(name="then_branch").g
    return model.SerializeToString()


DAMAGED = {
    "no bytes": b"",
    "noise": np.random.default_rng(0).bytes(5000),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "nodes without end": bomb(1, 300_000),
    "weights without end": bomb(5, 300_000),
    "more than is allowed": bytes(MAX_GRAPH_BYTES + 1),
    "forty graphs inside each other": nested(40),
    "names that are not text": small_model(small_state())
    .SerializeToString()
    .replace(b"conv.bias", b"\xff\xfe\xfdv.bias"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_file_that_is_no_graph_is_refused(tmp_path, what):
    path = tmp_path / "graph.onnx"
    path.write_bytes(DAMAGED[what])
    with pytest.raises(BundleError) as refused:
        check_graph(path, ())
    assert refused.value.path == path
    assert refused.value.remedy


def test_a_truncated_graph_is_refused_wherever_it_ends(tmp_path):
    path = write_small(tmp_path)
    content = path.read_bytes()
    for end in range(0, len(content) - 1, 7):
        path.write_bytes(content[:end])
        with pytest.raises(BundleError):
            check_graph(path, (WEIGHTS,))


def test_links_pipes_and_missing_files_are_refused(tmp_path):
    path = write_small(tmp_path)
    weights = tmp_path / WEIGHTS
    weights.rename(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="can't be read"):
        check_graph(path, (WEIGHTS,))
    weights.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="link"):
        check_graph(path, (WEIGHTS,))
    os.mkfifo(tmp_path / "pipe.onnx")
    for wrong in (tmp_path / "pipe.onnx", tmp_path, tmp_path / "none.onnx"):
        with pytest.raises(BundleError):
            check_graph(wrong, (WEIGHTS,))
    path.rename(tmp_path / "real.onnx")
    path.symlink_to(tmp_path / "real.onnx")
    with pytest.raises(BundleError, match="link"):
        check_graph(path, (WEIGHTS,))
