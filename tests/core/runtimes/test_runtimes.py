import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import BundleError, RuntimeUnavailableError
from core.explain.scorecam import ScoreCam
from core.models.bundle import read_bundle
from core.models.catalogue import read_catalogue
from core.models.probe import probe_input
from core.runtimes.base import check_agreement
from core.runtimes.load import load_runtime
from core.runtimes.masks import mask_scorer
from core.runtimes.onnx_runtime import OnnxRuntime
from core.runtimes.openvino_runtime import OpenVinoRuntime
from core.runtimes.torch_runtime import TorchRuntime, has_accelerator
from core.system.cpu_features import multiplies_bfloat16_matrices

ROOT = Path(__file__).resolve().parents[3]
STUDENT, TEACHER = "chest-xray/student-ofa595", "chest-xray/teacher-vgg19"
GRAPH_RUNTIMES = ("openvino", "onnxruntime")


@pytest.fixture(scope="module")
def student():
    return read_catalogue().bundles[STUDENT]


@pytest.fixture(scope="module", autouse=True)
def no_accelerator():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.runtimes.torch_runtime.has_accelerator", lambda: False)
        patch.setattr("core.runtimes.onnx_runtime.accelerators", list)
        yield


def images(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 3, 224, 224), dtype=np.float32)


@pytest.fixture(scope="module", params=sorted(read_catalogue().bundles))
def by_torch(request):
    """A bundle, some images, what torch makes of them, and torch's runtime."""
    bundle = read_catalogue().bundles[request.param]
    batch, runtime = images(3), TorchRuntime(bundle)
    return bundle, batch, *runtime.forward_with_maps(batch), runtime


@pytest.fixture(scope="module", params=GRAPH_RUNTIMES)
def by_graph(request, by_torch):
    """The runtime of a graph with the same bundle."""
    runtime = load_runtime(by_torch[0], request.param)
    assert runtime.name == request.param
    return runtime


