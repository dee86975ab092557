"""Class activation maps other than the fast Score-CAM, most of them made by pytorch-grad-cam.

They are computed by torch on the CPU, from a network that is loaded for the purpose and thrown away: no hook that
pytorch-grad-cam leaves in it outlives the call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import ExplanationError, UsageError
from core.explain.heatmap import HeatMap
from core.models.architectures import cam_layer, get_architecture, maps_to_nchw, with_maps

if TYPE_CHECKING:
    import torch
    from torch import nn

FloatArray = npt.NDArray[np.float32]
BATCH_SIZE = 16


@dataclass(frozen=True)
class Explained:
    """What a method explains.

    Attributes:
        network: identifier of the architecture.
        module: the network in evaluation mode, for this use only.
        image: its normalised input, shape (1, 3, H, W), float32, on the CPU.
        class_index: the class to explain.
    """

    network: str
    module: nn.Module
    image: torch.Tensor
    class_index: int


@dataclass(frozen=True)
class CamMethod:
    """A way to make class activation maps; ``METHODS`` holds those of the program.

    Attributes:
        name: its name in the literature, which is also its identifier.
        make: returns the map, float32 in [0, 1], at the input's size (H, W) or at the layer's (h, w).
        many_forwards: whether it takes a forward for each feature map, and so up to minutes.
    """

    name: str
    make: Callable[[Explained], FloatArray]
    many_forwards: bool = False


def class_activation_map(method: str, network: str, module: nn.Module, image: FloatArray, class_index: int) -> HeatMap:
    """Return a class activation map.

    Grad-CAM: Selvaraju et al. 2017; Grad-CAM++: Chattopadhyay et al. 2018; LayerCAM: Jiang et al. 2021; Eigen-CAM:
    Muhammad and Yeasin 2020 (the same for every class); Ablation-CAM: Desai and Ramaswamy 2020; Score-CAM: Wang et al.
    2020, the slow reference for ``core.explain.scorecam``.

    Args:
        method: a key of ``METHODS``.
        network: identifier of the architecture.
        module: a network of it, of the caller's own: it is not to be used again.
        image: its normalised input, shape (1, 3, H, W).
        class_index: the class to explain.

    Returns:
        A map; the methods of the program make it at the input's size, shape (H, W).

    Raises:
        UsageError: if there is no such method.
        ExplanationError: if the map is not finite.
    """
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r}.", remedy=f"The methods are {', '.join(METHODS)}.")
    import torch

    started = time.perf_counter()
    explained = Explained(network, module.eval(), torch.from_numpy(image), class_index)
    with torch.inference_mode():
        maps = int(with_maps(network, module)(explained.image)[1].shape[1])
    values = METHODS[method].make(explained)
    if not np.isfinite(values).all():
        raise ExplanationError(f"{method} of this image is not finite.", remedy="Choose another method.")
    return HeatMap(
        values=np.asarray(values, dtype=np.float32),
        class_index=class_index,
        layer=get_architecture(network).layer,
        method=method,
        maps_scored=maps if METHODS[method].many_forwards else 1,
        maps_total=maps,
        estimated_error=0.0,
        seconds=time.perf_counter() - started,
    )


def _by_library(class_name: str, explained: Explained, **options: object) -> FloatArray:
    """Return the map that a class of pytorch-grad-cam makes, given options of its own."""
    import pytorch_grad_cam
    import torch
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    cam = getattr(pytorch_grad_cam, class_name)(
        model=explained.module,
        target_layers=[cam_layer(explained.network, explained.module)],
        reshape_transform=maps_to_nchw(explained.network, explained.module),
        **options,
    )
    cam.batch_size = BATCH_SIZE
    try:  # not ``with cam``, which swallows an IndexError
        with _without_progress_bars(), torch.enable_grad():
            values: FloatArray = cam(explained.image, [ClassifierOutputTarget(explained.class_index)])[0]
    finally:
        cam.activations_and_grads.release()
    return values


def _ablation_cam(explained: Explained) -> FloatArray:
    return _by_library("AblationCAM", explained, ablation_layer=_ablation_layer(explained))


METHODS: dict[str, CamMethod] = {
    method.name: method
    for method in (
        CamMethod("Grad-CAM", partial(_by_library, "GradCAM")),
        CamMethod("Grad-CAM++", partial(_by_library, "GradCAMPlusPlus")),
        CamMethod("LayerCAM", partial(_by_library, "LayerCAM")),
        CamMethod("Eigen-CAM", partial(_by_library, "EigenCAM")),
        CamMethod("Ablation-CAM", _ablation_cam, many_forwards=True),
        CamMethod("Score-CAM", partial(_by_library, "ScoreCAM"), many_forwards=True),
    )
}


def _ablation_layer(explained: Explained) -> nn.Module:
    """Return the layer that removes one feature map; pytorch-grad-cam has none for maps in the last axis."""
    import torch
    from pytorch_grad_cam.ablation_layer import AblationLayer

    class ChannelsLast(AblationLayer):  # type: ignore[misc]
        """Ablates channels of (N, h, w, K) or (N, L, K)."""

        def set_next_batch(
            self, input_batch_index: int, activations: torch.Tensor, num_channels_to_ablate: int
        ) -> None:
            one = activations[input_batch_index]
            self.activations = one.unsqueeze(0).repeat(num_channels_to_ablate, *[1] * one.ndim)

        def __call__(self, _batch: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = self.activations
            lowest = output.min()
            value = 0.0 if lowest == 0 else float(lowest) - 1e7
            for i in range(len(output)):
                output[i, ..., self.indices[i]] = value
            return output

    caught: list[torch.Tensor] = []
    layer = cam_layer(explained.network, explained.module)
    handle = layer.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    try:
        with torch.inference_mode():
            maps = with_maps(explained.network, explained.module)(explained.image)[1]
    finally:
        handle.remove()
    ablation: nn.Module = AblationLayer() if caught[0].shape[1] == maps.shape[1] else ChannelsLast()
    return ablation


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Keep pytorch-grad-cam's progress bars off standard error."""
    import tqdm

    usual = tqdm.tqdm
    tqdm.tqdm = lambda steps, *_arguments, **_options: steps
    try:
        yield
    finally:
        tqdm.tqdm = usual
