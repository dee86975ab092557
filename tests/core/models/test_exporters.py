"""What exporters of ONNX files do differently: all is understood, or refused."""

import hashlib
import json
import shutil
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from core.errors import BundleError
from core.explain.scorecam import ScoreCam
from core.models.catalogue import import_bundle
from core.models.probe import probe_input
from core.runtimes.load import load_runtime
from tests.graph_samples import small_model, small_state
from tests.own_network_samples import (
    CLASSES,
    SIZE,
    imported,
    literal_map,
    own_model,
    reference,
    saved,
)


def with_softmax(model):
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.append(helper.make_node("Softmax", ["raw"], ["logits"], "softmax", axis=1))
    return model


def channels_last(model):
    """As Keras exports: the image is (N, H, W, 3)."""
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", SIZE, SIZE, 3]))
    model.graph.node[0].input[0] = "first"
    model.graph.node.insert(0, helper.make_node("Transpose", ["image"], ["first"], "t", perm=[0, 3, 1, 2]))
    return model


def any_names(model):
    """Input and output are called anything, and values are called what Twinlens calls its own."""
    names = {"image": "x:0", "logits": "Identity:0", "conv": "logits", "flat": "image"}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    model.graph.input[0].name, model.graph.output[0].name = "x:0", "Identity:0"
    return model


def weights_as_constants(model):
    constants = [helper.make_node("Constant", [], [t.name], t.name, value=t) for t in model.graph.initializer]
    nodes = [*constants, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def weights_as_inputs(model):
    """As exporters before 2020 did."""
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return model


def any_size(model):
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = "side"
    return model


def described(model):
    model.opset_import.add(domain="ai.onnx.ml", version=3)
    model.doc_string = "a" * 5000
    model.metadata_props.add(key="names", value=str(dict(enumerate(CLASSES))))
    return model


VARIANTS = [with_softmax, channels_last, any_names, weights_as_constants, weights_as_inputs, any_size, described]


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_exporters_do_differently_is_understood(tmp_path, home, variant):
    path = saved(variant(small_model(small_state(), SIZE, maps=False)), tmp_path / "zoo.onnx")
    bundle, explained = imported(path, size=(SIZE, SIZE) if variant is any_size else None)
    image = probe_input(bundle.card.preprocessing)
    plain = reference(own_model(tmp_path), image)[0]
    np.testing.assert_allclose(load_runtime(bundle).forward(image), plain, atol=1e-4)
    assert (explained.tensor.rows, explained.tensor.columns) == (SIZE // 4, SIZE // 4)


def test_a_grey_half_precision_model_for_one_image_is_understood(tmp_path, home):
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, 4, 1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten()
    )
    torch.manual_seed(0)
    network = torch.nn.Sequential(network, torch.nn.Unflatten(1, (8, 4)), torch.nn.Flatten(), torch.nn.Linear(32, 3))
    network = network.half().eval()
    path = tmp_path / "zoo.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.zeros(1, 1, SIZE, SIZE).half(),), path, dynamo=False)
    bundle, _explained = imported(path, colour=False)
    images = np.random.default_rng(0).standard_normal((3, 1, SIZE, SIZE)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images).half()).float().numpy()
    found = load_runtime(bundle).forward(np.repeat(images, 3, axis=1))
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert bundle.card.storage == "float16"
    assert bundle.card.preprocessing.channels == "grey"


