"""The catalogue of installed models: those that came with the program, then the user's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.errors import BundleError, TwinlensError, UsageError
from core.models.architectures import ARCHITECTURES
from core.models.bundle import CARD_FILE, Bundle, read_bundle
from core.models.bundle_import import copy_bundle_files
from core.models.bundle_tasks import tasks_of
from core.models.card import Role
from core.models.labels import labelled_id
from core.models.origin import note_import
from core.system.atomic_files import cannot_write, replace_folder, restore_folders
from core.system.paths import package_weights, user_weights
from core.tasks import TASKS, Task, get_task

IMPORTING, REMOVING = ".import-", ".removed-"  # unfinished folders; the number of their process follows


@dataclass(frozen=True)
class Catalogue:
    """What is installed.

    Attributes:
        bundles: usable bundles by identifier; a user's own replaces a bundled one with the same identifier.
        broken: what was found but can't be read, with the reason.
    """

    bundles: dict[str, Bundle]
    broken: tuple[TwinlensError, ...]

    def of_task(self, task: str, role: Role) -> list[Bundle]:
        """Return the bundles of one task and role, by name."""
        found = [b for b in self.bundles.values() if b.card.task == task and b.card.role == role]
        return sorted(found, key=lambda b: b.id)

    def of_any_role(self, task: str, role: Role) -> list[Bundle]:
        """Return all bundles of a task, those of a role first: any two can be compared with each other."""
        other: Role = "student" if role == "teacher" else "teacher"
        return [*self.of_task(task, role), *self.of_task(task, other)]

    def named(self, task: str, role: Role, network: str) -> list[Bundle]:
        """Return the bundles that a name means in a role: a model of that role, else one of any role by its identifier.

        Args:
            task: identifier of the task.
            role: the place in the comparison.
            network: an identifier or a name, in capitals or not. A network's own means the one without a label, else
                all with one.
        """
        wanted, candidates = network.lower(), self.of_task(task, role)
        exact = [b for b in candidates if wanted in (b.model.lower(), b.name.lower(), b.id.lower())]
        labelled = [b for b in candidates if wanted == b.card.model.lower()]
        return exact or labelled or [b for b in self.of_any_role(task, role) if wanted == b.id.lower()]

    def find(self, task: str, role: Role, network: str | None = None) -> Bundle:
        """Return the bundle of a task and role; without a network the best-scoring one, the paper's networks first.

        Args:
            task: identifier of the task.
            role: the place in the comparison.
            network: what :meth:`named` takes, or None.

        Raises:
            UsageError: if none is installed.
        """
        candidates = self.of_task(task, role) if network is None else self.named(task, role, network)
        if not candidates:
            installed = ", ".join(b.id for b in self.bundles.values()) or "none"
            what = f"{role} {network!r}" if network else role
            raise UsageError(f"No {what} is installed for the task {task}.", remedy=f"Installed are: {installed}.")
        return max(candidates, key=_preference)


def _preference(bundle: Bundle) -> tuple[bool, bool, float]:
    """The paper's networks come before others, then those without a label, then the better score counts."""
    score = bundle.card.scores[0].accuracy if bundle.card.scores else 0.0
    return bundle.card.network in ARCHITECTURES, not bundle.label, score


def read_catalogue(folders: list[Path] | None = None) -> Catalogue:
    """Read the cards of all installed bundles (the weights stay on disk, unverified until they are used).

    The tasks that they bring are among ``TASKS`` from then on. A bundle that disagrees with another about a task of
    one name is among the broken ones.

    Args:
        folders: weight folders to search, later ones win; by default the package's, then the user's.
    """
    bundles: dict[str, Bundle] = {}
    broken: list[TwinlensError] = [*TASKS.faults()]
    for folder in folders if folders is not None else [package_weights(), user_weights()]:
        try:
            directories = _directories(folder)
        except OSError as cause:  # the user's own folder; the models that came with the program still work
            broken.append(
                BundleError(
                    f"The folder of your models can't be read ({cause.strerror}).",
                    path=folder,
                    remedy="Check its permissions.",
                )
            )
            continue
        for directory in directories:
            try:
                bundle = read_bundle(directory)
            except BundleError as error:
                broken.append(error)
            else:
                bundles[bundle.id] = bundle
    brought, odd = tasks_of(bundles)
    TASKS.set_brought(brought)
    return Catalogue({name: b for name, b in bundles.items() if name not in odd}, (*broken, *odd.values()))


def find_task(task_id: str) -> Task:
    """Return the task with this identifier, looking among the installed bundles where it is not known yet.

    Raises:
        UsageError: if there is none.
    """
    if task_id not in TASKS:
        read_catalogue()
    return get_task(task_id)


def _directories(folder: Path) -> list[Path]:
    """Return the folders of bundles in a folder of weights; hidden ones are unfinished."""
    for task in folder.glob("*/"):
        restore_folders(task)
    found = [card.parent for card in sorted(folder.glob(f"*/*/{CARD_FILE}"))]
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


@dataclass(frozen=True)
class Provenance:
    """What a person should know about a bundle before importing it; the card's own words, not yet verified.

    Attributes:
        id: the identifier it would have.
        name: the network's name.
        made_by: who or what made it.
        made_on: when, ISO 8601.
        data: what it was trained on.
        licence: licence of the weights.
        digest: SHA-256 of the weights, to be compared with what the maker publishes.
        replaces: ``own`` or ``bundled`` where one of that identifier is installed that it would replace, else
            an empty string.
    """

    id: str
    name: str
    made_by: str
    made_on: str
    data: str
    licence: str
    digest: str
    replaces: str


