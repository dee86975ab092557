import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
import timm
import torch
from torch import nn

from core.errors import ExplanationError
from core.explain.cache import ScoreCamCache
from core.explain.heatmap import HeatMap
from core.explain.reference_cams import class_activation_map
from core.explain.scorecam import FEWEST_MASKS, GOOD_ENOUGH, MOST_MASKS, ScoreCam, explain_pair
from core.explain.similarity import pearson
from core.models.architectures import build_network
from core.models.catalogue import read_catalogue
from core.runtimes.load import load_runtime


def last(frames):
    return list(frames)[-1]


def image(size=64, seed=0):
    return np.random.default_rng(seed).standard_normal((1, 3, size, size), dtype=np.float32)


def sharpen(module):
    """Make the classifier's answers differ enough that the softmax over maps means something."""
    *_, classifier = [m for m in module.modules() if isinstance(m, nn.Linear)]
    with torch.no_grad():
        classifier.weight.mul_(20)
    return module


class Tiny(nn.Module):
    """A network small enough for a literal loop, with as many maps as wanted."""

    def __init__(self, maps=40):
        super().__init__()
        torch.manual_seed(1)
        self.final_expand_layer = nn.Sequential(nn.Conv2d(3, maps, 5, stride=4, padding=2), nn.ReLU())
        self.head = nn.Linear(maps, 3)

    def forward(self, batch):
        return self.head(self.final_expand_layer(batch).mean((2, 3))) * 30


def literal_score_cam(module, x, class_index):
    """The definition, map by map in float64, with no code of Twinlens."""
    x = torch.from_numpy(x).double()
    with torch.inference_mode():
        maps = module.final_expand_layer(x)[0]
        up = nn.Upsample(size=x.shape[-2:], mode="bilinear", align_corners=True)
        scores = []
        for a in maps:
            h = up(a[None, None])[0, 0]
            h = (h - h.min()) / (h.max() - h.min() + 1e-8)
            scores.append(module(x * h)[0, class_index])
        weights = torch.softmax(torch.stack(scores), 0)
        cam = torch.relu((weights[:, None, None] * maps).sum(0))
        cam -= cam.min()
        return (cam / cam.max()).numpy()


def test_the_exact_map_is_that_of_a_literal_loop_in_float64(torch_network):
    module = Tiny().double().eval()
    for class_index in range(3):
        found = last(ScoreCam(torch_network("ofa595", module), image()).refine(class_index, "exact"))
        assert found.method == "exact"
        expected = literal_score_cam(module, image(), class_index)
        assert np.abs(found.values - expected).max() < 1e-6


@pytest.mark.parametrize("network", ["vgg19", "visformer_small", "autoformerv2_tiny", "ofa595"])
def test_the_exact_map_is_pytorch_grad_cams(network, torch_network):
    """On all four networks with all their maps, at an input small enough for the suite."""
    torch.manual_seed(0)
    size = 48 if network == "vgg19" else 64
    if network == "visformer_small":
        module = timm.create_model("visformer_small", num_classes=3, img_size=size)
    elif network == "autoformerv2_tiny":
        module = timm.create_model("swin_s3_tiny_224", num_classes=3, img_size=size)
    else:
        module = build_network(network, 3)
    sharpen(module.eval())
    score_cam = ScoreCam(torch_network(network, module, batch_size=32), image(size))
    found = last(score_cam.refine(1, "exact"))
    reference = class_activation_map("Score-CAM", network, module, image(size), 1)
    assert found.maps_total == {"vgg19": 512, "ofa595": 1152}.get(network, 768)
    assert np.ptp(reference.values) > 0.9
    assert np.abs(found.resized(size, size) - reference.values).max() < 2e-3


@pytest.fixture(scope="module")
def student():
    catalogue = read_catalogue()
    return load_runtime(catalogue.find("chest-xray", "student"), "openvino")


@pytest.fixture(scope="module")
def teacher():
    return load_runtime(read_catalogue().find("chest-xray", "teacher"), "openvino")


@pytest.fixture(scope="module")
def chest():
    from core.images.demo import demonstration_radiograph
    from core.images.preprocessing import preprocess
    from core.images.reader import read_image

    bundle = read_catalogue().find("chest-xray", "student")
    return preprocess(read_image(demonstration_radiograph()), bundle.card.preprocessing)


