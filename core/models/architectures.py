"""The networks: how to build each, and where its last spatial feature map is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.errors import UsageError
from core.models import timm_networks
from core.models.ofa_subnets import OFA_595, Subnet

if TYPE_CHECKING:
    import torch
    from torch import nn

VggHead = Literal["gap", "fc"]
Size = tuple[int, int]  # height and width in pixels


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes:
        id: the identifier in cards and on the command line.
        name: the name in the paper.
        family: the kind of network, in a word.
        layer: dotted path of the module whose output is the last spatial feature map, used for class activation maps.
        layout: axes of that output: ``NCHW``, ``NHWC``, or ``timm`` where they are found by ``features_to_nchw``.
        licence: licence of the published code and ImageNet weights.
        build: makes the network for a number of classes, with random weights; the head is VGG19's, the size that of
            the input, for networks that are made for one size.
        step: height and width must be multiples of this.
        hub: repository of timm's ImageNet weights on the Hugging Face hub, if there is one.
        has_subnets: whether a ``Subnet`` can be built in place of it.
    """

    id: str
    name: str
    family: str
    layer: str
    layout: Literal["NCHW", "NHWC", "timm"]
    licence: str
    build: Callable[[int, VggHead, Size], nn.Module]
    step: int = 1
    hub: str = ""
    has_subnets: bool = False

    def check_size(self, size: Size) -> None:
        """Raise UsageError if the network does not take images of this size."""
        if any(pixels % self.step for pixels in size):
            raise UsageError(
                f"{self.name} does not take images of {size[1]} × {size[0]} pixels.",
                remedy=f"Choose multiples of {self.step}.",
            )


def _vgg19(classes: int, head: VggHead, _size: Size) -> nn.Module:
    """VGG19 (Simonyan and Zisserman, arXiv 1409.1556); ``gap`` puts one linear layer behind a global average pool."""
    import timm
    from timm.layers import ClassifierHead
    from torch import nn

    if head == "fc":
        network: nn.Module = timm.create_model("vgg19", num_classes=classes)
    else:
        # the 4096-wide layers, which are replaced, are made one wide so that a second is not spent on filling them
        network = timm.create_model("vgg19", num_classes=classes, mlp_ratio=1 / 4096)
        network.pre_logits = nn.Identity()
        network.head = ClassifierHead(512, classes, pool_type="avg", drop_rate=0.2)
    return network


def _timm(name: str) -> Callable[[int, VggHead, Size], nn.Module]:
    def build(classes: int, _head: VggHead, size: Size) -> nn.Module:
        import timm

        network: nn.Module = timm.create_model(name, num_classes=classes, img_size=size)
        return network

    return build


def _ofa595(classes: int, _head: VggHead, _size: Size) -> nn.Module:
    return OFA_595.build(classes)


VGG19 = Architecture(
    "vgg19", "VGG19", "convolutional", "features.35", "NCHW", "BSD-3-Clause", _vgg19, hub="timm/vgg19.tv_in1k"
)
VISFORMER_S = Architecture(
    "visformer_small",
    "Visformer-S",
    "hybrid transformer",
    "stage3.3",
    "NCHW",
    "Apache-2.0",
    _timm("visformer_small"),
    step=2,
    hub="timm/visformer_small.in1k",
)
# timm's swin_s3_tiny_224 is AutoFormerV2-T (S3-T of Chen et al., arXiv 2111.14725) under its paper's other name
AUTOFORMER_V2_T = Architecture(
    "autoformerv2_tiny",
    "AutoFormerV2-T",
    "window transformer",
    "norm",
    "NHWC",
    "MIT",
    _timm("swin_s3_tiny_224"),
    hub="timm/swin_s3_tiny_224.ms_in1k",
)
OFA595 = Architecture(
    "ofa595",
    "OFA-595",
    "mobile convolutional",
    "final_expand_layer",
    "NCHW",
    "MIT (code)",
    _ofa595,
    has_subnets=True,
)

ARCHITECTURES: dict[str, Architecture] = {a.id: a for a in (VGG19, VISFORMER_S, AUTOFORMER_V2_T, OFA595)}


IMPORTED = "onnx:"  # how identifiers of networks begin that were imported as a graph


def _imported(network: str) -> Architecture:
    """Return a network of which only the graph is known: no torch module can be built for it."""
    name = network.removeprefix(IMPORTED)

    def build(_classes: int, _head: VggHead, _size: Size) -> nn.Module:
        raise UsageError(
            f"{name} was imported as a graph, which runs without torch but can't be built with it.",
            remedy="Choose another runtime than torch, and Score-CAM for heat maps.",
        )

    return Architecture(network, name, "imported", "maps", "NCHW", "that of its maker", build)


