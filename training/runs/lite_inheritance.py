"""ImageNet knowledge for OFA-595, whose own published weights may be out of reach, from EfficientNet-Lite2.

Both are chains of the same block: a 1×1 convolution that expands, a depthwise one and a 1×1 convolution back, with
nearly as many channels and blocks a stage. A network is initialised with a part of a larger one's weights, as in
"weight selection" (Xu et al., arXiv 2311.18823), but a block's channels are chosen by what they give, as once-for-all
shrinks its own supernet (arXiv 1908.09791). What differs is bridged so that little changes:

- a kernel is put in the middle of a larger one, or its middle in a smaller one;
- h-swish is near ReLU for large inputs: the batch norm before it scales by ``HSWISH_GAIN``, and the one behind the next
  convolution takes that back;
- squeeze-and-excitation begins with the same factor for every channel;
- the first block's shortcut, which Lite2 lacks, is made small beside the block, whose output is scaled by
  ``FIRST_BLOCK_GAIN``, which the next batch norm takes back;
- a block more than Lite2's adds nothing at first; channels more than Lite2's have zero weights in the next layer.

Features are those of Lite2 moved by some pixels, since TensorFlow pads strided convolutions on one side only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

Untyped = Any  # modules of ofa and timm, whose parts their packages give no types

HSWISH_GAIN = 4.0
FIRST_BLOCK_GAIN = 8.0  # more gains nothing, and with 128 the values went beyond float16
SE_BIAS = 2.0  # where the h-sigmoid gives 5/6 and still has a slope
LITE_MEAN, LITE_STD = 127 / 255, 128 / 255  # Lite's input is (x − 127) / 128 for x in [0, 255]


def inherit_from_lite(ofa: nn.Module, lite: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Give a subnet of once-for-all's supernet the weights of an EfficientNet-Lite, as far as they fit.

    The layers behind the stages' expansion (``feature_mix_layer``, ``classifier``) keep their weights.

    Args:
        ofa: the subnet; it is changed.
        lite: timm's ``tf_efficientnet_lite*`` with its weights.
        mean: mean of the subnet's input, by channel, in [0, 1].
        std: its standard deviation.
    """
    import torch

    own: Untyped = ofa
    theirs: Untyped = lite
    stages = _stages(own.blocks)
    with torch.no_grad():
        kept = _stem(own.first_conv, theirs, mean, std)
        stream = _first_block(own.blocks[0].conv, theirs.blocks[0][0], kept, _activation_gain(own.first_conv))
        for number, blocks in enumerate(stages, 1):
            out = _stage_channels(blocks, theirs.blocks[number], theirs.blocks[number + 1][0])
            for place, block in enumerate(blocks):
                if place >= len(theirs.blocks[number]):
                    block.conv.point_linear.bn.weight.zero_()
                    continue
                input_gain = FIRST_BLOCK_GAIN if (number, place) == (1, 0) else 1.0
                _block(block.conv, theirs.blocks[number][place], stream if place == 0 else out, out, input_gain)
            stream = out
        _last_expansion(own.final_expand_layer, theirs.blocks[len(stages) + 1][0], stream)


def _stages(blocks: Untyped) -> list[list[Untyped]]:
    """Return the blocks of each stage; a stage begins with a block that has no shortcut."""
    stages: list[list[Untyped]] = []
    for block in list(blocks)[1:]:
        if block.shortcut is None:
            stages.append([])
        stages[-1].append(block)
    return stages


