"""What a network comes from, its start and its teachers, and which images those were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.recipe import Recipe
from training.runs.finished import is_run
from training.runs.folder import RunFolder
from training.runs.networks import find_bundle
from training.runs.records import AncestorRecord
from training.runs.split import read_split

Role = Literal["start", "teacher"]


@dataclass(frozen=True)
class Ancestor:
    """A network that another one comes from.

    Attributes:
        role: whether the other one started from it or it is a teacher.
        name: in words.
        sha256: checksum of its weights, hexadecimal; empty for a file of weights.
        seen: digests of the contents that it was trained on; None where that is not on record.
        data_digest: digest of its data set, or None where that is not on record.
    """

    role: Role
    name: str
    sha256: str
    seen: frozenset[str] | None
    data_digest: str | None

    def is_on_record(self, data_digest: str) -> bool:
        """Return whether it is known which images of a data set it was trained on: by content, or all by one split."""
        return self.seen is not None or self.data_digest == data_digest

    def record(self, data_digest: str) -> AncestorRecord:
        """Return it as ``run.json`` holds it."""
        return AncestorRecord(role=self.role, name=self.name, on_record=self.is_on_record(data_digest))


def read_teachers(recipe: Recipe) -> list[Ancestor]:
    """Return the teachers of a recipe, in its order.

    Raises:
        BundleError: if a bundle is missing or damaged.
        RunError: if a run is unfinished or damaged.
        DatasetError: if a run's split is damaged.
    """
    return [_read("teacher", name) for name in recipe.teachers.bundles]


def read_ancestors(recipe: Recipe) -> list[Ancestor]:
    """Return what a recipe starts from, unless that has seen none of our images, and its teachers.

    Raises:
        BundleError: if a bundle is missing or damaged.
        RunError: if a run is unfinished or damaged.
        DatasetError: if a run's split is damaged.
    """
    start = recipe.model.starts_from
    found = [_read("start", start.source)] if start.has_seen_images else []
    return found + read_teachers(recipe)


def _read(role: Role, name: str) -> Ancestor:
    path = Path(name)
    if path.is_file():
        return Ancestor(role, f"the weights file {path.name}", "", None, None)
    bundle = find_bundle(name)
    card = bundle.card
    if not is_run(path):
        return Ancestor(role, f"the bundle {bundle.id}", card.weights_sha256, None, card.training.data_digest)
    split = read_split(RunFolder(path).split)
    seen = None if split is None else frozenset(split.seen())
    return Ancestor(role, f"the run {path.name}", card.weights_sha256, seen, card.training.data_digest)
