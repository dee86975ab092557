"""TorchScript: for programs in C++ and Java that carry torch, such as WSInfer and QuPath.

The file has one output, the logits over the temperature: WSInfer and QuPath take the softmax of what they get.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.deploy.format import FACTS_KEY, FloatArray, ModelFormat, Network, Order

if TYPE_CHECKING:
    import torch
    from torch import nn

    from core.models.bundle import Bundle

FACTS_FILE = f"{FACTS_KEY}.json"  # inside the file


def _write(bundle: Bundle, path: Path) -> None:
    _trace(bundle, bundle.load_network(), path)


def _write_smaller(_plain: Path, order: Order, path: Path) -> None:
    network = order.bundle.load_network()
    _store_as_float16(network)
    _trace(order.bundle, network, path)


def _trace(bundle: Bundle, network: nn.Module, path: Path) -> None:
    import torch

    with torch.no_grad(), _deprecated():
        example = torch.zeros(2, 3, *bundle.card.preprocessing.size)
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            _calibrated(network, bundle.card.temperature), example, check_trace=False
        )
        torch.jit.save(traced, str(path))


def _label(path: Path, facts: str) -> None:
    import torch

    with _deprecated():
        network = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
        torch.jit.save(network, str(path), _extra_files={FACTS_FILE: facts})


def _open(path: Path, threads: int) -> Network:
    import torch

    torch.set_num_threads(threads)
    with _deprecated():
        network = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

    def run(image: FloatArray) -> FloatArray:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(image)).numpy())

    return run


def _calibrated(network: nn.Module, temperature: float) -> nn.Module:
    from torch import nn

    class Calibrated(nn.Module):
        """A network whose logits are divided by its temperature."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.network(batch)
            return logits / temperature

    return Calibrated().eval()


def _store_as_float16(network: nn.Module) -> None:
    """Store all weights as float16 that each forward makes float32 again, as it is then computed."""
    from torch import nn
    from torch.nn.utils import parametrize

    class AsFloat32(nn.Module):
        """Makes a stored weight one to compute with."""

        def forward(self, stored: torch.Tensor) -> torch.Tensor:
            return stored.float()

    for module in [*network.modules()]:
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, value in own:
            if value.is_floating_point():
                parametrize.register_parametrization(module, name, AsFloat32())
                stored = module.parametrizations[name].original  # type: ignore[index, union-attr]
                stored.data = value.data.half()


@contextmanager
def _deprecated() -> Iterator[None]:
    """Keep quiet that torch recommends ``torch.export``: the programs that this is for read no such file."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is deprecated. Please switch to", FutureWarning)
        warnings.filterwarnings("ignore", ".*is deprecated. Please switch to", DeprecationWarning)
        yield


FORMAT = ModelFormat(
    "torchscript",
    "TorchScript",
    "WSInfer, QuPath, programs in C++ or Java",
    "torchscript_model.pt",
    ("float32", "float16"),
    ("torch", "torchvision", "timm", "ofa"),
    (),
    "gpu",
    _write,
    _write_smaller,
    _label,
    _open,
    calibrated=True,
)
