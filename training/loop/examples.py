"""What the network answers to a few validation images after an epoch: prediction and heat map, for who watches.

The heat maps are Grad-CAM (arXiv 1610.02391, equations 1 and 2): one forward, and the gradient of the head alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.errors import WriteError
from core.models.architectures import cam_layer, maps_to_nchw
from core.system.atomic_files import bytes_written_whole, make_folder
from training.data.augmentation import as_floats, network_input
from training.loop.setup import Setup
from training.runs.examples import FILE, Example, Examples
from training.runs.folder import RunFolder

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST = 6  # images; their forward is that of a small batch, once an epoch


def chosen(labels: npt.NDArray[np.int64]) -> list[int]:
    """Return the places of up to ``MOST`` images, always the same ones: the classes in turn.

    Args:
        labels: (N,) class indices.
    """
    classes = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    rounds = range(max(map(len, classes), default=0))
    return [members[i] for i in rounds for members in classes if i < len(members)][:MOST]


def write_examples(setup: Setup, folder: RunFolder, epoch: int) -> bool:
    """Write the answers of the averaged weights into a run's folder; return whether it could be done.

    Nothing of the run changes: no random number is drawn, and a full disk costs the examples alone.

    Args:
        setup: the run.
        folder: its folder; the pictures are written there once.
        epoch: the epoch that was finished.
    """
    import torch

    store, classes = setup.facts.val, setup.facts.data.classes
    places = chosen(store.labels)
    pixels = np.ascontiguousarray(store.pixels[places])
    inputs = network_input(as_floats(torch.from_numpy(pixels).to(setup.accelerator.device)), setup.how)
    with setup.accelerator.autocast():
        logits, maps = answers(setup.facts.recipe.model.network, setup.average.module, inputs)
    shares, best = logits.softmax(dim=1).max(dim=1)
    found = tuple(
        Example(
            picture=f"{i}.png",
            label=classes[int(store.labels[place])],
            predicted=classes[int(best[i])],
            probability=float(shares[i]),
            heat_map=() if maps is None else tuple(tuple(row) for row in maps[i].round(3).tolist()),
        )
        for i, place in enumerate(places)
    )
    with suppress(WriteError):
        make_folder(folder.examples)
        for example, picture in zip(found, pixels, strict=True):
            if not (folder.examples / example.picture).exists():
                with bytes_written_whole(folder.examples / example.picture) as file:
                    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG")
        folder.write_record(folder.examples / FILE, Examples(epoch=epoch, examples=found))
        return True
    return False


def answers(name: str, network: nn.Module, inputs: Tensor) -> tuple[Tensor, npt.NDArray[np.float64] | None]:
    """Return logits (B, C), float32 on the CPU, and Grad-CAM of each image's most probable class.

    Args:
        name: the network's name.
        network: the network, in evaluation mode, which it stays in.
        inputs: (B, 3, H, W).

    Returns:
        The logits, and maps (B, h, w) in [0, 1]; None where the network has no spatial feature maps.
    """
    import torch

    layer, reshape = cam_layer(name, network), maps_to_nchw(name, network)
    caught: list[Tensor] = []

    def begin_graph(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        caught.append(output.detach().requires_grad_())
        torch.set_grad_enabled(True)  # from here on only: the features, which are most of the network, need no graph
        return caught[-1].clone()  # some networks change what they get in place

    handle = layer.register_forward_hook(begin_graph)
    try:
        with torch.no_grad():
            logits = network(inputs).float()
            (slopes,) = torch.autograd.grad(logits.max(dim=1).values.sum(), caught[-1])
    finally:
        handle.remove()
    features = caught[-1].detach()
    if reshape is not None:
        features, slopes = reshape(features), reshape(slopes)
    if features.ndim != 4 or features.shape[2:] == (1, 1):
        return logits.detach().cpu(), None
    weights = slopes.float().mean(dim=(2, 3), keepdim=True)
    maps = (weights * features.float()).sum(dim=1).clamp(min=0).cpu().double().numpy()
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    return logits.detach().cpu(), (maps - low) / np.maximum(high - low, 1e-12)