def test_runtimes_of_graphs_give_torchs_logits_and_maps(by_graph, by_torch):
    _bundle, batch, expected, expected_maps, _torch = by_torch
    runtime = by_graph
    found, found_maps = runtime.forward_with_maps(batch)
    assert np.abs(found - expected).max() / max(1.0, np.abs(expected).max()) < 1e-4
    assert found_maps.shape == expected_maps.shape
    assert np.abs(found_maps - expected_maps).max() / np.abs(expected_maps).max() < 1e-4
    single = np.concatenate([runtime.forward(batch[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(single, found, atol=1e-4)
    np.testing.assert_allclose(runtime.forward(batch), found, atol=1e-4)


class FewMaps:
    """A runtime of which Score-CAM sees only a few feature maps, so that the exact map takes as few forwards."""

    def __init__(self, runtime, chosen):
        self.runtime, self.chosen = runtime, chosen

    def __getattr__(self, name):
        return getattr(self.runtime, name)

    def forward_with_maps(self, batch):
        logits, maps = self.runtime.forward_with_maps(batch)
        return logits, maps[:, self.chosen]


@pytest.fixture(scope="module")
def exact_by_torch(by_torch):
    """The eight feature maps of the widest range, and the exact map of the first image that torch makes of them."""
    bundle, batch, _logits, maps, runtime = by_torch
    chosen = np.argsort(-np.ptp(maps[0], axis=(1, 2)))[:8]
    *_, last = ScoreCam(FewMaps(runtime, chosen), batch[:1]).refine(len(bundle.card.classes) - 1, "exact")
    return chosen, last.values


def test_runtimes_of_graphs_give_torchs_exact_map(by_graph, by_torch, exact_by_torch):
    bundle, batch, *_ = by_torch
    chosen, expected = exact_by_torch
    *_, last = ScoreCam(FewMaps(by_graph, chosen), batch[:1]).refine(len(bundle.card.classes) - 1, "exact")
    assert last.method == "exact"
    assert np.ptp(expected) == pytest.approx(1)
    np.testing.assert_allclose(last.values, expected, atol=2e-3)


def test_shipped_bundles_cover_the_ways_of_storing_weights():
    assert {bundle.card.storage for bundle in read_catalogue().bundles.values()} == {"float16", "int8"}
    assert all(bundle.has_graph for bundle in read_catalogue().bundles.values())


def test_auto_takes_openvino_on_a_machine_without_a_gpu(student):
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


@pytest.mark.parametrize("name", [*GRAPH_RUNTIMES, "torch"])
def test_a_runtime_that_disagrees_with_the_card_is_not_used(name, student):
    first, *others = student.card.probe_logits
    doctored = replace(student, card=student.card.model_copy(update={"probe_logits": (first + 0.1, *others)}))
    with pytest.raises(RuntimeUnavailableError, match="does not agree with torch"):
        load_runtime(doctored, name)


def test_auto_goes_to_the_next_runtime_and_says_why(student, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    fallback = load_runtime(student)
    assert fallback.name == "onnxruntime"
    assert fallback.notice.startswith("OpenVINO is not installed")
    assert fallback.notice.endswith("ONNX Runtime is used instead.")
    monkeypatch.setattr("core.runtimes.onnx_runtime.find_spec", lambda _name: None)
    assert load_runtime(student).name == "torch"


@pytest.mark.parametrize("found", [np.array([[1.0, np.nan]]), np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 2.1]])])
def test_agreement_refuses_what_is_off_not_finite_or_of_another_shape(found):
    expected = np.array([[1.0, 2.0]], np.float32)
    check_agreement(expected + 5e-4, expected, "it")
    with pytest.raises(RuntimeUnavailableError):
        check_agreement(found.astype(np.float32), expected, "it")


def test_the_probe_is_the_same_every_time(student):
    how = student.card.preprocessing
    np.testing.assert_array_equal(probe_input(how), probe_input(how))


def test_graphs_run_without_torch():
    script = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'torchvision', 'timm', 'ofa', 'onnxscript')));"
        "from core.models.catalogue import read_catalogue; from core.runtimes.load import load_runtime;"
        f"bundle = read_catalogue().bundles[{STUDENT!r}];"
        "runtimes = [load_runtime(bundle, name) for name in ('auto', 'onnxruntime')];"
        "[r.prepare_masks() for r in runtimes]; print(*(r.name for r in runtimes))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False, cwd=ROOT
    )
    assert answer.stdout.split() == ["openvino", "onnxruntime"], answer.stderr


@pytest.fixture
def copy(student, tmp_path):
    """A copy of the student that may be spoilt."""
    return read_bundle(shutil.copytree(student.directory, tmp_path / "bundle"))


@pytest.mark.parametrize("file", ["graph.onnx", "weights.safetensors"])
@pytest.mark.parametrize("name", GRAPH_RUNTIMES)
def test_a_changed_file_is_refused_before_it_is_read(file, name, copy):
    with (copy.directory / file).open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x55")
    with pytest.raises(BundleError, match="file has changed"):
        load_runtime(copy, name)


def test_a_graph_that_reads_other_files_is_refused_although_its_checksum_is_right(copy):
    import onnx

    path = copy.directory / "graph.onnx"
    model = onnx.load(path, load_external_data=False)
    next(part for part in model.graph.initializer[0].external_data if part.key == "location").value = "../secret"
    path.write_bytes(model.SerializeToString())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(BundleError, match=r"graph\.onnx"):
        load_runtime(replace(copy, card=copy.card.model_copy(update={"graph_sha256": digest})))