def test_the_fast_map_of_a_trained_network_on_a_real_radiograph_is_as_close_to_the_exact_one_as_it_says(student, chest):
    score_cam = ScoreCam(student, chest)
    fast = last(score_cam.refine(0))
    assert fast.method == f"clustered G={fast.maps_scored}"
    assert FEWEST_MASKS <= fast.maps_scored <= MOST_MASKS
    exact = last(score_cam.refine(0, "exact"))
    assert exact.method == "exact"
    assert exact.estimated_error == 0
    error = 1 - pearson(fast.resized(224, 224), exact.resized(224, 224))
    assert error < 0.03
    assert error < fast.estimated_error < 0.1


def test_frames_come_batch_by_batch_and_say_how_far_they_are(student, chest):
    frames = list(ScoreCam(student, chest).refine(2, good_enough=0))
    step = student.batch_size
    assert [f.maps_scored for f in frames] == list(range(step, MOST_MASKS + 1, step))
    assert [f.method for f in frames] == [f"clustered G={f.maps_scored}" for f in frames]
    assert all(f.class_index == 2 and f.maps_total == 1152 for f in frames)
    assert all(f.values.shape == (7, 7) and f.values.dtype == np.float32 for f in frames)
    assert all(f.values.min() >= 0 and f.values.max() <= 1 for f in frames)
    assert [f.seconds for f in frames] == sorted(f.seconds for f in frames)


def test_the_fast_mode_stops_when_the_map_is_good_enough(student, chest):
    unbounded = list(ScoreCam(student, chest).refine(0, good_enough=0))
    assert len(unbounded) > 2
    for bound in (1.0, unbounded[1].estimated_error, GOOD_ENOUGH, 0.0):
        frames = list(ScoreCam(student, chest).refine(0, good_enough=bound))
        good = [f.maps_scored >= FEWEST_MASKS and f.estimated_error <= bound for f in frames]
        assert not any(good[:-1])
        assert good[-1] or frames[-1].maps_scored == MOST_MASKS
        for found, same in zip(frames, unbounded, strict=False):
            np.testing.assert_array_equal(found.values, same.values)


class NoisyInHalf:
    """A runtime whose half precision is coarse and whose other scores depend on nothing but their map."""

    name, device, precision, batch_size, layer, notice = "noisy", "CPU", "float64", 8, "maps", ""

    def __init__(self, noise):
        self.noise, self.asked = noise, []

    def mask_scorer(self, image, map_size, *, half=False):
        def score(maps):
            self.asked += [half] * len(maps)
            clean = np.stack([[m.std() * 9, m.mean() * 9, m.max()] for m in maps])
            return clean + half * self.noise * np.sin(1e3 * clean)

        return score


def test_half_precision_serves_the_fast_map_only_and_leaves_the_exact_one_as_it_is():
    maps = np.random.default_rng(0).random((1, 300, 5, 5), dtype=np.float32) ** 4
    logits = np.zeros((1, 3), np.float32)
    found = []
    for noise in (0, 0.3):
        runtime = NoisyInHalf(noise)
        score_cam = ScoreCam(runtime, image(), (logits, maps))
        fast = last(score_cam.refine(0, good_enough=0))
        assert runtime.asked == [True] * fast.maps_scored
        exact = last(score_cam.refine(0, "exact"))
        assert runtime.asked[fast.maps_scored :] == [False] * 300
        found.append((fast.values, exact.values))
    assert not np.array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_the_same_image_gives_the_same_bits(student, chest):
    a, b = (list(ScoreCam(student, chest).refine(1)) for _ in range(2))
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x.values, y.values)
        assert x.estimated_error == y.estimated_error


def test_the_way_to_the_exact_map_is_the_same_with_and_without_a_stop_at_the_fast_one(torch_network):
    straight = list(ScoreCam(torch_network("ofa595", Tiny(maps=100).eval()), image()).refine(1, "exact"))
    stopped = ScoreCam(torch_network("ofa595", Tiny(maps=100).eval()), image())
    fast = list(stopped.refine(1))
    assert fast[-1].method == f"clustered G={FEWEST_MASKS}"
    assert [f.method for f in stopped.refine(1)] == [fast[-1].method], "it was scored anew"
    frames = fast + list(stopped.refine(1, "exact"))
    for x, y in zip(straight, frames, strict=True):
        assert (x.method, x.maps_scored, x.estimated_error) == (y.method, y.maps_scored, y.estimated_error)
        np.testing.assert_array_equal(x.values, y.values)


