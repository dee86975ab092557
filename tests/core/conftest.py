import numpy as np
import pytest
import torch

from core.architectures import get_architecture, with_maps
from core.masks import mask_scorer


class TorchNetwork:
    """A torch module as a ``core.runtime.Runtime`` in its own precision, which counts its forwards."""

    name, device, notice = "torch", "CPU", ""

    def __init__(self, network, module, batch_size=8):
        self.layer = get_architecture(network).layer
        self.module = with_maps(network, module)
        self.batch_size = batch_size
        self.images = 0
        self.dtype = next(module.parameters()).dtype
        self.precision = str(self.dtype)

    def forward(self, batch):
        return self.forward_with_maps(batch)[0]

    def forward_with_maps(self, batch):
        self.images += len(batch)
        with torch.inference_mode():
            logits, maps = self.module(torch.from_numpy(batch).to(self.dtype))
        return logits.numpy(), maps.numpy().astype(np.float32)

    def mask_scorer(self, image, map_size):
        return mask_scorer(self.forward, image, map_size, self.batch_size)


@pytest.fixture(scope="session")
def torch_network():
    return TorchNetwork
