"""The torch runtime: CPU, CUDA or Apple GPU. Outputs are float32; a GPU scores Score-CAM's masks in half precision."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import RuntimeUnavailableError
from core.models.architectures import get_architecture, with_maps
from core.models.probe import probe_input
from core.runtimes.base import MASK_AGREEMENT, RuntimeKind, check_agreement, disagreement, expected_logits
from core.runtimes.masks import EPSILON, MaskScorer, linear_weights, mask_scorer
from core.system.extras import how_to_add

if TYPE_CHECKING:
    from core.models.bundle import Bundle

FloatArray = npt.NDArray[np.float32]


def has_accelerator() -> bool:
    """Return whether torch finds a GPU; torch is not imported where no driver of one is present.

    Importing torch takes seconds, and a machine without a GPU is recognised without it.
    """
    if not _has_gpu_driver():
        return False
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _has_gpu_driver() -> bool:
    if sys.platform == "darwin":
        return True
    if sys.platform == "win32":
        return Path(r"C:\Windows\System32\nvcuda.dll").exists()
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


class TorchRuntime:
    """A network run by torch; implements :class:`core.runtimes.base.Runtime`.

    On a GPU the probe is checked against the CPU, and float32 is kept exact: TensorFloat-32 is not used. Masks are made
    and scored there, in half precision where the probe's logits agree.

    Args:
        bundle: the model; verified while it loads.
        threads: CPU threads for torch in this process, or None to leave them.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if torch is missing, or does not compute what it did where the bundle was made.
    """

    name = "torch"
    precision = "float32"

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        try:
            import torch
        except ImportError as cause:
            raise RuntimeUnavailableError(
                f"torch is not installed ({cause}).", remedy=f"{how_to_add('gpu')} Or choose another runtime."
            ) from cause
        if threads is not None:
            torch.set_num_threads(threads)
        card = bundle.card
        self.layer = get_architecture(card.network).layer
        self.notice = ""
        network = with_maps(card.network, bundle.load_network())
        probe = probe_input(card.preprocessing)
        self._torch_device = torch.device("cpu")
        self._half = False
        self._network = network.to(memory_format=torch.channels_last)
        expected = self.forward(probe)
        if bundle.has_graph:
            check_agreement(expected, expected_logits(card), "torch")
        self.device, self.batch_size = "CPU", 8
        if torch.cuda.is_available():
            self._torch_device = torch.device("cuda")
            self.device, self.batch_size = torch.cuda.get_device_name(), 128
        elif torch.backends.mps.is_available():
            self._torch_device = torch.device("mps")
            self.device, self.batch_size = "Apple GPU", 32
        if self._torch_device.type != "cpu":
            self._network = network.to(self._torch_device)
            check_agreement(self.forward(probe), expected, f"torch on {self.device}")
            self._half = disagreement(self._forward(probe, half=True)[0], expected) <= MASK_AGREEMENT

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits (N, C) for normalised images (N, 3, H, W)."""
        return self.forward_with_maps(batch)[0]

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w)."""
        return self._forward(batch)

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int], *, half: bool = False) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        if self._torch_device.type == "cpu":
            return mask_scorer(self.forward, image, map_size, self.batch_size)
        return self._mask_scorer_on_device(image, map_size)

    def prepare_masks(self) -> None:
        """Torch compiles nothing for masks."""

    def _forward(self, batch: FloatArray, *, half: bool = False) -> tuple[FloatArray, FloatArray]:
        import torch

        with torch.inference_mode(), torch.autocast(self._torch_device.type, torch.float16, enabled=half):
            images = torch.from_numpy(batch).to(self._torch_device, memory_format=torch.channels_last)
            logits, maps = self._network(images)
        return logits.float().cpu().numpy(), np.ascontiguousarray(maps.float().cpu().numpy())

    def _mask_scorer_on_device(self, image: FloatArray, map_size: tuple[int, int]) -> MaskScorer:
        """Make the masks as ``Masker`` does, but on the device: only the small maps travel there."""
        import torch

        device = self._torch_device
        x = torch.from_numpy(image).to(device)
        rows = torch.from_numpy(linear_weights(map_size[0], image.shape[-2])).to(device)
        columns = torch.from_numpy(linear_weights(map_size[1], image.shape[-1]).T.copy()).to(device)

        def score(maps: FloatArray) -> FloatArray:
            with torch.inference_mode():
                masks = rows @ (torch.from_numpy(np.ascontiguousarray(maps)).to(device) @ columns)
                low = masks.amin((1, 2), keepdim=True)
                masks = (masks - low) / (masks.amax((1, 2), keepdim=True) - low + EPSILON)
                masked = (x * masks[:, None]).contiguous(memory_format=torch.channels_last)
                with torch.autocast(device.type, torch.float16, enabled=self._half):
                    logits = self._network(masked)[0]
            return np.asarray(logits.float().cpu().numpy())

        return score


TORCH = RuntimeKind("torch", "torch", TorchRuntime, lambda: 0 if has_accelerator() else 4, "gpu")
