"""The teachers of a run: bundles, or finished runs that have not been published yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.images.preprocessing import Preprocessing
from training.runs.finished import is_run
from training.runs.networks import find_bundle

if TYPE_CHECKING:
    from torch import nn

    from core.models.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network that teaches.

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
    """Load a teacher and make sure that it answers the same question about the same input.

    Args:
        name: a bundle's identifier or folder, or a finished run's folder.
        classes: class labels in the order of the network's outputs.
        how: the preprocessing of the network that learns; a teacher may take another size, mean and deviation.

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
            f"The teacher {named} knows the classes {', '.join(card.classes)}, not {', '.join(classes)}.",
            remedy="Choose a teacher of the recipe's task.",
        )
    if (sees.channels, sees.resize) != (how.channels, how.resize):
        raise UsageError(
            f"The teacher {named} takes another input: {sees.in_words()}.",
            remedy="Choose a teacher of the recipe's task.",
        )
    module = bundle.load_network().to(memory_format=torch.channels_last).requires_grad_(False)
    return Teacher(named, card.weights_sha256, card.network, sees, module, bundle)
