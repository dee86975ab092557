import numpy as np
import pytest
import timm
import torch

from core.errors import UsageError
from core.explain.reference_cams import METHODS, class_activation_map
from core.models.architectures import build_network


def network_of(name, size):
    torch.manual_seed(0)
    if name == "autoformerv2_tiny":
        return timm.create_model("swin_s3_tiny_224", num_classes=3, img_size=size).eval()
    return build_network(name, 3)


def image(size, seed=0):
    return np.random.default_rng(seed).standard_normal((1, 3, size, size), dtype=np.float32)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "Score-CAM"])
@pytest.mark.parametrize("network", ["ofa595", "autoformerv2_tiny"])
def test_every_method_gives_a_map_of_the_inputs_size(method, network, capfd):
    found = class_activation_map(method, network, network_of(network, 64), image(64), 1)
    assert found.values.shape == (64, 64)
    assert found.method == method
    assert found.values.min() >= 0
    assert found.values.max() <= 1
    assert found.maps_total == (1152 if network == "ofa595" else 768)
    assert capfd.readouterr().err == ""


def test_grad_cam_is_the_textbooks():
    """Selvaraju et al. 2017, equations 1 and 2, by hand on the same network."""
    module = network_of("ofa595", 64)
    x = torch.from_numpy(image(64))
    features = _features(module, x).detach().requires_grad_()
    module.classifier(_head(module, features))[0, 2].backward()
    weights = features.grad.mean((2, 3), keepdim=True)
    expected = torch.relu((weights * features).sum(1))[0].detach().numpy()
    found = class_activation_map("Grad-CAM", "ofa595", module, image(64), 2)
    corners = found.values[::63, ::63]
    expected = (expected - expected.min()) / np.ptp(expected)
    np.testing.assert_allclose(corners, expected, atol=2e-3)


def _features(module, x):
    x = module.first_conv(x)
    for block in module.blocks:
        x = block(x)
    return module.final_expand_layer(x)


def _head(module, features):
    pooled = module.feature_mix_layer(module.global_avg_pool(features))
    return pooled.view(pooled.size(0), -1)


def test_no_hook_is_left_even_if_the_network_fails():
    module = network_of("ofa595", 64)
    honest = module.forward

    def failing(batch):
        honest(batch)
        raise RuntimeError("out of memory")

    module.forward = failing
    with pytest.raises(RuntimeError, match="out of memory"):
        class_activation_map("Grad-CAM", "ofa595", module, image(64), 0)
    assert not any(m._forward_hooks for m in module.modules())


def test_an_unknown_method_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match=r"'CAM'.*Grad-CAM"):
        class_activation_map("CAM", "ofa595", build_network("ofa595", 3), image(64), 0)
