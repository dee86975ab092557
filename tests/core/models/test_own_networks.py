"""Networks of the user's own: ONNX files of any exporter and weights of timm, imported, run and explained."""

import hashlib
import json
import math
import shutil
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.numpy import save_file
from scipy.special import softmax
from typer.testing import CliRunner

from core.cli.app import app
from core.compare.calibration_folder import calibrate
from core.compare.session import Choice, ComparisonSession
from core.errors import BundleError, TwinlensError, UsageError
from core.explain.scorecam import ScoreCam
from core.images.preprocessing import preprocess, to_network_input
from core.images.reader import read_image
from core.models.bundle import read_bundle
from core.models.catalogue import import_bundle, read_catalogue
from core.models.own_form import Form, stated_in
from core.models.own_networks import import_onnx
from core.models.probe import probe_input
from core.runtimes.load import load_runtime
from core.system.paths import user_weights
from tests.graph_samples import small_model, small_state

CLASSES = ("cat", "dog", "owl")
SIZE = 32


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Data of a user of this test's own."""
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    return user_weights()


def form(**options):
    stated = {
        "classes": CLASSES,
        "task": "",
        "new_task": "My animals",
        "colour": True,
        "role": "student",
        "name": "zoo",
    }
    return Form.of(**{**stated, **options})


def saved(model, path):
    onnx.save_model(model, path)
    return path


def own_model(folder, **options):
    return saved(small_model(small_state(), SIZE, **options), folder / "zoo.onnx")


def reference(path, image, name="image"):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {name: image})


def imported(path, **options):
    return import_onnx(path, form(**options), load_runtime)


def image_file(folder):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    path = folder / "animal.png"
    Image.fromarray(pixels).save(path)
    return path


def test_an_onnx_file_becomes_a_bundle_that_answers_as_onnx_runtime_does(tmp_path, home):
    path = own_model(tmp_path)
    bundle, explained = imported(path)
    assert bundle.id == "My-animals/student-onnx-zoo"
    assert read_catalogue().bundles[bundle.id].card.described_task.class_ids == CLASSES
    assert (explained.tensor.value, explained.tensor.channels) == ("maps.0", 8)
    assert bundle.card.parameters == 8 * 27 + 8 + 3 * 8 + 3
    assert bundle.card.macs == 8 * 8 * 8 * 27 + 3 * 8
    image = probe_input(bundle.card.preprocessing)
    expected, maps = reference(path, image)
    for runtime in ("openvino", "onnxruntime"):
        logits, found = load_runtime(bundle, runtime).forward_with_maps(np.concatenate([-image, image, image]))
        np.testing.assert_allclose(logits[1:], np.repeat(expected, 2, axis=0), atol=1e-4)
        np.testing.assert_allclose(found[1:2], maps, atol=1e-4)


