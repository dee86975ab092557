"""The teachers of a run: bundles, or finished runs that have not been published yet."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BundleError, UsageError
from core.preprocess import Preprocessing
from training.finished_run import read_run
from training.networks import find_bundle, untrained
from training.recipe import Model
from training.run_folder import RunFolder

if TYPE_CHECKING:
    from torch import nn

    from core.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network that teaches.

    Attributes:
        id: its bundle's identifier, or for a run ``task/role-network`` and the start of its weights' checksum.
        sha256: checksum of its weights, hexadecimal.
        network: identifier of the architecture.
        module: the network with its weights, in evaluation mode.
        bundle: the same as a bundle, for other runtimes than torch; None where no card describes the network.
    """

    id: str
    sha256: str
    network: str
    module: nn.Module
    bundle: Bundle | None


def load_teacher(name: str, classes: tuple[str, ...], how: Preprocessing) -> Teacher:
    """Load a teacher and make sure that it answers the same question about the same input.

    Args:
        name: a bundle's identifier or folder, or a finished run's folder.
        classes: class labels in the order of the network's outputs.
        how: the preprocessing of the network that learns.

    Raises:
        UsageError: if its classes or its preprocessing are others.
        BundleError: if it is missing, unfinished or damaged.
    """
    run = RunFolder(Path(name))
    if run.result.is_file():
        teacher, found_classes, found_how = _from_run(run)
    else:
        bundle = find_bundle(name)
        card = bundle.card
        teacher = Teacher(bundle.id, card.weights_sha256, card.network, bundle.load_network(), bundle)
        found_classes, found_how = card.classes, card.preprocessing
    if found_classes != classes:
        raise UsageError(
            f"The teacher {teacher.id} knows the classes {', '.join(found_classes)}, not {', '.join(classes)}.",
            remedy="Choose a teacher of the recipe's task.",
        )
    if found_how != how:
        raise UsageError(
            f"The teacher {teacher.id} takes another input: {found_how.height}×{found_how.width} {found_how.channels}.",
            remedy="Set the recipe's size to the teacher's.",
        )
    teacher.module.requires_grad_(False)
    return teacher


def _from_run(run: RunFolder) -> tuple[Teacher, tuple[str, ...], Preprocessing]:
    import torch
    from safetensors.torch import load_file

    about = json.loads(run.result.read_text(encoding="utf-8"))
    if about["status"] != "finished":
        raise BundleError(
            f"This run can't teach: its status is {about['status']}.",
            path=run.path,
            remedy="Go on with it (--resume) until it is finished.",
        )
    with run.weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != about["weights_sha256"]:
        raise BundleError("The run's weights have changed since it finished.", path=run.weights)
    model = Model(network=about["network"], head=about["head"], subnet=about["subnet"])
    module = untrained(model, len(about["classes"]))
    module.load_state_dict(load_file(run.weights))
    name = f"{about['task']}/{about['role']}-{about['network']}@{digest[:12]}"
    module = module.to(memory_format=torch.channels_last)
    how = Preprocessing.model_validate(about["preprocessing"])
    bundle = read_run(run.path) if model.subnet is None else None
    return Teacher(name, digest, about["network"], module.eval(), bundle), tuple(about["classes"]), how
