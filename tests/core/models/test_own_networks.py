"""Networks of the user's own, imported, run, explained and calibrated."""

import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import helper, numpy_helper
from PIL import Image
from safetensors.numpy import save_file
from typer.testing import CliRunner

from core.cli.app import app
from core.compare.calibration_folder import calibrate
from core.compare.session import Choice, ComparisonSession
from core.errors import BundleError, TwinlensError, UsageError
from core.explain.scorecam import ScoreCam
from core.images.preprocessing import preprocess, to_network_input
from core.images.reader import read_image
from core.models.bundle import read_bundle
from core.models.catalogue import read_catalogue
from core.models.own_form import stated_in
from core.models.probe import probe_input
from core.runtimes.load import load_runtime
from tests.graph_samples import small_model, small_state
from tests.own_network_samples import CLASSES, SIZE, image_file, imported, literal_map, own_model, reference, saved


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
