"""The teachers of a run, bundles or finished runs, and what computes their logits: OpenVINO on a CPU, or torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ExportError, RuntimeUnavailableError, UsageError
from core.images.preprocessing import Preprocessing
from core.models.bundle_writing import with_graph
from core.runtimes.openvino_runtime import OpenVinoRuntime
from training.runs.finished import is_run
from training.runs.networks import LayerMaps, find_bundle

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor, nn

    from core.models.bundle import Bundle

WithMaps = Callable[["Tensor"], tuple["Tensor", "Tensor"]]  # images to logits and feature maps


@dataclass(frozen=True, eq=False)
class Teacher:
    """A teacher network.

    Attributes:
        id: its bundle's identifier; for a run the one it would have, and the start of its weights' checksum.
        sha256: checksum of its weights, hexadecimal.
        network: identifier of the architecture.
        how: its preprocessing.
        module: the network with its weights, in evaluation mode.
        bundle: the same as a bundle, for other runtimes than torch.
    """

    id: str
    sha256: str
    network: str
    how: Preprocessing
    module: nn.Module
    bundle: Bundle


def load_teacher(name: str, classes: tuple[str, ...], how: Preprocessing) -> Teacher:
    """Load a teacher and check that it has the same classes and kind of input.

    Args:
        name: a bundle's identifier or folder, or a finished run's folder.
        classes: class labels in the order of the network's outputs.
        how: the student's preprocessing; a teacher may take another size, mean and deviation.

    Raises:
        UsageError: if its classes are others, or it takes coloured images and the other grey ones.
        BundleError: if a bundle is missing or damaged.
        RunError: if a run is unfinished or damaged.
    """
    import torch

    bundle = find_bundle(name)
    card, sees = bundle.card, bundle.card.preprocessing
    named = f"{card.id}@{card.weights_sha256[:12]}" if is_run(bundle.directory) else card.id
    if card.classes != classes:
        raise UsageError(
            f"The teacher {named} has the classes {', '.join(card.classes)}, not {', '.join(classes)}.",
            remedy="Choose a teacher of the recipe's task.",
        )
    if (sees.channels, sees.resize) != (how.channels, how.resize):
        raise UsageError(
            f"The teacher {named} takes another input: {sees.in_words()}.",
            remedy="Choose a teacher of the recipe's task.",
        )
    module = bundle.load_network().to(memory_format=torch.channels_last).requires_grad_(False)
    return Teacher(named, card.weights_sha256, card.network, sees, module, bundle)


@dataclass(frozen=True, eq=False)
class Engine:
    """One way to compute a teacher's logits.

    Attributes:
        name: the arithmetic in a word: ``openvino``, ``openvino-bfloat16``, or torch's precision as accelerate names
            it. Logits of two engines differ slightly and are never mixed in one cache.
        forward: returns logits (B, C), float32, for normalised images (B, 3, H, W) on the teacher's device.
        forward_with_maps: returns the last spatial feature maps (B, K, h, w) beside them; None where :func:`torch_maps`
            has to.
    """

    name: str
    forward: Callable[[Tensor], Tensor]
    forward_with_maps: WithMaps | None = None


def choose_engine(teacher: Teacher, accelerator: Accelerator) -> Engine:
    """Return OpenVINO where a run computes on the CPU and OpenVINO agrees with torch there, else torch.

    OpenVINO computes in bfloat16 where the processor has it: VGG19 answers seven times as fast with AMX, and its logits
    differ by some hundredths.
    """
    if accelerator.device.type == "cpu":
        import torch

        try:
            return _openvino(OpenVinoRuntime(with_graph(teacher.bundle), torch.get_num_threads(), half=True))
        except (RuntimeUnavailableError, ExportError):
            pass  # missing, or it can't run this network: torch gives the same, later
    return torch_engine(teacher, accelerator)


def torch_engine(teacher: Teacher, accelerator: Accelerator) -> Engine:
    """Return the teacher's own module, in the run's precision."""
    return Engine(accelerator.mixed_precision, lambda images: torch_logits(accelerator, teacher.module, images))


def torch_maps(teacher: Teacher, accelerator: Accelerator, layer: str = "") -> WithMaps:
    """Return what computes logits and the maps of a layer, by default the last spatial ones, by the teacher's module.

    Raises:
        UsageError: if the teacher has no such layer.
    """
    import torch

    maps = LayerMaps(teacher.network, teacher.module, layer)

    def forward(images: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad(), accelerator.autocast():
            logits = teacher.module(images).float()
        return logits, maps.take()

    return forward


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

    def forward_with_maps(images: Tensor) -> tuple[Tensor, Tensor]:
        logits, maps = runtime.forward_with_maps(images.contiguous().numpy())
        return torch.from_numpy(logits), torch.from_numpy(maps)

    arithmetic = runtime.name if runtime.precision == "float32" else f"{runtime.name}-{runtime.precision}"
    return Engine(arithmetic, forward, forward_with_maps)
