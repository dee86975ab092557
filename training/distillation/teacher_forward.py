"""What computes a teacher's logits for the cache: OpenVINO on the CPU, several times as fast there, or else torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import RuntimeUnavailableError
from core.runtimes.openvino_runtime import OpenVinoRuntime
from training.distillation.teachers import Teacher

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Engine:
    """One way to compute a teacher's logits.

    Attributes:
        name: the arithmetic in a word: ``openvino``, or torch's precision as accelerate names it. Logits of two engines
            differ slightly and are never mixed in one cache.
        forward: returns logits (B, C), float32, for normalised images (B, 3, H, W) on the teacher's device.
    """

    name: str
    forward: Callable[[Tensor], Tensor]


def choose_engine(teacher: Teacher, accelerator: Accelerator) -> Engine:
    """Return OpenVINO where a run computes on the CPU and OpenVINO agrees with torch there, else torch."""
    if accelerator.device.type == "cpu":
        import torch

        try:
            return _openvino(OpenVinoRuntime(teacher.bundle, torch.get_num_threads()))
        except RuntimeUnavailableError:
            pass  # missing, or it can't run this network: torch gives the same, later
    return torch_engine(teacher, accelerator)


def torch_engine(teacher: Teacher, accelerator: Accelerator) -> Engine:
    """Return the teacher's own module, in the run's precision."""
    return Engine(accelerator.mixed_precision, lambda images: torch_logits(accelerator, teacher.module, images))


def torch_logits(accelerator: Accelerator, network: nn.Module, images: Tensor) -> Tensor:
    """Return a network's logits (B, C), float32, computed by torch in the run's precision."""
    import torch

    with torch.inference_mode(), accelerator.autocast():
        logits: Tensor = network(images)
    return logits.float()


def _openvino(runtime: OpenVinoRuntime) -> Engine:
    import torch

    def forward(images: Tensor) -> Tensor:
        parts = torch.split(images.contiguous(), runtime.batch_size)
        return torch.cat([torch.from_numpy(runtime.forward(part.numpy())) for part in parts])

    return Engine(runtime.name, forward)
