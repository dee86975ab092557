from collections import Counter
from copy import deepcopy

import pytest
import torch
from ofa.utils.pytorch_modules import Hsigmoid, Hswish
from torch import nn

from core.errors import UsageError
from core.models.architectures import (
    ARCHITECTURES,
    build_network,
    cam_layer,
    count_macs,
    count_parameters,
    get_architecture,
    maps_to_nchw,
    with_maps,
)


@pytest.mark.parametrize(
    ("network", "head", "parameters"),
    [
        ("vgg19", "gap", 20_025_923),
        ("vgg19", "fc", 139_582_531),
        ("visformer_small", "gap", 39_452_899),
        ("autoformerv2_tiny", "gap", 27_561_981),
        ("ofa595", "gap", 7_603_539),
    ],
)
def test_parameters_at_three_classes_are_the_published_ones(network, head, parameters):
    assert count_parameters(build_network(network, 3, head)) == parameters


@pytest.mark.parametrize(
    ("network", "head", "size", "gmacs"),
    [
        ("vgg19", "fc", 224, 19.63),
        ("visformer_small", "gap", 224, 4.88),
        ("autoformerv2_tiny", "gap", 224, 4.62),
        ("ofa595", "gap", 224, 0.513),
        ("ofa595", "gap", 236, 0.595),
    ],
)
def test_macs_at_the_thousand_classes_of_imagenet_are_the_published_ones(network, head, size, gmacs):
    decimals = len(str(gmacs).split(".")[1])
    assert round(count_macs(build_network(network, 1000, head), size, size) / 1e9, decimals) == gmacs


def test_torchs_activations_in_ofa595_are_those_of_its_package():
    network = build_network("ofa595", 3).eval()
    packages = deepcopy(network)
    replaced = Counter(_put_back(packages))
    assert replaced == {"Hardswish": 27, "Hardsigmoid": 12}
    batch = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    answers = [module(batch) for module in (network, packages)]
    assert torch.equal(*answers)
    for answer in answers:
        answer.square().sum().backward()
    for found, expected in zip(network.parameters(), packages.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-3, atol=1e-4 * float(expected.grad.abs().max()))


def _put_back(module):
    """Replace torch's activations by those of the once-for-all package, and yield the names of those replaced."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Hardswish | torch.nn.Hardsigmoid):
            setattr(module, name, Hswish() if isinstance(child, torch.nn.Hardswish) else Hsigmoid())
            yield type(child).__name__
        else:
            yield from _put_back(child)


def test_vgg19_with_a_global_average_pool_spends_less_than_with_its_wide_layers():
    assert round(count_macs(build_network("vgg19", 3)) / 1e9, 2) == 19.51


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        ("vgg19", (512, 14, 14)),
        ("visformer_small", (768, 7, 7)),
        ("autoformerv2_tiny", (768, 7, 7)),
        ("ofa595", (1152, 7, 7)),
    ],
)
def test_maps_come_as_channels_by_rows_by_columns_and_leave_no_hook(network, shape):
    module = build_network(network, 3)
    batch = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits, maps = with_maps(network, module)(batch)
        assert torch.equal(logits, module(batch))
    assert tuple(maps.shape) == (2, *shape)
    assert not any(m._forward_hooks for m in module.modules())


@pytest.mark.parametrize("network", ["visformer_small", "autoformerv2_tiny"])
def test_a_transformer_is_built_for_its_input_size(network):
    with torch.inference_mode():
        _, maps = with_maps(network, build_network(network, 3, size=(64, 96)))(torch.zeros(1, 3, 64, 96))
    assert tuple(maps.shape) == (1, 768, 2, 3)


def test_a_forward_that_fails_leaves_no_hook():
    module = build_network("ofa595", 3)
    with pytest.raises(RuntimeError):
        with_maps("ofa595", module)(torch.zeros(1, 5, 64, 64))
    assert not any(m._forward_hooks for m in module.modules())


def test_the_maps_of_the_window_transformer_follow_a_patch():
    """Left unpermuted, (h, w, K) would be taken for 7 channels, and nothing would move."""
    torch.manual_seed(0)
    module = with_maps("autoformerv2_tiny", build_network("autoformerv2_tiny", 3))
    quiet = torch.zeros(1, 3, 224, 224)
    for row, column in ((0, 6), (5, 1)):
        lively = quiet.clone()
        lively[..., row * 32 : row * 32 + 32, column * 32 : column * 32 + 32] = 3.0
        with torch.inference_mode():
            change = (module(lively)[1] - module(quiet)[1])[0].abs().sum(0)
        assert divmod(int(change.argmax()), 7) == (row, column)


def test_pytorch_grad_cam_is_told_how_to_reshape_tokens():
    reshape = maps_to_nchw("autoformerv2_tiny", nn.Identity())
    assert reshape is not None
    assert reshape(torch.zeros(1, 7, 7, 768)).shape == (1, 768, 7, 7)
    assert all(maps_to_nchw(network, nn.Identity()) is None for network in ("vgg19", "visformer_small", "ofa595"))


def test_the_layer_is_part_of_the_network():
    for network in ARCHITECTURES:
        module = build_network(network, 2)
        assert cam_layer(network, module) in set(module.modules())


def test_an_unknown_network_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match=r"'resnet'.*vgg19.*ofa595"):
        get_architecture("resnet")
