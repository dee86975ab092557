"""The tensor that heat maps are made of, found in graphs of other exporters and proved by moving a patch."""

import warnings
from functools import partial

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper

from core.onnx.cam_tensor import find_cam_tensors, with_maps
from core.onnx.foreign import read_foreign, write_graph
from core.onnx.proof import FOLLOWS, follows
from core.onnx.shapes import infer_shapes
from tests.graph_samples import small_model, small_state

SWIN = {"embed_dim": 24, "depths": (1, 1, 2, 1), "num_heads": (1, 2, 4, 8), "window_size": 3, "img_size": 96}
VIT = {"depth": 1, "embed_dim": 48, "num_heads": 3, "img_size": 96}


def timm_model(name, **options):
    import timm

    return timm.create_model(name, num_classes=3, **options)


def torchvision_model():
    from torchvision.models import mobilenet_v3_small

    return mobilenet_v3_small(num_classes=3, width_mult=0.5)


# the networks of these names, shallow and narrow; how many maps, and by which operation
NETWORKS = {
    "ResNet-50": (partial(timm_model, "resnet50", layers=(1, 1, 1, 1)), 2048, "Relu"),
    "DenseNet-121": (partial(timm_model, "densenet121", growth_rate=8, block_config=(2, 2, 2, 2)), 32, "Relu"),
    "EfficientNet-B0": (partial(timm_model, "efficientnet_b0"), 1280, "Mul"),
    "ConvNeXt-T": (
        partial(timm_model, "convnext_tiny", depths=(1, 1, 1, 1), dims=(16, 32, 64, 128)),
        128,
        "Add",
    ),
    "ViT-S": (partial(timm_model, "vit_small_patch16_224", **VIT), 48, "LayerNormalization"),
    "ViT-S with registers": (
        partial(timm_model, "vit_small_patch14_reg4_dinov2", **{**VIT, "img_size": 98}),
        48,
        "LayerNormalization",
    ),
    "Swin-T": (partial(timm_model, "swin_tiny_patch4_window7_224", **SWIN), 192, "LayerNormalization"),
    "torchvision's MobileNetV3": (torchvision_model, 288, "HardSwish"),
}


def exported(network, path, size, *, dynamo=False, free=True):
    """Export a torch network, by the older exporter unless asked otherwise, which is faster."""
    image = torch.zeros(2 if free else 1, 3, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            sizes = [{0: torch.export.Dim("n")}]
            torch.onnx.export(network, (image,), path, dynamo=True, dynamic_shapes=sizes, verbose=False)
        else:
            axes = {"x": {0: "n"}} if free else None
            torch.onnx.export(
                network, (image,), path, dynamo=False, input_names=["x"], dynamic_axes=axes, opset_version=18
            )
    return path


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def score_of(graph, tensor, folder):
    """Move the patch, with ONNX Runtime."""
    path = folder / "graph.onnx"
    write_graph(with_maps(graph.model, tensor), graph.weights, path, folder / "weights.safetensors")
    run = session(path)
    image = np.random.default_rng(0).standard_normal((3, *graph.size)).astype(np.float32)
    return follows(lambda batch: run.run(["maps"], {"image": batch})[0], image)


@pytest.fixture(autouse=True)
def one_thread():
    """The networks are small: threads that wait for each other on a busy machine take longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("what", NETWORKS)
def test_the_last_maps_of_a_network_are_found_and_follow_a_patch(tmp_path, what):
    build, channels, made_by = NETWORKS[what]
    torch.manual_seed(0)
    network = build().eval()
    size = 98 if "registers" in what else 96
    path = exported(network, tmp_path / "model.onnx", size, free="registers" not in what)  # one for a single image
    graph = read_foreign(path, 3)
    first = find_cam_tensors(graph.model)[0]
    assert (first.channels, first.made_by) == (channels, made_by)
    assert score_of(graph, first, tmp_path) >= FOLLOWS
    image = torch.randn(1, 3, size, size)
    logits, maps = session(tmp_path / "graph.onnx").run(["logits", "maps"], {"image": image.numpy()})
    with torch.inference_mode():
        expected = network(image).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-3 * max(1, np.abs(expected).max()))
    if "torchvision" not in what:
        assert_maps_are_timms(maps, network, image)


def assert_maps_are_timms(maps, network, image):
    """Compare with what timm's own ``forward_features`` returns, brought to (N, K, h, w) by hand."""
    with torch.inference_mode():
        found = network.forward_features(image)
    if found.ndim == 3:
        found = found[:, network.num_prefix_tokens :].transpose(1, 2).reshape(maps.shape)
    elif found.shape != maps.shape:
        found = found.permute(0, 3, 1, 2)
    expected = found.numpy()
    np.testing.assert_allclose(maps, expected, atol=1e-3 * max(1, np.abs(expected).max()))


def test_the_newer_exporter_of_torch_gives_the_same_and_every_shape_is_what_it_is(tmp_path):
    torch.manual_seed(0)
    network = timm_model("vit_small_patch16_224", **VIT).eval()
    graph = read_foreign(exported(network, tmp_path / "model.onnx", 96, dynamo=True), 3)
    first = find_cam_tensors(graph.model)[0]
    assert (first.layout, first.prefix, first.rows, first.columns, first.channels) == ("NLC", 1, 6, 6, 48)
    assert score_of(graph, first, tmp_path) >= FOLLOWS
    shapes = infer_shapes(graph.model)
    path = tmp_path / "graph.onnx"
    model = onnx.load(path, load_external_data=False)
    names = [name for node in model.graph.node for name in node.output if name not in {"logits", "maps"}]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    path.write_bytes(model.SerializeToString())
    found = session(path).run(names, {"image": np.zeros((1, 3, 96, 96), np.float32)})
    for name, value in zip(names, found, strict=True):
        if name in shapes:
            assert shapes[name] == value.shape, name


@pytest.mark.parametrize("how", ["shuffled", "transposed", "one place"])
def test_maps_without_their_place_are_not_proved(how):
    order = np.random.default_rng(1).permutation(36)

    def maps_of(batch):
        maps = batch.reshape(len(batch), 3, 6, 8, 6, 8).mean(axis=(3, 5))
        if how == "shuffled":
            return maps.reshape(-1, 3, 36)[:, :, order].reshape(maps.shape)
        return maps.swapaxes(2, 3) if how == "transposed" else np.full_like(maps, maps.mean())

    image = np.random.default_rng(0).standard_normal((3, 48, 48)).astype(np.float32)
    assert follows(maps_of, image) < FOLLOWS
    assert follows(lambda batch: batch.reshape(len(batch), 3, 6, 8, 6, 8).mean(axis=(3, 5)), image) > 0.99


def test_maps_before_the_last_pooling_come_before_those_after_it(tmp_path):
    model = small_model(small_state(), 32, maps=False)
    model.graph.node[1].output[0] = model.graph.node[2].input[0] = "relu"
    pool = helper.make_node("MaxPool", ["relu"], ["pooled"], "max", kernel_shape=[2, 2], strides=[2, 2])
    model.graph.node.insert(2, pool)
    model.graph.node[3].input[0] = "pooled"
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path)
    found = [(t.value, t.layout) for t in find_cam_tensors(read_foreign(path, 3).model)]
    assert [value for value, layout in found if layout == "NCHW"] == ["relu", "conv", "pooled"]


def test_a_network_that_sees_no_places_has_no_maps(tmp_path):
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["logits"], transB=1),
    ]
    model = small_model(small_state(), 32, maps=False)
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((3, 3 * 32 * 32), np.float32), "w"))
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path)
    assert find_cam_tensors(read_foreign(path, 3).model) == ()