def test_a_bundle_without_a_graph_is_run_by_torch_and_says_how_to_upgrade_it(student):
    older = replace(student, card=student.card.model_copy(update={"graph_sha256": None, "probe_logits": None}))
    with pytest.raises(RuntimeUnavailableError, match="python -m core upgrade chest-xray/student-ofa595"):
        load_runtime(older, "openvino")
    runtime = load_runtime(older)
    assert runtime.name == "torch"
    assert "has no graph" in runtime.notice


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
    ("name", "bundle_id"), [("openvino", STUDENT), ("openvino", TEACHER), ("onnxruntime", STUDENT)]
)
def test_masks_made_by_the_runtime_score_as_those_made_by_numpy(name, bundle_id):
    runtime = load_runtime(read_catalogue().bundles[bundle_id], name)
    image, other = images(1), images(1, seed=1)
    maps = runtime.forward_with_maps(image)[1][0, : runtime.batch_size]
    maps[1] = 0  # masks everything
    numpys = [mask_scorer(runtime.forward, x, maps.shape[1:], 1) for x in (image, other)]
    scorers = [runtime.mask_scorer(x, maps.shape[1:]) for x in (image, other)]
    for numpy_scorer, scorer in zip(numpys, scorers, strict=True):
        expected = np.concatenate([numpy_scorer(maps[i : i + 1]) for i in range(len(maps))])
        for count in (len(maps), len(maps) - 1):  # a whole batch, and one of which something is left over
            np.testing.assert_allclose(scorer(maps[:count]), expected[:count], atol=1e-4)


def test_masks_made_ready_are_not_compiled_again(student, monkeypatch):
    runtime = load_runtime(student, "openvino")
    image = images(1)
    maps = runtime.forward_with_maps(image)[1][0, : runtime.batch_size]
    runtime.prepare_masks()
    monkeypatch.setattr(runtime, "_compiled", lambda *_, **__: pytest.fail("it compiled again"))
    runtime.prepare_masks()
    assert runtime.mask_scorer(image, maps.shape[1:], half=True)(maps).shape == (len(maps), 3)


@pytest.fixture
def scored(student):
    """How a runtime of the student scores three masks of an image, fewer than a stream takes, in both precisions."""
    image = images(1)
    maps = np.random.default_rng(0).random((3, 7, 7), dtype=np.float32)

    def score(runtime):
        return [runtime.mask_scorer(image, (7, 7), half=half)(maps) for half in (False, True)]

    return score


def test_masks_in_half_precision_score_nearly_the_same_where_the_processor_multiplies_bfloat16(student, scored):
    plain, half = scored(OpenVinoRuntime(student, 1))
    assert np.abs(half - plain).max() < 0.05
    assert (half != plain).any() == multiplies_bfloat16_matrices()


def test_masks_stay_in_float32_where_the_processor_does_not(student, scored, monkeypatch):
    monkeypatch.setattr("core.runtimes.openvino_runtime.multiplies_bfloat16_matrices", lambda: False)
    plain, half = scored(OpenVinoRuntime(student, 1))
    np.testing.assert_array_equal(half, plain)


def test_masks_stay_in_float32_where_bfloat16_is_too_coarse_for_the_network(student, scored, monkeypatch):
    monkeypatch.setattr("core.runtimes.openvino_runtime.MASK_AGREEMENT", 0.0)
    monkeypatch.setattr("core.runtimes.openvino_runtime.multiplies_bfloat16_matrices", lambda: True)
    plain, half = scored(OpenVinoRuntime(student, 1))
    np.testing.assert_array_equal(half, plain)


def test_onnx_runtime_makes_its_masks_itself(student, monkeypatch):
    runtime = OnnxRuntime(student)
    image = images(1)
    maps = runtime.forward_with_maps(image)[1][0, :3]
    runtime.prepare_masks()
    monkeypatch.setattr(runtime, "forward", lambda _batch: pytest.fail("the masks were made by NumPy"))
    assert runtime.mask_scorer(image, maps.shape[1:])(maps).shape == (3, 3)


def test_masks_made_on_the_device_score_as_those_made_by_numpy():
    """A GPU is rarely at hand, but its way of making masks runs on the CPU too, in half precision as well."""
    student = read_catalogue().bundles["lung-colon/student-ofa595"]  # the chest student's values go beyond float16
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