def read_provenance(source: Path) -> Provenance:
    """Read the card of a bundle in a folder or a .zip, and nothing else.

    Raises:
        BundleError: if it has no valid card.
    """
    with tempfile.TemporaryDirectory(prefix="twinlens-card-") as folder, _about(source):
        copy_bundle_files(source, Path(folder), (CARD_FILE,))
        bundle = read_bundle(Path(folder))
    training = bundle.card.training
    places = {"own": user_weights(), "bundled": package_weights()}
    return Provenance(
        id=bundle.id,
        name=bundle.name,
        made_by=training.made_by,
        made_on=training.made_on.isoformat(),
        data=training.data,
        licence=bundle.card.licence,
        digest=bundle.card.weights_sha256,
        replaces=next((name for name, root in places.items() if (root / bundle.id / CARD_FILE).is_file()), ""),
    )


def import_bundle(source: Path, try_out: Callable[[Bundle], object], label: str = "") -> Bundle:
    """Copy a bundle from a folder or a .zip into the user's data, and verify the copy.

    Args:
        source: the folder or archive.
        try_out: runs the copy's network once, as :func:`core.runtimes.load.load_runtime` does, or raises an error.
        label: tells it from installed models of its network, which otherwise it would replace.

    Raises:
        UsageError: if the label can't be a part of a folder's name, or is taken.
        BundleError: if it fails verification; nothing is left behind then.
        RuntimeUnavailableError: if nothing here can run it; nothing is left behind then.
        WriteError: if it can't be copied, e.g. because the disk is full; nothing is left behind then.
    """
    return install(source, lambda staged: copy_bundle_files(source, staged), try_out, label)


def install(
    source: Path, fill: Callable[[Path], object], try_out: Callable[[Bundle], object], label: str = ""
) -> Bundle:
    """Make a bundle in the user's data: filled, verified, tried out, and only then moved to its place.

    Args:
        source: where it comes from, for the errors.
        fill: writes the bundle's files into the folder that it gets.
        try_out: as in :func:`import_bundle`.
        label: as there.

    Raises:
        UsageError, BundleError, RuntimeUnavailableError, WriteError: as there; nothing is left behind then.
    """
    root = user_weights()
    _sweep(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=f"{IMPORTING}{os.getpid()}-") as folder:
            staged = Path(folder) / "bundle"
            staged.mkdir()
            with _about(source):
                fill(staged)
                bundle = read_bundle(staged)
                bundle.verify()
                bundle.read_gate()
                check_task(bundle)
                try_out(bundle)
            for name in {path.name for path in staged.iterdir()} - set(bundle.files):
                (staged / name).unlink()
            note_import(staged, source)
            target = root / (labelled_id(bundle.card, label, read_catalogue().bundles) if label else bundle.id)
            target.parent.mkdir(exist_ok=True)
            replace_folder(staged, target)
    except OSError as cause:
        raise cannot_write(root, cause) from cause
    return read_bundle(target)


def check_task(bundle: Bundle) -> None:
    """Compare a bundle's task with what is installed, but for the bundle that it would replace.

    Raises:
        BundleError: if they have other classes under one identifier.
    """
    others = {name: one for name, one in read_catalogue().bundles.items() if name != bundle.id}
    _tasks, odd = tasks_of({**others, bundle.id: bundle})
    if odd:
        raise next(iter(odd.values()))


@contextmanager
def _about(source: Path) -> Iterator[None]:
    """Let errors about a copy name its source."""
    try:
        yield
    except BundleError as error:
        raise BundleError(error.problem, path=source, remedy=error.remedy) from error


def _sweep(root: Path) -> None:
    """Remove what interrupted imports and removals left behind; those still running keep theirs."""
    for leftover in (*root.glob(f"{IMPORTING}*"), *root.glob(f"*/{REMOVING}*")):
        owner = leftover.name.split("-")[1]
        if not (owner.isdecimal() and psutil.pid_exists(int(owner))):
            shutil.rmtree(leftover, ignore_errors=True)


def remove_bundle(bundle_id: str) -> None:
    """Remove a bundle of the user's own.

    Raises:
        UsageError: if the user has no such bundle; those that came with the program can't be removed.
        WriteError: if its folder may not be changed.
    """
    directory = _own_bundle(bundle_id).directory
    doomed = directory.with_name(f"{REMOVING}{os.getpid()}-{directory.name}")
    try:
        directory.replace(doomed)
    except OSError as cause:
        raise cannot_write(directory, cause) from cause
    _sweep(user_weights())
    shutil.rmtree(doomed, ignore_errors=True)


def relabel_bundle(bundle_id: str, label: str) -> Bundle:
    """Give a bundle of the user's own a label, so that another of its network can be installed beside it.

    Args:
        bundle_id: its identifier.
        label: see :func:`core.models.labels.labelled_id`; empty to take the label off.

    Raises:
        UsageError: if the user has no such bundle, or the label can't be given.
        WriteError: if its folder may not be changed.
    """
    bundle = _own_bundle(bundle_id)
    if not label and bundle.label and bundle.card.id in read_catalogue([user_weights()]).bundles:
        raise UsageError(
            f"There is a model {bundle.card.id} of your own already.", remedy="Remove or label that first."
        )
    target = user_weights() / (labelled_id(bundle.card, label, read_catalogue().bundles) if label else bundle.card.id)
    try:
        bundle.directory.replace(target)
    except OSError as cause:
        raise cannot_write(bundle.directory, cause) from cause
    return read_bundle(target)


def _own_bundle(bundle_id: str) -> Bundle:
    own = read_catalogue([user_weights()]).bundles
    if bundle_id not in own:
        raise UsageError(
            f"There is no bundle {bundle_id!r} among your own.",
            remedy="Bundles that came with Twinlens can't be changed or removed."
            if own
            else "You have not imported any.",
        )
    return own[bundle_id]