def get_architecture(network: str) -> Architecture:
    """Return the architecture with this identifier.

    It is one of ``ARCHITECTURES``, ``timm:`` and a name of timm's, or ``onnx:`` and any name for an imported graph.
    Whether timm has such a network is not looked up here, since that would import torch.

    Raises:
        UsageError: if there is none.
    """
    if name := timm_networks.timm_name(network):

        def build(classes: int, _head: VggHead, size: Size) -> nn.Module:
            return timm_networks.build_timm_network(name, classes, size)

        shown = timm_networks.display_name(name)
        return Architecture(network, shown, "timm", timm_networks.LAYER, "timm", "that of timm's model card", build)
    if network.startswith(IMPORTED):
        return _imported(network)
    try:
        return ARCHITECTURES[network]
    except KeyError:
        raise UsageError(
            f"There is no network {network!r}.",
            remedy=f"The networks are {', '.join(ARCHITECTURES)}, and timm:NAME for any of timm's.",
        ) from None


def build_network(
    network: str, classes: int, head: VggHead = "gap", subnet: Subnet | None = None, size: Size = (224, 224)
) -> nn.Module:
    """Build a network with random weights, in evaluation mode.

    Args:
        network: identifier, a key of ``ARCHITECTURES`` or ``timm:`` and a name of timm's.
        classes: number of outputs.
        head: VGG19 only: ``gap`` (20.0 M parameters) or the original 4096-wide ``fc`` (139.6 M).
        subnet: OFA-595 only: another subnet of its supernet.
        size: height and width of the input in pixels, which the transformers' position embeddings are made for.

    Raises:
        UsageError: if there is no such network, or it does not take this size.
    """
    if subnet is not None:
        return subnet.build(classes).eval()
    architecture = get_architecture(network)
    architecture.check_size(size)
    return architecture.build(classes, head, size).eval()


def model_name(model: str) -> str:
    """Return the name of a network or of a subnet for people.

    Args:
        model: a key of ``ARCHITECTURES``; for a subnet ``ofa595-`` and its digest; for a network of timm ``timm-`` and
            its name, for an imported one ``onnx-`` and its name; or a bundle's identifier, ``task/role-`` and one of
            these.

    Raises:
        UsageError: if there is no such network.
    """
    if "/" in model:
        model = model.rpartition("/")[2].partition("-")[2]  # of task/role-model
    if model.startswith(("timm-", "onnx-")):
        return get_architecture(model.replace("-", ":", 1)).name
    if model in ARCHITECTURES:
        return ARCHITECTURES[model].name
    network, _, digest = model.rpartition("-")
    return f"{get_architecture(network or model).name.partition('-')[0]} subnet {digest}"


def is_classifier(key: str, module: nn.Module) -> bool:
    """Return whether a key of a network's state dict belongs to its classifier, whose shape follows the classes."""
    named = getattr(module, "pretrained_cfg", {}).get("classifier") or ()
    names = (named,) if isinstance(named, str) else tuple(named)
    return key.startswith(("head.", "pre_logits.", "classifier.", *(f"{name}." for name in names)))


def cam_layer(network: str, module: nn.Module) -> nn.Module:
    """Return the module inside ``module`` whose output is the last spatial feature map."""
    return module.get_submodule(get_architecture(network).layer)


def maps_to_nchw(network: str, module: nn.Module) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Return the reshape that brings the layer's output to (N, K, h, w), or None where it always is so.

    This is what pytorch-grad-cam calls ``reshape_transform``.
    """
    layout = get_architecture(network).layout
    if layout == "timm":
        return lambda maps: timm_networks.features_to_nchw(maps, module)
    return _channels_first if layout == "NHWC" else None


def _channels_first(maps: torch.Tensor) -> torch.Tensor:
    return maps.permute(0, 3, 1, 2).contiguous()


def with_maps(network: str, module: nn.Module) -> nn.Module:
    """Wrap a network so that its forward returns logits (N, C) and the last spatial feature maps (N, K, h, w).

    The hook that catches the maps lives for one forward only: none stays, also after an error.
    """
    from torch import nn

    layer = cam_layer(network, module)
    reshape = maps_to_nchw(network, module)

    class WithMaps(nn.Module):
        """A network that also returns its last spatial feature maps."""

        def __init__(self) -> None:
            super().__init__()
            self.network = module

        def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            caught: list[torch.Tensor] = []
            handle = layer.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
            try:
                logits = self.network(batch)
            finally:
                handle.remove()
            maps = caught[-1]
            return logits, maps if reshape is None else reshape(maps)

    return WithMaps().eval()


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(module: nn.Module, height: int = 224, width: int = 224) -> int:
    """Return the multiply-accumulate operations of one forward at batch 1: half of torch's floating-point operations.

    Counted are convolutions, matrix products and attention, as ``torch.utils.flop_counter`` does.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    training = module.training
    module.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(torch.zeros(1, 3, height, width))
    finally:
        module.train(training)
    return int(counter.get_total_flops()) // 2