def test_another_class_costs_no_forward(torch_network):
    network = torch_network("ofa595", Tiny().eval())
    score_cam = ScoreCam(network, image())
    last(score_cam.refine(0, "exact"))
    spent = network.images
    maps = [score_cam.heat_map(c).values for c in range(3)]
    assert [f.class_index for f in score_cam.refine(2, "exact")] == [2]
    assert network.images == spent
    assert not np.array_equal(maps[0], maps[1])


def test_work_goes_on_where_it_stopped_and_no_map_is_scored_twice(torch_network):
    network = torch_network("ofa595", Tiny(maps=100).eval())
    score_cam = ScoreCam(network, image())
    last(score_cam.refine(0))
    frames = score_cam.refine(0, "exact")
    next(frames)
    frames.close()
    last(score_cam.refine(1, "exact"))
    assert score_cam.is_exact
    assert network.images == 1 + FEWEST_MASKS + 100


def test_stopping_to_iterate_stops_within_a_batch(torch_network):
    network = torch_network("ofa595", Tiny(maps=100).eval())
    for wanted in range(1, 8):
        network.images = 0
        frames = ScoreCam(network, image()).refine(0, "exact")
        for _ in range(wanted):
            next(frames)
        frames.close()
        assert network.images <= 1 + 8 * wanted


def test_few_maps_are_scored_at_once(torch_network):
    network = torch_network("ofa595", Tiny(maps=5).eval())
    frames = list(ScoreCam(network, image()).refine(0))
    assert [f.method for f in frames] == ["exact"]
    assert network.images == 1 + 5


def test_the_map_follows_a_patch(torch_network):
    """In the window transformer too, whose maps come with their channels last."""
    torch.manual_seed(0)
    module = timm.create_model("swin_s3_tiny_224", num_classes=3, img_size=96).eval()
    network = torch_network("autoformerv2_tiny", module)
    places = []
    for row, column in ((0, 2), (2, 0)):
        lively = np.zeros((1, 3, 96, 96), np.float32)
        lively[..., row * 32 : row * 32 + 32, column * 32 : column * 32 + 32] = 3.0
        score_cam = ScoreCam(network, lively)
        quiet = ScoreCam(network, np.zeros_like(lively))
        assert score_cam.maps.shape == (768, 3, 3)
        places.append(divmod(int(np.abs(score_cam.maps - quiet.maps).sum(axis=0).argmax()), 3))
    assert places == [(0, 2), (2, 0)]


def test_degenerate_maps_give_zeros_not_errors(torch_network):
    module = Tiny(maps=40).eval()
    with torch.no_grad():
        module.final_expand_layer[0].weight.zero_()
        module.final_expand_layer[0].bias.zero_()
    for depth in ("fast", "exact"):
        found = last(ScoreCam(torch_network("ofa595", module), image()).refine(0, depth))
        assert np.all(found.values == 0)
        assert np.isfinite(found.estimated_error)


def test_constant_maps_are_scored_once_and_the_exact_map_stays_the_literal_one(torch_network):
    module = Tiny(maps=60).double().eval()
    with torch.no_grad():
        module.final_expand_layer[0].weight[20:50] = 0
        module.final_expand_layer[0].bias[20:50] = torch.linspace(-1, 1, 30)
    network = torch_network("ofa595", module)
    found = last(ScoreCam(network, image()).refine(1, "exact"))
    assert found.method == "exact"
    assert network.images <= 1 + MOST_MASKS + 31
    assert np.abs(found.values - literal_score_cam(module, image(), 1)).max() < 1e-6


def test_an_answer_that_is_not_finite_is_an_error(torch_network):
    module = Tiny().eval()
    with torch.no_grad():
        module.head.bias[0] = float("nan")
    with pytest.raises(ExplanationError, match="not finite"):
        ScoreCam(torch_network("ofa595", module), image())


