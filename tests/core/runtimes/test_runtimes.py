import os
import subprocess
import sys
from pathlib import Path

import core.runtimes.openvino_conversion
import numpy as np
import pytest

from core.errors import BundleError, RuntimeUnavailableError
from core.models.catalogue import read_catalogue
from core.runtimes.base import AGREEMENT, check_agreement, probe_input
from core.runtimes.load import load_runtime, needs_conversion
from core.runtimes.masks import mask_scorer
from core.runtimes.openvino_runtime import OpenVinoRuntime
from core.runtimes.torch_runtime import TorchRuntime, has_accelerator
from core.system.paths import cache_folder

STUDENT, TEACHER = "chest-xray/student-ofa595", "chest-xray/teacher-vgg19"


@pytest.fixture(scope="module")
def student():
    return read_catalogue().bundles[STUDENT]


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The network that is converted soonest, and a cache of its own to convert it into."""
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    return read_catalogue().bundles[TEACHER]


def images(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 3, 224, 224), dtype=np.float32)


@pytest.mark.parametrize("bundle_id", sorted(read_catalogue().bundles))
def test_openvino_and_torch_give_the_same_logits_and_maps(bundle_id):
    bundle = read_catalogue().bundles[bundle_id]
    torch_runtime, openvino = load_runtime(bundle, "torch"), load_runtime(bundle, "openvino")
    batch = images(3)
    expected, expected_maps = torch_runtime.forward_with_maps(batch)
    found, found_maps = openvino.forward_with_maps(batch)
    scale = max(1.0, np.abs(expected).max())
    assert np.abs(found - expected).max() / scale < AGREEMENT
    assert found_maps.shape == expected_maps.shape
    assert np.abs(found_maps - expected_maps).max() / np.abs(expected_maps).max() < AGREEMENT
    single = np.concatenate([openvino.forward(batch[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(single, found, atol=1e-3)
    np.testing.assert_allclose(openvino.forward(batch), found, atol=1e-3)


def test_auto_takes_openvino_on_a_machine_without_a_gpu(student, monkeypatch):
    monkeypatch.setattr("core.runtimes.torch_runtime.has_accelerator", lambda: False)
    runtime = load_runtime(student)
    assert (runtime.name, runtime.device, runtime.notice) == ("openvino", "CPU", "")


def test_answers_are_copies_that_a_later_call_does_not_change(student):
    runtime = load_runtime(student, "openvino")
    first = runtime.forward(images(1))
    kept = first.copy()
    maps = runtime.forward_with_maps(images(2))[1]
    kept_maps = maps.copy()
    runtime.forward(images(1, seed=1))
    runtime.forward_with_maps(images(2, seed=1))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(maps, kept_maps)


def test_a_runtime_that_disagrees_is_not_used_and_says_so(quick, monkeypatch):
    load_runtime(quick, "openvino")
    honest = np.load

    def doctored(path, *args, **kwargs):
        found = honest(path, *args, **kwargs)
        return found + 0.1 if Path(path).name == core.runtimes.openvino_conversion.PROBE_FILE else found

    monkeypatch.setattr(np, "load", doctored)
    monkeypatch.setattr("core.runtimes.torch_runtime.has_accelerator", lambda: False)
    with pytest.raises(RuntimeUnavailableError, match="does not agree with torch"):
        load_runtime(quick, "openvino")
    fallback = load_runtime(quick, "auto")
    assert fallback.name == "torch"
    assert "does not agree" in fallback.notice


def test_without_openvino_torch_is_used_and_says_so(student, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr("core.runtimes.torch_runtime.has_accelerator", lambda: False)
    fallback = load_runtime(student, "auto")
    assert fallback.name == "torch"
    assert "not installed" in fallback.notice


@pytest.mark.parametrize("found", [np.array([[1.0, np.nan]]), np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 2.1]])])
def test_agreement_refuses_what_is_off_not_finite_or_of_another_shape(found):
    expected = np.array([[1.0, 2.0]], np.float32)
    check_agreement(expected + 5e-4, expected, "it")
    with pytest.raises(RuntimeUnavailableError):
        check_agreement(found.astype(np.float32), expected, "it")


def test_the_probe_is_the_same_every_time(student):
    how = student.card.preprocessing
    np.testing.assert_array_equal(probe_input(how), probe_input(how))


def test_a_second_start_takes_the_converted_network_from_disk_without_torch(student):
    load_runtime(student, "openvino")
    script = (
        "import sys; from core.models.catalogue import read_catalogue; from core.runtimes.load import load_runtime;"
        f"load_runtime(read_catalogue().bundles[{STUDENT!r}], 'openvino'); print('torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True, env={**os.environ}
    )
    assert answer.stdout.strip() == "False"


def test_damaged_weights_are_noticed_although_the_converted_network_is_on_disk(student, tmp_path):
    import shutil

    from core.models.bundle import read_bundle

    load_runtime(student, "openvino")
    copy = tmp_path / "bundle"
    shutil.copytree(student.directory, copy)
    with (copy / "weights.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x55")
    with pytest.raises(BundleError, match="has changed"):
        load_runtime(read_bundle(copy), "openvino")


@pytest.mark.parametrize(("problem", "tried"), [("no such operator", 1), ("not enough memory", 2)])
def test_a_network_that_cant_be_converted_is_not_tried_at_every_start(problem, tried, quick, monkeypatch):
    attempts = []

    def fail(*_args, **_options):
        attempts.append(problem)
        raise RuntimeError(problem)

    monkeypatch.setattr("torch.export.export", fail)
    monkeypatch.setattr("core.runtimes.torch_runtime.has_accelerator", lambda: False)
    for _start in range(2):
        runtime = load_runtime(quick)
        assert runtime.name == "torch"
        assert runtime.notice == "OpenVINO can't convert this network (RuntimeError). Torch is used instead."
    assert len(attempts) == tried
    assert needs_conversion(quick) == (tried > 1)


def test_what_disagrees_right_after_its_conversion_is_not_converted_again(quick, monkeypatch):
    import torch

    attempts, export = [], torch.export.export

    def spoiled(network, *args, **options):
        attempts.append(network)
        with torch.no_grad():
            network.network.head.fc.bias += 1
        return export(network, *args, **options)

    monkeypatch.setattr("torch.export.export", spoiled)
    for _start in range(2):
        with pytest.raises(RuntimeUnavailableError, match="does not agree with torch"):
            load_runtime(quick, "openvino")
    assert len(attempts) == 1


@pytest.mark.parametrize("name", ["model.bin", "model.xml", "probe.npy"])
def test_a_damaged_file_in_the_cache_is_made_anew(name, quick):
    expected = load_runtime(quick, "openvino").forward(images(1))
    for damaged in (cache_folder() / "openvino").glob(f"*/{name}"):
        content = damaged.read_bytes()
        damaged.write_bytes(content[: len(content) // 2])
    found = load_runtime(quick, "openvino")
    assert found.notice == ""
    np.testing.assert_allclose(found.forward(images(1)), expected, atol=1e-3)


def test_threads_are_settable(student):
    runtime = load_runtime(student, "openvino", threads=1)
    assert runtime._single.get_compiled_model().get_property("INFERENCE_NUM_THREADS") == 1
    assert runtime.batch_size < load_runtime(student, "openvino", threads=2).batch_size


def test_whole_batches_and_what_is_left_over_are_answered_as_single_images_are(student):
    runtime = load_runtime(student, "openvino")
    batch = images(2 * runtime.batch_size + 1)
    expected = np.concatenate([runtime.forward(batch[i : i + 1]) for i in range(len(batch))])
    np.testing.assert_allclose(runtime.forward(batch), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("bundle_id", "left_over"),
    [(STUDENT, 0), (STUDENT, 1), (TEACHER, 0), (TEACHER, 1)],
)
def test_masks_made_by_openvino_score_as_those_made_by_numpy(bundle_id, left_over):
    runtime = load_runtime(read_catalogue().bundles[bundle_id], "openvino")
    image, other = images(1), images(1, seed=1)
    maps = runtime.forward_with_maps(image)[1][0, : runtime.batch_size - left_over]
    maps[1] = 0  # masks everything
    numpys = [mask_scorer(runtime.forward, x, maps.shape[1:], 1) for x in (image, other)]
    scorers = [runtime.mask_scorer(x, maps.shape[1:]) for x in (image, other)]
    for numpy_scorer, scorer in zip(numpys, scorers, strict=True):
        expected = np.concatenate([numpy_scorer(maps[i : i + 1]) for i in range(len(maps))])
        np.testing.assert_allclose(scorer(maps), expected, atol=1e-4)


def test_masks_made_ready_are_not_compiled_again(student, monkeypatch):
    runtime = load_runtime(student, "openvino")
    image = images(1)
    maps = runtime.forward_with_maps(image)[1][0, : runtime.batch_size]
    runtime.prepare_masks()
    monkeypatch.setattr(runtime, "_compiled", lambda *_, **__: pytest.fail("it compiled again"))
    runtime.prepare_masks()
    assert runtime.mask_scorer(image, maps.shape[1:])(maps).shape == (len(maps), 3)


def test_networks_for_masks_do_not_pile_up_in_the_cache(student):
    """OpenVINO would keep them compiled under another name every time."""
    found = []
    for _ in range(2):
        runtime = load_runtime(student, "openvino")
        image = images(1)
        maps = runtime.forward_with_maps(image)[1][0, : runtime.batch_size]
        runtime.mask_scorer(image, maps.shape[1:])(maps)
        found.append(sorted((cache_folder() / "openvino").glob("*/compiled/*")))
    assert found[0] == found[1]


def test_masks_made_on_the_device_score_as_those_made_by_numpy(student):
    """A GPU is rarely at hand, but its way of making masks runs on the CPU too, in half precision as well."""
    runtime = TorchRuntime(student)
    image = probe_input(student.card.preprocessing)
    maps = runtime.forward_with_maps(image)[1][0, :5]
    maps[4] = 1.5  # a constant map masks everything
    expected = runtime.mask_scorer(image, maps.shape[1:])(maps)
    assert runtime._mask_scorer_on_device(image, maps.shape[1:])(maps) == pytest.approx(expected, abs=1e-4)
    runtime._half = True
    in_half = runtime._mask_scorer_on_device(image, maps.shape[1:])(maps)
    assert (in_half != expected).any()
    assert in_half == pytest.approx(expected, abs=5e-2)


def test_a_gpu_scores_masks_as_the_cpu_does(student):
    if not has_accelerator():
        pytest.skip("torch finds no GPU here")
    runtime = TorchRuntime(student)
    image = probe_input(student.card.preprocessing)
    maps = runtime.forward_with_maps(image)[1][0, : runtime.batch_size]
    expected = mask_scorer(OpenVinoRuntime(student).forward, image, maps.shape[1:], runtime.batch_size)(maps)
    assert runtime.mask_scorer(image, maps.shape[1:])(maps) == pytest.approx(expected, abs=5e-2)
