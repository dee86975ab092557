"""What OFA-595 takes over from an EfficientNet-Lite, against timm's own modules."""

import pytest
import timm
import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from core.models.architectures import build_network
from core.models.ofa_subnets import Subnet
from training.runs.lite_inheritance import FIRST_BLOCK_GAIN, LITE_MEAN, LITE_STD, inherit_from_lite

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def lite():
    """EfficientNet-Lite2 whose batch norms fit to what they are given, as after training, and are all different."""
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite2", num_classes=1)
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.3)
        norm.momentum = None
        norm.reset_running_stats()
    with torch.no_grad():
        network.train()(_smooth(16))
    return network.eval()


def _smooth(count):
    """Images that are not noise, as a Lite takes them."""
    noise = torch.randn(count, 3, 18, 18, generator=torch.Generator().manual_seed(1))
    return nn.functional.interpolate(noise, size=(64, 64), mode="bilinear")


def _as_own(images):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (images * LITE_STD + LITE_MEAN - mean) / std


@pytest.fixture(scope="module")
def wide(lite):
    """A subnet that has all of Lite2's hidden channels and kernels of its size or larger."""
    torch.manual_seed(1)
    network = Subnet(ks=(5,) * 20, e=(6,) * 20, d=(3, 3, 4, 4, 4)).build(3)
    inherit_from_lite(network, lite, MEAN, STD)
    return network.eval()


def test_a_block_without_new_parts_computes_the_same(lite, wide):
    """Stage 1 has ReLU and no squeeze-and-excitation: below ReLU6's limit its blocks give what Lite's give."""
    features = 0.5 * torch.randn(2, 24, 12, 12, generator=torch.Generator().manual_seed(2))
    padded = torch.cat([features, torch.zeros(2, 8, 12, 12)], dim=1)
    for number, theirs in ((2, lite.blocks[1][1]), (3, lite.blocks[1][2])):
        with torch.inference_mode():
            expected, found = theirs(features), wide.blocks[number](padded)
        assert (expected - features).abs().max() > 0.5
        assert torch.allclose(found[:, :24], expected, atol=1e-4), number


def test_features_are_lites_moved_by_some_pixels(lite, wide):
    images = _smooth(4)
    with torch.inference_mode():
        theirs = lite.blocks[1](lite.blocks[0](lite.bn1(lite.conv_stem(images))))
        moved = torch.roll(_as_own(images), (-3, -3), (2, 3))
        own = wide.first_conv(moved)
        for block in list(wide.blocks)[:4]:
            own = block(own)
    inner = (slice(None), slice(0, 24), slice(2, -2), slice(2, -2))
    same = cosine_similarity(own[inner].flatten(1), theirs[inner].flatten(1))
    assert same.min() > 0.65  # a random network gives less than 0.1


def test_the_statistics_of_batch_norm_fit_to_what_they_are_given(lite, wide):
    """Evaluated on its batch's own statistics the network gives nearly the same as with those taken over."""
    images = _as_own(_smooth(16))
    first, second = wide.blocks[0], wide.blocks[1]
    with torch.inference_mode():
        given = second.conv.inverted_bottleneck.conv(first(wide.first_conv(images)))
    deviation = second.conv.inverted_bottleneck.bn.running_var.sqrt()
    ratio = (given.std(dim=(0, 2, 3)) / deviation)[:96]
    assert 0.7 < ratio.min() < ratio.max() < 1.4
    assert first.conv.point_linear.bn.weight[:16].min() >= 0.5 * FIRST_BLOCK_GAIN


def test_a_smaller_network_keeps_the_strongest_channels(lite):
    network = build_network("ofa595", 3)
    before = network.classifier.linear.weight.clone()
    inherit_from_lite(network, lite, MEAN, STD)
    theirs, own = lite.blocks[2][1], network.blocks[5].conv
    kept = own.inverted_bottleneck.bn.bias
    places = [(theirs.bn1.bias == value).nonzero().item() for value in kept]
    assert places == sorted(places)
    assert len(places) < theirs.conv_pw.out_channels
    assert torch.equal(own.inverted_bottleneck.conv.weight, theirs.conv_pw.weight[places])
    assert torch.equal(own.depth_conv.conv.weight, theirs.conv_dw.weight[places])
    assert torch.equal(network.classifier.linear.weight, before)
    assert torch.isfinite(network.eval()(torch.randn(1, 3, 64, 64))).all()


def test_a_block_more_than_lites_changes_nothing_at_first(lite):
    network = build_network("ofa595", 3)
    inherit_from_lite(network, lite, MEAN, STD)
    features = torch.randn(1, 48, 8, 8)
    assert torch.allclose(network.eval().blocks[7](features), features, atol=1e-5)
