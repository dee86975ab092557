"""Other class activation maps, and the reference Score-CAM, through pytorch-grad-cam.

They are computed by torch on the CPU, from a network that is loaded for the purpose and thrown away: nothing that
pytorch-grad-cam hooks into it, or fails to take out, outlives the call.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from core.errors import ExplanationError, UsageError
from core.explain.heatmap import HeatMap
from core.models.architectures import cam_layer, get_architecture, maps_to_nchw, with_maps

if TYPE_CHECKING:
    from torch import nn

Method = Literal["Grad-CAM", "Grad-CAM++", "LayerCAM", "Eigen-CAM", "Ablation-CAM", "Score-CAM"]
METHODS: tuple[Method, ...] = get_args(Method)
MANY_FORWARDS: tuple[Method, ...] = ("Ablation-CAM", "Score-CAM")  # one for each feature map; the others take one

_CLASS_NAMES: dict[Method, str] = {
    "Grad-CAM": "GradCAM",
    "Grad-CAM++": "GradCAMPlusPlus",
    "LayerCAM": "LayerCAM",
    "Eigen-CAM": "EigenCAM",
    "Ablation-CAM": "AblationCAM",
    "Score-CAM": "ScoreCAM",
}
BATCH_SIZE = 16


def class_activation_map(
    method: Method, network: str, module: nn.Module, image: npt.NDArray[np.float32], class_index: int
) -> HeatMap:
    """Return a class activation map at the input's size.

    Grad-CAM: Selvaraju et al. 2017; Grad-CAM++: Chattopadhyay et al. 2018; LayerCAM: Jiang et al. 2021; Eigen-CAM:
    Muhammad and Yeasin 2020 (the same for every class); Ablation-CAM: Desai and Ramaswamy 2020; Score-CAM: Wang et al.
    2020, the slow reference for ``core.explain.scorecam``.

    Args:
        method: which one.
        network: identifier of the architecture.
        module: a network of it, of the caller's own: it is not to be used again.
        image: its normalised input, shape (1, 3, H, W).
        class_index: the class to explain.

    Returns:
        A map of shape (H, W).

    Raises:
        UsageError: if there is no such method.
        ExplanationError: if the map is not finite.
    """
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r}.", remedy=f"The methods are {', '.join(METHODS)}.")
    import pytorch_grad_cam
    import torch
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    started = time.perf_counter()
    layer = cam_layer(network, module.eval())
    caught: list[torch.Tensor] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    try:
        with torch.inference_mode():
            maps = int(with_maps(network, module)(torch.from_numpy(image))[1].shape[1])
    finally:
        handle.remove()
    options: dict[str, Any] = {}
    if method == "Ablation-CAM":
        options = {"ablation_layer": _ablation_layer(caught[0].shape[1] == maps), "batch_size": BATCH_SIZE}
    forwards = maps if method in MANY_FORWARDS else 1
    cam = getattr(pytorch_grad_cam, _CLASS_NAMES[method])(
        model=module, target_layers=[layer], reshape_transform=maps_to_nchw(network, module), **options
    )
    cam.batch_size = BATCH_SIZE
    try:  # not ``with cam``, which swallows an IndexError
        with _quiet(), torch.enable_grad():
            values = cam(torch.from_numpy(image), [ClassifierOutputTarget(class_index)])[0]
    finally:
        cam.activations_and_grads.release()
    if not np.isfinite(values).all():
        raise ExplanationError(f"{method} of this image is not finite.", remedy="Choose another method.")
    return HeatMap(
        values=np.asarray(values, dtype=np.float32),
        class_index=class_index,
        layer=get_architecture(network).layer,
        method=method,
        maps_scored=forwards,
        maps_total=maps,
        estimated_error=0.0,
        seconds=time.perf_counter() - started,
    )


def _ablation_layer(channels_first: bool) -> nn.Module:
    """Return the layer that takes one feature map away; pytorch-grad-cam has none for maps in the last axis."""
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

    layer: nn.Module = AblationLayer() if channels_first else ChannelsLast()
    return layer


class _quiet:  # noqa: N801 - used like a function
    """Keeps pytorch-grad-cam's progress bars off standard error."""

    def __enter__(self) -> None:
        import tqdm

        self._honest = tqdm.tqdm
        tqdm.tqdm = _without_bar

    def __exit__(self, *_exception: object) -> None:
        import tqdm

        tqdm.tqdm = self._honest


def _without_bar(steps: Any, *_arguments: object, **_options: object) -> Any:  # noqa: ANN401 - stands in for tqdm
    return steps
