"""Published ImageNet weights to start training from: from the network where it is reachable, else from a file."""

from __future__ import annotations

import hashlib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import WeightsUnavailableError
from core.models import timm_networks
from core.models.architectures import OFA595, get_architecture, is_classifier
from core.models.position_embeddings import fit_positions
from core.system.cache import IMAGENET_WEIGHTS

if TYPE_CHECKING:
    import torch
    from torch import nn

OFA_URL = (
    "https://raw.githubusercontent.com/han-cai/files/master/ofa/ofa_specialized/flops-595M_top1-80.0_finetune-75/init"
)
OFA_BLOB_ID = "74f66317154302487bfec9874d35b7350863ace9"
OFA_MAX_BYTES = 100_000_000
TIMEOUT_SECONDS = 20.0


def load_imagenet_weights(network: str, module: nn.Module, weights: Path | None = None) -> list[str]:
    """Put ImageNet weights into a network; its classifier keeps its random weights.

    Args:
        network: identifier of the architecture.
        module: what ``build_network`` made for it.
        weights: a local copy of the published file; without it the file is fetched into the user's cache.

    Returns:
        The keys that kept their random weights: those of the classifier.

    Raises:
        WeightsUnavailableError: if the file can't be fetched or is not the published one, saying what to do.
    """
    if weights is None:
        weights = _fetch_ofa() if network == OFA595.id else _fetch_from_hub(network)
    elif not weights.is_file():
        raise WeightsUnavailableError("There is no such weights file.", path=weights)
    state = _read_ofa(weights) if network == OFA595.id else _read_timm(weights, module)
    own = module.state_dict()
    taken = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
    missing = [key for key in own if key not in taken]
    others = [key for key in missing if not is_classifier(key, module)]
    if others:
        raise WeightsUnavailableError(
            f"The file does not hold the weights of {get_architecture(network).name}: {len(others)} tensors such as "
            f"{others[0]!r} are missing or of another shape.",
            path=weights,
            remedy="Give the published file for this network.",
        )
    module.load_state_dict({**own, **taken})
    return missing


def git_blob_id(data: bytes) -> str:
    """Return the identifier that git gives to a file's contents: SHA-1 over a header and the bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _unreachable(network: str, source: str, cause: Exception) -> WeightsUnavailableError:
    name = get_architecture(network).name
    return WeightsUnavailableError(
        f"The ImageNet weights of {name} could not be fetched from {source} ({type(cause).__name__}).",
        remedy="Fetch that file on a machine with a connection and name it as the local weights file, "
        "or start from random weights.",
    )


def _fetch_from_hub(network: str) -> Path:
    from huggingface_hub import hf_hub_download

    repository = _hub_repository(network)
    try:
        return Path(hf_hub_download(repository, "model.safetensors", etag_timeout=TIMEOUT_SECONDS))
    except Exception as cause:  # the hub's client raises a dozen kinds, of three libraries
        raise _unreachable(network, f"{repository} (model.safetensors) on the Hugging Face hub", cause) from cause


def _hub_repository(network: str) -> str:
    """Return the repository of a network's ImageNet weights on the Hugging Face hub."""
    if name := timm_networks.timm_name(network):
        return timm_networks.pretrained_config(name).hf_hub_id or f"timm/{name}"
    architecture = get_architecture(network)
    if not architecture.hub:
        raise WeightsUnavailableError(
            f"No published ImageNet weights of {architecture.name} are known.",
            remedy="Name a local weights file, or start from random weights.",
        )
    return architecture.hub


def _fetch_ofa() -> Path:
    key = f"ofa595-{OFA_BLOB_ID[:12]}.pth"
    if (found := IMAGENET_WEIGHTS.find(key)) is not None:
        return found
    try:
        with urllib.request.urlopen(OFA_URL, timeout=TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(OFA_MAX_BYTES + 1)
    except OSError as cause:
        raise _unreachable(OFA595.id, OFA_URL, cause) from cause
    _check_ofa(data, OFA_URL)
    with IMAGENET_WEIGHTS.new(key) as path:
        path.write_bytes(data)
    return IMAGENET_WEIGHTS.entry(key)


def _check_ofa(data: bytes, source: str | Path) -> None:
    found = git_blob_id(data)
    if found != OFA_BLOB_ID:
        raise WeightsUnavailableError(
            f"This is not the published OFA-595 file: its git blob id is {found}, expected {OFA_BLOB_ID}.",
            path=source,
            remedy="Fetch it again from the once-for-all repository.",
        )


def _read_ofa(path: Path) -> dict[str, torch.Tensor]:
    import io

    import torch

    data = path.read_bytes()
    _check_ofa(data, path)
    state: dict[str, torch.Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)["state_dict"]
    return {key.replace(".mobile_inverted_conv.", ".conv."): value for key, value in state.items()}


def _read_timm(path: Path, module: nn.Module) -> dict[str, torch.Tensor]:
    """Read a timm or original checkpoint, through timm's own renaming where the network has one."""
    import sys
    from pickle import UnpicklingError

    from safetensors import SafetensorError
    from timm.models import load_state_dict

    try:
        state: dict[str, torch.Tensor] = load_state_dict(str(path), use_ema=False, weights_only=True)
    except (UnpicklingError, SafetensorError, RuntimeError, EOFError, KeyError) as cause:
        raise WeightsUnavailableError(
            f"The file is not a readable checkpoint ({type(cause).__name__}).",
            path=path,
            remedy="Give the published .safetensors or .pth file.",
        ) from cause
    state = fit_positions(state, module)
    rename: Any = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    return dict(rename(state, module)) if rename is not None else state
