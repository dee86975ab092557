"""Any classifier of timm: built by its name, with a layer from which Score-CAM takes the last spatial feature map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from core.errors import UsageError

if TYPE_CHECKING:
    from timm.models import PretrainedCfg
    from torch import Tensor, nn

PREFIX = "timm:"
LAYER = "last_map"  # what the marking layer is called inside the network


def timm_name(network: str) -> str:
    """Return timm's name of a network with the identifier ``timm:NAME``, or an empty string for any other network."""
    return network.removeprefix(PREFIX) if network.startswith(PREFIX) else ""


def display_name(name: str) -> str:
    """Return a timm network's name for people: the paper's where it is known here, else timm's."""
    return name.replace("tf_efficientnet_lite", "EfficientNet-Lite")


def build_timm_network(name: str, classes: int, size: tuple[int, int]) -> nn.Module:
    """Build one of timm's networks with random weights.

    What its ``forward_features`` returns passes through a layer without parameters, named ``LAYER``, so that the last
    feature maps can be hooked. Keys of the state dict are timm's own.

    Args:
        name: timm's name, e.g. ``tf_efficientnet_lite0``.
        classes: number of outputs.
        size: height and width of the input in pixels; counts where the network is made for one size.

    Raises:
        UsageError: if timm has no such network, or it can't be built for this size.
    """
    import timm
    from torch import nn

    build = partial(timm.create_model, name, num_classes=classes)
    is_sized = pretrained_config(name).fixed_input_size
    try:
        network: Any = build(img_size=size) if is_sized else build()
    except (AssertionError, ValueError, TypeError) as cause:
        raise UsageError(
            f"timm's {name} can't be built for images of {size[1]} × {size[0]} pixels ({cause}).",
            remedy="Choose another size.",
        ) from cause

    class Marked(type(network)):  # type: ignore[misc]
        """The network itself, whose features pass through a layer that can be hooked."""

        __module__ = type(network).__module__  # the module with timm's function that renames the keys of older weights

        def forward_features(self, x: Tensor, **options: object) -> Tensor:
            marked: Tensor = self.last_map(super().forward_features(x, **options))
            return marked

    network.__class__ = Marked
    network.add_module(LAYER, nn.Identity())
    return network  # type: ignore[no-any-return]


def is_channels_last(maps: Tensor, network: nn.Module) -> bool:
    """Return whether channels are the last axis of what a timm network's ``forward_features`` returned."""
    channels = int(network.num_features)  # type: ignore[arg-type]
    return maps.ndim == 3 or maps.shape[1] != channels


def features_to_nchw(features: Tensor, network: nn.Module) -> Tensor:
    """Return the features of a timm network as maps (N, K, h, w).

    Args:
        features: what its ``forward_features`` returned: (N, K, h, w), (N, h, w, K), or tokens (N, L, K), of which the
            prefix tokens (class, registers) are dropped and the others put back on their grid.
        network: the network.

    Raises:
        UsageError: if the tokens form no grid.
    """
    if not is_channels_last(features, network):
        return features
    if features.ndim == 4:
        return features.permute(0, 3, 1, 2).contiguous()
    tokens = features[:, int(getattr(network, "num_prefix_tokens", 0)) :]
    grid = getattr(getattr(network, "patch_embed", None), "grid_size", None)
    side = round(tokens.shape[1] ** 0.5)
    rows, columns = grid if grid and grid[0] * grid[1] == tokens.shape[1] else (side, side)
    if rows * columns != tokens.shape[1]:
        raise UsageError(
            f"The {tokens.shape[1]} tokens of {type(network).__bases__[0].__name__} form no grid.",
            remedy="Choose a network with a spatial feature map.",
        )
    # not len(tokens), which would fix the batch of a graph that is exported
    return tokens.transpose(1, 2).reshape(-1, tokens.shape[2], rows, columns)


def pretrained_config(name: str) -> PretrainedCfg:
    """Return what timm knows of a network's standard weights: where they are, and what input they expect.

    Raises:
        UsageError: if timm has no such network.
    """
    import timm

    found = timm.models.get_pretrained_cfg(name) if timm.is_model(name) else None
    if found is None:
        raise UsageError(f"timm has no network {name!r}.", remedy="timm.list_models() lists their names.")
    return found
