"""The catalogue of installed models: those that came with the program, then the user's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.bundle import CARD_FILE, Bundle, read_bundle, replace_folder
from core.card import Role
from core.errors import BundleError, UsageError
from core.folders import package_weights, user_weights


@dataclass(frozen=True)
class Catalogue:
    """What is installed.

    Attributes:
        bundles: usable bundles by identifier; a user's own stands in for a bundled one with the same identifier.
        broken: what was found but can't be read, with the reason.
    """

    bundles: dict[str, Bundle]
    broken: tuple[BundleError, ...]

    def of_task(self, task: str, role: Role) -> list[Bundle]:
        """Return the bundles of one task and role, by name."""
        found = [b for b in self.bundles.values() if b.card.task == task and b.card.role == role]
        return sorted(found, key=lambda b: b.id)

    def find(self, task: str, role: Role, network: str | None = None) -> Bundle:
        """Return the bundle of a task and role; without a network, the best-scoring one.

        Raises:
            UsageError: if none is installed.
        """
        candidates = self.of_task(task, role)
        if network is not None:
            wanted = network.lower()
            candidates = [b for b in candidates if wanted in (b.card.network, b.name.lower(), b.id)]
        if not candidates:
            installed = ", ".join(b.id for b in self.bundles.values()) or "none"
            what = f"{role} {network!r}" if network else role
            raise UsageError(f"No {what} is installed for the task {task}.", remedy=f"Installed are: {installed}.")
        return max(candidates, key=lambda b: b.card.scores[0].accuracy if b.card.scores else 0.0)


def read_catalogue(folders: list[Path] | None = None) -> Catalogue:
    """Read the cards of all installed bundles (the weights stay on disk, unverified until they are used).

    Args:
        folders: weight folders to search, later ones win; by default the package's, then the user's.
    """
    bundles: dict[str, Bundle] = {}
    broken: list[BundleError] = []
    for folder in folders if folders is not None else [package_weights(), user_weights()]:
        for card in sorted(folder.glob(f"*/*/{CARD_FILE}")):
            if any(part.startswith(".") for part in card.relative_to(folder).parts):
                continue
            try:
                bundle = read_bundle(card.parent)
            except BundleError as error:
                broken.append(error)
            else:
                bundles[bundle.id] = bundle
    return Catalogue(bundles, tuple(broken))


def import_bundle(source: Path) -> Bundle:
    """Copy a bundle from a folder into the user's data, after verifying its card, checksums, keys and shapes.

    Raises:
        BundleError: if it fails verification; nothing is left behind then.
    """
    bundle = read_bundle(source)
    bundle.load_network()
    bundle.read_gate()
    target = user_weights() / bundle.id
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".import-") as folder:
        staged = Path(folder) / target.name
        staged.mkdir()
        for name in bundle.files:
            shutil.copyfile(source / name, staged / name)
        Bundle(staged, bundle.card).verify()
        replace_folder(staged, target)
    return read_bundle(target)


def remove_bundle(bundle_id: str) -> None:
    """Remove a bundle of the user's own.

    Raises:
        UsageError: if the user has no such bundle; those that came with the program can't be removed.
    """
    own = read_catalogue([user_weights()]).bundles
    if bundle_id not in own:
        raise UsageError(
            f"There is no bundle {bundle_id!r} among your own.",
            remedy="Bundles that came with Twinlens can't be removed." if own else "You have not imported any.",
        )
    directory = own[bundle_id].directory
    doomed = directory.with_name(f".removed-{os.getpid()}-{directory.name}")
    directory.replace(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