def literal_map(path, image, maps, class_index):
    """Score-CAM, mask by mask, as its definition says, with torch's resize and ONNX Runtime."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores = []
    for one in maps:
        mask = torch.nn.functional.interpolate(
            torch.from_numpy(one)[None, None], size=image.shape[2:], mode="bilinear", align_corners=True
        )[0, 0].numpy()
        mask = (mask - mask.min()) / (np.ptp(mask) or 1)
        scores.append(session.run(["logits"], {"image": image * mask})[0][0, class_index])
    found = np.maximum(0, np.tensordot(softmax(scores), maps, 1))
    return (found - found.min()) / np.ptp(found)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_the_exact_map_is_that_of_a_literal_loop(tmp_path, home, runtime):
    path = own_model(tmp_path)
    bundle, _explained = imported(path)
    image = probe_input(bundle.card.preprocessing)
    maps = reference(path, image)[1][0]
    cam = ScoreCam(load_runtime(bundle, runtime), image)
    *_, last = cam.refine(1, "exact")
    assert cam.is_exact
    np.testing.assert_allclose(last.values, literal_map(path, image, maps, 1), atol=2e-3)


def test_teacher_and_student_of_a_new_task_are_compared(tmp_path, home):
    path, image = own_model(tmp_path), image_file(tmp_path)
    common = ["import", str(path), "--classes", "cat,dog,owl"]
    first = CliRunner().invoke(app, [*common, "--new-task", "My animals", "--role", "teacher"], catch_exceptions=False)
    assert "follow a patch" in first.output
    CliRunner().invoke(app, [*common, "--task", "My-animals"], catch_exceptions=False)
    result = CliRunner().invoke(app, ["compare", str(image), "--task", "My-animals", "--json"], catch_exceptions=False)
    (found,) = json.loads(result.stdout)["images"]
    assert found["error"] is None
    assert found["student"]["probabilities"].keys() == set(CLASSES)
    assert found["agreement"]["cam_pearson"] == pytest.approx(1)


def mlp():
    """A multilayer perceptron on pixels: no value in it has a place."""
    draw = np.random.default_rng(0)
    model = small_model(small_state(), SIZE, maps=False)
    del model.graph.node[:], model.graph.initializer[:]
    hidden = helper.make_node("Gemm", ["flat", "w1"], ["hidden"], "hidden", transB=1)
    model.graph.node.extend(
        [
            helper.make_node("Flatten", ["image"], ["flat"], "flat"),
            hidden,
            helper.make_node("Tanh", ["hidden"], ["active"], "active"),
            helper.make_node("Gemm", ["active", "w2"], ["logits"], "last", transB=1),
        ]
    )
    for name, shape in (("w1", (16, 3 * SIZE * SIZE)), ("w2", (3, 16))):
        model.graph.initializer.append(numpy_helper.from_array(draw.standard_normal(shape).astype(np.float32), name))
    return model


def test_what_cannot_be_explained_still_classifies(tmp_path, home):
    path = saved(mlp(), tmp_path / "mlp.onnx")
    bundle, explained = imported(path)
    assert explained.tensor is None
    assert "no heat maps" in bundle.card.training.method
    imported(own_model(tmp_path), role="teacher")
    image = read_image(image_file(tmp_path))
    found = ComparisonSession().finish(image, Choice("My-animals")).comparison
    expected = reference(path, preprocess(image, bundle.card.preprocessing))[0]
    np.testing.assert_allclose(found.student.prediction.logits, expected[0], atol=1e-3)
    assert found.student.heat_map is None
    assert found.teacher.heat_map is not None
    assert any("no feature maps" in notice for notice in found.student.prediction.notices)


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


REFUSED = {
    "another number of classes": ({"classes": ("a", "b")}, BundleError, "for 2 classes"),
    "a tensor that does not exist": ({"tensor": "nowhere"}, BundleError, "can be read"),
    "a task with other classes": ({"task": "lung-colon", "new_task": ""}, UsageError, "has the classes"),
    "classes of one name": ({"classes": ("a", "a", "b")}, UsageError, "no task"),
    "another size": ({"size": (64, 64)}, BundleError, "not 64"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_form_that_does_not_fit_is_refused(tmp_path, home, what):
    options, kind, said = REFUSED[what]
    with pytest.raises(kind, match=said) as refused:
        imported(own_model(tmp_path), **options)
    assert isinstance(refused.value, TwinlensError)
    assert refused.value.remedy
    assert not list(home.rglob("*.onnx"))


def test_a_file_that_is_no_graph_is_refused(tmp_path, home):
    path = tmp_path / "zoo.onnx"
    for content in (b"", b"\x89PNG", bytes(100), np.random.default_rng(0).bytes(10_000)):
        path.write_bytes(content)
        with pytest.raises(BundleError):
            imported(path)
    path.unlink()
    with pytest.raises(BundleError):
        imported(path)


def test_what_a_file_says_of_itself_is_used(tmp_path):
    said = stated_in({"mean": "[0.5, 0.4, 0.3]", "std": "(1, 1, 1)", "names": "{1: 'b', 0: 'a'}"})
    assert said == {"mean": (0.5, 0.4, 0.3), "std": (1, 1, 1), "classes": ("a", "b")}
    assert stated_in({"mean": "__import__('os')", "names": "(" * 10_000, "std": "nan"}) == {}


def test_weights_of_timm_become_a_bundle(tmp_path, home, monkeypatch):
    import timm

    monkeypatch.setattr(timm, "create_model", partial(timm.create_model, depth=1))  # it is traced faster
    torch.manual_seed(0)
    network = timm.create_model("test_vit", num_classes=3).eval()
    path = tmp_path / "weights.safetensors"
    save_file({key: value.numpy() for key, value in network.state_dict().items()}, path)
    command = ["import", str(path), "--name", "test_vit", "--new-task", "My animals", "--classes", "cat,dog,owl"]
    CliRunner().invoke(app, command, catch_exceptions=False)
    bundle = read_catalogue().bundles["My-animals/student-timm-test_vit"]
    assert bundle.card.preprocessing.mean == pytest.approx(timm.models.get_pretrained_cfg("test_vit").mean)
    image = probe_input(bundle.card.preprocessing)
    batch = np.concatenate([image, -image, image / 2])  # a transformer, whose graph must take any number of images
    with torch.inference_mode():
        expected = network(torch.from_numpy(batch)).numpy()
        maps = network.forward_features(torch.from_numpy(image)).numpy()[0, 1:]  # but for the class token
    logits, found = load_runtime(bundle, "openvino").forward_with_maps(batch)
    np.testing.assert_allclose(logits, expected, atol=1e-3)
    np.testing.assert_allclose(found[0].reshape(len(maps[0]), -1), maps.T, atol=1e-3)


def test_a_folder_of_images_calibrates_it(tmp_path, home):
    bundle, _explained = imported(own_model(tmp_path))
    draw = np.random.default_rng(0)
    for label in CLASSES:
        (tmp_path / "images" / label).mkdir(parents=True)
        for i in range(8):
            pixels = draw.integers(0, 255, (SIZE, SIZE, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / label / f"{i}.png")
    (tmp_path / "images" / "cat" / "notes.txt").write_text("no image")
    fitted, lines = calibrate(bundle, tmp_path / "images")
    assert fitted.card.conformal.images == 24
    assert fitted.card.temperature > 1, "random weights are as sure as they are wrong"
    assert any("1 files are no images" in line for line in lines)
    assert any("no novelty gate: that takes 60" in line for line in lines)
    assert fitted.read_gate() is None
    assert not any("not calibrated" in limit for limit in fitted.card.limits)
    logits = load_runtime(fitted).forward(probe_input(fitted.card.preprocessing))
    assert math.isfinite(float(logits.max()))
    with pytest.raises(UsageError, match="no images of"):
        calibrate(bundle, tmp_path / "data")


def test_a_larger_folder_gives_it_a_gate_that_refuses_other_images_and_accepts_more_of_the_same(tmp_path, home):
    import skimage

    def crops(name, count):
        picture = Image.open(Path(skimage.data.__file__).with_name(name)).convert("RGB")
        for x, y in draw.integers(0, [picture.width - 120, picture.height - 120], (count, 2)):
            yield picture.crop((x, y, x + 120, y + 120))

    draw = np.random.default_rng(0)
    bundle, _explained = imported(own_model(tmp_path))
    for i, crop in enumerate(crops("ihc.png", 90)):
        folder = tmp_path / "images" / CLASSES[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        crop.save(folder / f"{i}.png")
    fitted, lines = calibrate(bundle, tmp_path / "images")
    assert any("novelty gate: fitted to 45 images, its threshold set by the other 45" in line for line in lines)
    fitted.verify()
    gate, how = read_bundle(fitted.directory).read_gate(), fitted.card.preprocessing

    def refused(pictures):
        inputs = (to_network_input(np.asarray(picture, np.float32) / 255, how) for picture in pictures)
        return np.mean([gate.assess(batch, how, fitted.card.described_task).is_novel for batch in inputs])

    assert refused(crops("ihc.png", 30)) <= 0.1
    for other in ("coffee.png", "astronaut.png", "hubble_deep_field.jpg"):
        assert refused(crops(other, 10)) >= 0.8, other
    assert refused(draw.integers(0, 255, (10, SIZE, SIZE, 3))) == 1