def for_one_image(model):
    """As exporters do without a dynamic axis: a constant of the length of the batch is joined to its values."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.node[2].input[0] = "both"
    model.graph.node.insert(2, helper.make_node("Concat", ["maps", "constant"], ["both"], "join", axis=1))
    draw = np.random.default_rng(1)
    constant = draw.standard_normal((1, 2, SIZE // 4, SIZE // 4)).astype(np.float32)
    head = draw.standard_normal((3, 10)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(constant, "constant"))
    next(t for t in model.graph.initializer if t.name == "head.weight").CopyFrom(
        numpy_helper.from_array(head, "head.weight")
    )
    return model


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_graph_that_takes_one_image_only_is_run_image_by_image(tmp_path, home, runtime):
    path = saved(for_one_image(small_model(small_state(), SIZE)), tmp_path / "zoo.onnx")
    bundle, _explained = imported(path, tensor="maps.0")
    assert "one image at a time" in bundle.card.training.method
    engine, image = load_runtime(bundle, runtime), probe_input(bundle.card.preprocessing)
    batch = np.concatenate([image, -image, image / 2] * 9)  # more than a runtime's own batch
    expected = np.concatenate([reference(path, one[None])[0] for one in batch])
    np.testing.assert_allclose(engine.forward(batch), expected, atol=1e-4)
    np.testing.assert_allclose(engine.forward_with_maps(batch)[0], expected, atol=1e-4)
    engine.prepare_masks()
    *_, last = ScoreCam(engine, image).refine(1, "exact")
    np.testing.assert_allclose(last.values, literal_map(path, image, reference(path, image)[1][0], 1), atol=2e-3)


def outside_file(model, folder, location):
    """Put a model's weights into a file of their own, as large models have them."""
    onnx.save_model(model, folder / "zoo.onnx", save_as_external_data=True, location="zoo.data", size_threshold=0)
    model = onnx.load(folder / "zoo.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    return saved(model, folder / "zoo.onnx")


def test_weights_in_another_file_are_taken_from_the_same_folder_only(tmp_path, home):
    (tmp_path / "inside").mkdir()
    model = small_model(small_state(), SIZE, maps=False)
    path = outside_file(model, tmp_path / "inside", "zoo.data")
    bundle, _explained = imported(path)
    image = probe_input(bundle.card.preprocessing)
    expected = reference(own_model(tmp_path), image)[0]
    np.testing.assert_allclose(load_runtime(bundle).forward(image), expected, atol=1e-4)
    (tmp_path / "inside" / "zoo.data").rename(tmp_path / "zoo.data")
    for location in ("../zoo.data", str(tmp_path / "zoo.data"), "..\\zoo.data", "zoo.data"):
        with pytest.raises(BundleError, match="lies in"):
            imported(outside_file_again(path, location))
    (tmp_path / "inside" / "zoo.data").symlink_to(tmp_path / "zoo.data")
    with pytest.raises(BundleError, match="link"):
        imported(outside_file_again(path, "zoo.data"))


def outside_file_again(path, location):
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        next(entry for entry in tensor.external_data if entry.key == "location").value = location
    return saved(model, path)


def test_a_bundle_whose_graph_reads_another_file_is_refused_though_its_checksums_are_right(tmp_path, home):
    path = saved(small_model(small_state(channels=64), SIZE, maps=False), tmp_path / "zoo.onnx")
    bundle, _explained = imported(path)
    stranger = shutil.copytree(bundle.directory, tmp_path / "stranger")
    card = json.loads((stranger / "card.json").read_text(encoding="utf-8"))
    graph = stranger / "graph.onnx"
    content = graph.read_bytes().replace(b"weights.safetensors", b"/tmp/of.someone.els")
    assert content != graph.read_bytes()
    graph.write_bytes(content)
    card["graph_sha256"] = hashlib.sha256(content).hexdigest()
    (stranger / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(BundleError, match="not a file of the model") as refused:
        import_bundle(stranger, load_runtime)
    assert refused.value.path == stranger


def test_a_batch_that_mixes_its_images_is_refused_and_nothing_is_left_behind(tmp_path, home):
    model = small_model(small_state(), SIZE, maps=False)
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "axis"))
    model.graph.node[-1].input[0] = "mixed"
    model.graph.node.insert(4, helper.make_node("CumSum", ["flat", "axis"], ["mixed"], "mix"))
    with pytest.raises(BundleError, match="depend on the other images"):
        imported(saved(model, tmp_path / "zoo.onnx"))
    assert not list(home.rglob("*.onnx"))
