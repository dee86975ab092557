"""The network of a run: built by the recipe, with the weights that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.architectures import Size, build_network, cam_layer, get_architecture, maps_to_nchw
from core.bundle import read_bundle
from core.catalogue import read_catalogue
from core.errors import BundleError, UsageError, WeightsUnavailableError
from core.imagenet import load_imagenet_weights
from core.positions import fit_positions
from training.finished_run import is_run, read_run

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.bundle import Bundle
    from training.recipe import Model


def build(model: Model, classes: int, size: Size, seed: int) -> tuple[nn.Module, str]:
    """Build a network with its starting weights.

    Args:
        model: the recipe's part.
        classes: number of outputs.
        size: height and width of the input in pixels.
        seed: seed of the random weights.

    Returns:
        The network, and in words what it starts from.

    Raises:
        UsageError: if the network does not take this size, or what to start from does not exist.
        WeightsUnavailableError: if the starting weights can't be had.
        BundleError: if a bundle to start from is damaged or of another network.
        RunError: if a run to start from is unfinished or damaged.
    """
    import torch

    torch.manual_seed(seed)
    network = build_network(model.network, classes, model.head, model.subnet, size)
    started = _start(network, model)
    if model.dropout is not None:
        for part in network.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = model.dropout
    return network.to(memory_format=torch.channels_last), started


def find_bundle(name: str) -> Bundle:
    """Return a bundle by identifier, such as ``chest-xray/teacher-vgg19``, or folder, or a finished run by its folder.

    Raises:
        BundleError: if there is none.
        RunError: if the run is unfinished or damaged.
    """
    if is_run(Path(name)):
        return read_run(Path(name))
    return read_catalogue().bundles.get(name) or read_bundle(Path(name))


class LastMaps:
    """Catches a network's last spatial feature maps (B, K, h, w) at each forward.

    Args:
        network: identifier of the architecture.
        module: the network.
    """

    def __init__(self, network: str, module: nn.Module) -> None:
        self._reshape = maps_to_nchw(network)
        self._caught: list[Tensor] = []
        self._handle = cam_layer(network, module).register_forward_hook(self._catch)

    def _catch(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self._caught = [output]

    def take(self) -> Tensor:
        """Return the maps of the last forward and forget them."""
        maps = self._caught.pop()
        return maps if self._reshape is None else self._reshape(maps)

    def remove(self) -> None:
        """Stop catching."""
        self._handle.remove()


def _start(network: nn.Module, model: Model) -> str:
    name = get_architecture(model.network).name
    if model.start == "random":
        return "random weights"
    if model.start in ("imagenet", "imagenet-or-random"):
        try:
            load_imagenet_weights(model.network, network)
        except WeightsUnavailableError as error:
            if model.start == "imagenet":
                raise
            return f"random weights ({error.problem})"
        return f"the published ImageNet weights of {name}"
    path = Path(model.start)
    if path.is_file():
        load_imagenet_weights(model.network, network, path)
        return f"the weights file {path.name}"
    try:
        bundle = find_bundle(model.start)
    except BundleError as cause:
        raise UsageError(
            f"model.start: {model.start!r} is neither random, imagenet, imagenet-or-random, a file, a bundle "
            "nor a run.",
            remedy="Correct this key of the recipe.",
        ) from cause
    _load_bundle(network, bundle, model)
    return f"the run {path.name}" if is_run(path) else f"the bundle {bundle.id}"


def _load_bundle(network: nn.Module, bundle: Bundle, model: Model) -> None:
    """Take a bundle's weights; a classifier for another number of classes keeps its random ones."""
    import torch

    own = network.state_dict()
    found = fit_positions({k: torch.from_numpy(value.copy()) for k, value in bundle.read_state().items()}, network)
    if bundle.card.network != model.network or found.keys() != own.keys():
        raise BundleError(
            f"The bundle holds the weights of another network than {get_architecture(model.network).name}.",
            path=bundle.directory,
            remedy="Correct model.start in the recipe.",
        )
    fitting = {key: value for key, value in found.items() if value.shape == own[key].shape}
    strangers = [key for key in own if key not in fitting and not key.startswith(("head.", "classifier."))]
    if strangers:
        raise BundleError(f"{strangers[0]!r} has another shape than this network's.", path=bundle.directory)
    network.load_state_dict({**own, **fitting})