def test_an_exception_in_mid_run_leaves_no_hook_and_the_work_can_go_on(torch_network):
    module = Tiny(maps=100).eval()
    network = torch_network("ofa595", module)
    score_cam = ScoreCam(network, image())
    last(score_cam.refine(0))
    honest = network.forward

    def failing(_batch):
        raise RuntimeError("the device went away")

    network.forward = failing
    with pytest.raises(RuntimeError, match="went away"):
        last(score_cam.refine(0, "exact"))
    assert not any(m._forward_hooks for m in module.modules())
    network.forward = honest
    assert last(score_cam.refine(0, "exact")).method == "exact"


def test_the_students_map_comes_first_and_neither_starves(student, teacher, chest):
    pair = ScoreCam(teacher, chest), ScoreCam(student, chest)
    roles = []
    for role, frame in explain_pair(*pair, {"teacher": 0, "student": 0}, "exact"):
        assert isinstance(frame, HeatMap)
        clustered = frame.method.startswith("clustered")
        roles.append((role, clustered))
        if roles.count(("teacher", False)) == 2:
            break
    fast = [role for role, clustered in roles if clustered]
    assert roles[: len(fast)] == [(role, True) for role in sorted(fast)]  # the student first
    assert set(fast) == {"student", "teacher"}
    # the student's batches are many times quicker, and it has as much time as the teacher
    assert roles.count(("student", False)) > 4


def test_memory_above_the_model_stays_below_300_mib():
    """In a process of its own, at the student's 1152 maps, through to the exact map."""
    script = """
import psutil, threading
from core.models.catalogue import read_catalogue
from core.models.probe import probe_input
from core.runtimes.load import load_runtime
from core.explain.scorecam import ScoreCam
bundle = read_catalogue().find("chest-xray", "student")
runtime = load_runtime(bundle, "openvino")
probe = probe_input(bundle.card.preprocessing)
import numpy as np
runtime.forward_with_maps(np.repeat(probe, 8, axis=0))
process = psutil.Process()
before = peak = process.memory_info().rss
for _ in ScoreCam(runtime, probe).refine(0, "exact"):
    peak = max(peak, process.memory_info().rss)
print((peak - before) / 2**20)
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert float(answer.stdout) < 300


def test_nothing_is_kept_after_an_explanation_is_dropped(torch_network):
    network = torch_network("ofa595", Tiny(maps=100).eval())
    score_cam = ScoreCam(network, image())
    last(score_cam.refine(0))
    watched = weakref.ref(score_cam)
    del score_cam
    gc.collect()
    assert watched() is None


def test_an_image_seen_again_has_its_maps_at_once(torch_network):
    network = torch_network("ofa595", Tiny(maps=100).eval())
    cache = ScoreCamCache(network)
    first = cache.get(image())
    last(first.refine(0))
    spent = network.images
    assert cache.get(image().copy()) is first
    last(cache.get(image()).refine(1))
    assert network.images == spent
    assert cache.get(image(seed=1)) is not first


def test_an_image_just_answered_is_explained_without_another_forward(torch_network):
    network = torch_network("ofa595", Tiny(maps=100).eval())
    cache = ScoreCamCache(network)
    expected = last(ScoreCam(network, image()).refine(1))
    for seed in (1, 0):
        cache.remember(image(seed=seed), network.forward_with_maps(image(seed=seed)))
    spent = network.images
    found = cache.get(image())
    assert network.images == spent
    np.testing.assert_array_equal(last(found.refine(1)).values, expected.values)
    spent = network.images
    cache.get(image(seed=1))  # another has been answered since
    assert network.images == spent + 1


def test_the_cache_is_bounded_and_forgets_the_longest_unused(torch_network):
    network = torch_network("ofa595", Tiny(maps=100).eval())
    size = ScoreCam(network, image()).nbytes
    cache = ScoreCamCache(network, max_bytes=3 * size)
    explained = [cache.get(image(seed=seed)) for seed in range(3)]
    assert cache.get(image(seed=0)) is explained[0]
    cache.get(image(seed=3))
    assert cache.get(image(seed=0)) is explained[0]
    assert cache.get(image(seed=2)) is explained[2]
    assert cache.get(image(seed=1)) is not explained[1]
