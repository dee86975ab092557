"""Subnets of the once-for-all supernet ofa_mbv3_d234_e346_k357 (Cai et al., arXiv 1908.09791); OFA-595 is one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from torch import nn

PLACES = 4  # of each of the five stages; those beyond a stage's depth are unused


class Subnet(BaseModel):
    """The description of a subnet, from which alone it is built.

    Attributes:
        ks: kernel size of each of five stages of four places; a place beyond a stage's depth is unused.
        e: expansion ratio of each place.
        d: depth of each stage.
        width: width multiplier of all stages; 1.2 is OFA-595's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ks: tuple[Literal[3, 5, 7], ...] = Field(min_length=20, max_length=20)
    e: tuple[Literal[3, 4, 6], ...] = Field(min_length=20, max_length=20)
    d: tuple[Literal[2, 3, 4], ...] = Field(min_length=5, max_length=5)
    width: float = Field(default=1.2, ge=0.2, le=2.0)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that distinguish it from other subnets; unused places do not count."""
        used = [
            (self.ks[i], self.e[i])
            for stage, depth in enumerate(self.d)
            for i in range(stage * PLACES, stage * PLACES + depth)
        ]
        return hashlib.sha256(repr((self.d, used, self.width)).encode()).hexdigest()[:8]

    def build(self, classes: int) -> nn.Module:
        """Cut the subnet out of the supernet, by the package's own classes, with random weights."""
        from ofa.imagenet_classification.elastic_nn.networks import OFAMobileNetV3

        supernet = OFAMobileNetV3(
            n_classes=classes,
            bn_param=(0.1, 1e-5),
            dropout_rate=0.2,
            width_mult=self.width,
            ks_list=[3, 5, 7],
            expand_ratio_list=[3, 4, 6],
            depth_list=[2, 3, 4],
        )
        supernet.set_active_subnet(ks=list(self.ks), e=list(self.e), d=list(self.d))
        network: nn.Module = supernet.get_active_subnet(preserve_weight=True)
        _use_torchs_activations(network)
        return network


def _use_torchs_activations(module: nn.Module) -> None:
    """Replace the package's h-swish and h-sigmoid, made of four operations, by torch's own, with the same bits.

    A step of training takes less memory, and the graph has fewer operators. Not in place: that would be taken apart in
    the graph.
    """
    from ofa.utils.pytorch_modules import Hsigmoid, Hswish
    from torch import nn

    for name, child in module.named_children():
        if isinstance(child, Hswish):
            setattr(module, name, nn.Hardswish())
        elif isinstance(child, Hsigmoid):
            setattr(module, name, nn.Hardsigmoid())
        else:
            _use_torchs_activations(child)


def model_id(network: str, subnet: Subnet | None) -> str:
    """Return a network's identifier as a part of a file's name, with the subnet's digest where it is one.

    For example ``ofa595``, ``ofa595-0123abcd``, or ``timm-resnet18`` for ``timm:resnet18``.
    """
    return network.replace(":", "-", 1) if subnet is None else f"{network}-{subnet.digest}"


# "flops@595M_top1@80.0_finetune@75" of ofa_mbv3_d234_e346_k357_w1.2
OFA_595 = Subnet(
    ks=(3, 5, 3, 3, 5, 5, 3, 5, 7, 5, 3, 5, 3, 5, 7, 3, 3, 3, 5, 3),
    e=(3, 4, 3, 3, 4, 4, 6, 3, 6, 6, 3, 4, 6, 6, 6, 4, 6, 6, 6, 3),
    d=(3, 4, 4, 4, 4),
)