def _stem(layer: Untyped, lite: Untyped, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Fill the first convolution; return which of Lite's channels it has."""
    import torch

    first = lite.blocks[0][0]
    worth = _mean_activation(first.bn1) * first.conv_pw.weight.abs().sum(dim=(0, 2, 3))
    kept = _strongest(worth, layer.conv.out_channels)
    weight = lite.conv_stem.weight[kept]
    own_mean, own_std = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    layer.conv.weight[: len(kept)] = weight * own_std / LITE_STD
    _fill_norm(layer.bn, lite.bn1, kept, output_gain=_activation_gain(layer))
    # the other mean adds a constant to the convolution's output, but for the border
    layer.bn.running_mean[: len(kept)] -= (weight * (own_mean - LITE_MEAN) / LITE_STD).sum(dim=(1, 2, 3))
    return kept


def _first_block(layer: Untyped, theirs: Untyped, kept: Tensor, input_gain: float) -> Tensor:
    """Fill the block that does not expand; return which of Lite's channels its first ones are."""
    import torch

    depth, point = layer.depth_conv, layer.point_linear
    depth.conv.weight[: len(kept)] = _placed(theirs.conv_dw.weight[kept], depth.conv.kernel_size[0])
    _fill_norm(depth.bn, theirs.bn1, kept, input_gain, _activation_gain(depth))
    out = torch.arange(min(theirs.conv_pw.out_channels, point.conv.out_channels))
    _fill(point.conv.weight, theirs.conv_pw.weight[out][:, kept])
    _fill_norm(point.bn, theirs.bn2, out, _activation_gain(depth), FIRST_BLOCK_GAIN)
    return out


def _stage_channels(blocks: list[Untyped], theirs: Untyped, after: Untyped) -> Tensor:
    """Return which of a Lite stage's channels the subnet's stage has: the largest by value and use."""
    given = sum(block.bn3.weight.abs() + block.bn3.bias.abs() for block in theirs)
    used = sum(block.conv_pw.weight.abs().sum(dim=(0, 2, 3)) for block in [*list(theirs)[1:], after])
    return _strongest(given * used, blocks[0].conv.point_linear.conv.out_channels)


def _block(layer: Untyped, theirs: Untyped, stream: Tensor, out: Tensor, input_gain: float) -> None:
    """Fill a block from one of Lite's.

    Args:
        layer: the subnet's MBConvLayer.
        theirs: timm's InvertedResidual.
        stream: which of Lite's channels the block's first input channels are.
        out: which its first output channels become.
        input_gain: how many times as large its input is as Lite's.
    """
    expand, depth, point = layer.inverted_bottleneck, layer.depth_conv, layer.point_linear
    worth = _mean_activation(theirs.bn2) * theirs.conv_pwl.weight.abs().sum(dim=(0, 2, 3))
    kept = _strongest(worth, expand.conv.out_channels)
    _fill(expand.conv.weight, theirs.conv_pw.weight[kept][:, stream])
    _fill_norm(expand.bn, theirs.bn1, kept, input_gain, _activation_gain(expand))
    depth.conv.weight[: len(kept)] = _placed(theirs.conv_dw.weight[kept], depth.conv.kernel_size[0])
    _fill_norm(depth.bn, theirs.bn2, kept, _activation_gain(expand), _activation_gain(depth))
    point_gain = _activation_gain(depth)
    if hasattr(depth, "se"):
        depth.se.fc.expand.weight.mul_(0.1)
        depth.se.fc.expand.bias.fill_(SE_BIAS)
        point_gain *= (SE_BIAS + 3) / 6
    _fill(point.conv.weight, theirs.conv_pwl.weight[out][:, kept])
    _fill_norm(point.bn, theirs.bn3, out, point_gain)


def _last_expansion(layer: Untyped, theirs: Untyped, stream: Tensor) -> None:
    """Fill the 1×1 convolution behind the stages from the first one of Lite's last stage."""
    used = theirs.conv_dw.weight.abs().sum(dim=(1, 2, 3)) * theirs.conv_pwl.weight.abs().sum(dim=(0, 2, 3))
    kept = _strongest(_mean_activation(theirs.bn1) * used, layer.conv.out_channels)
    _fill(layer.conv.weight, theirs.conv_pw.weight[kept][:, stream])
    _fill_norm(layer.bn, theirs.bn1, kept)


def _activation_gain(layer: Untyped) -> float:
    """Return how many times as much goes into a layer's activation as into Lite's ReLU."""
    from torch import nn

    return HSWISH_GAIN if isinstance(layer.act, nn.Hardswish) else 1.0


def _strongest(worth: Tensor, count: int) -> Tensor:
    """Return the places of the ``count`` largest values, or of all if there are fewer, in order."""
    return worth.argsort(descending=True)[:count].sort().values


def _mean_activation(norm: Untyped) -> Tensor:
    """Return the mean of ReLU(x) by channel, if what batch norm gives is normal: σ φ(β/σ) + β Φ(β/σ) with σ = |γ|."""
    import torch

    deviation, mean = norm.weight.abs().clamp_min(1e-6), norm.bias
    z = mean / deviation
    density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    activation: Tensor = deviation * density + mean * torch.special.ndtr(z)
    return activation


def _placed(kernels: Tensor, size: int) -> Tensor:
    """Return kernels (K, 1, k, k) in the middle of larger ones, or their middle, (K, 1, size, size)."""
    from torch.nn.functional import pad

    margin = (size - kernels.shape[-1]) // 2
    return pad(kernels, (margin, margin, margin, margin))  # a negative margin crops


def _fill(weight: Tensor, theirs: Tensor) -> None:
    """Put the weights of a 1×1 convolution into a larger one; its further inputs get zero weights."""
    outputs, inputs = theirs.shape[:2]
    weight[:outputs, :inputs] = theirs
    weight[:, inputs:] = 0


def _fill_norm(norm: Untyped, theirs: Untyped, kept: Tensor, input_gain: float = 1.0, output_gain: float = 1.0) -> None:
    """Fill the first channels of a batch norm.

    Args:
        norm: the subnet's.
        theirs: Lite's.
        kept: which of Lite's channels they are.
        input_gain: how many times as large its input is as Lite's.
        output_gain: how many times as large its output becomes.
    """
    count = len(kept)
    norm.weight[:count] = output_gain * theirs.weight[kept]
    norm.bias[:count] = output_gain * theirs.bias[kept]
    norm.running_mean[:count] = input_gain * theirs.running_mean[kept]
    norm.running_var[:count] = input_gain**2 * (theirs.running_var[kept] + theirs.eps) - norm.eps
