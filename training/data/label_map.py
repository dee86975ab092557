"""Labels as a data set writes them, renamed to the classes of a task."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import UsageError
from training.data.dataset import LeftOut, Sample
from training.recipe_files import read_recipe

RECIPE = "recipe.toml"
UNWANTED = "of a label that is mapped to nothing"


def parse_label_map(entries: Sequence[str]) -> dict[str, str]:
    """Return the label map of ``FROM=TO`` entries; an empty ``TO`` leaves the label's images out.

    Raises:
        UsageError: if an entry is not of this form, or a label is mapped twice.
    """
    found: dict[str, str] = {}
    for entry in entries:
        old, equals, new = (part.strip() for part in entry.rpartition("="))
        if not equals or not old:
            raise UsageError(f"{entry!r} maps no label.", remedy="Write FROM=TO, e.g. COVID=COVID-19.")
        if found.setdefault(old, new) != new:
            raise UsageError(f"The label {old!r} is mapped twice.", remedy="Map each label once.")
    return found


def as_override(label_map: Mapping[str, str]) -> tuple[str, ...]:
    """Return what sets a recipe's label map (:func:`training.recipe_files.read_recipe`); nothing for an empty map."""
    if not label_map:
        return ()
    entries = (f"{json.dumps(old)} = {json.dumps(new)}" for old, new in label_map.items())
    return (f"label_map={{ {', '.join(entries)} }}",)


def label_map_of(model: Path) -> dict[str, str]:
    """Return the label map that a run was trained with, by the recipe in its folder; empty for a bundle.

    Raises:
        UsageError: if the run's recipe can't be read.
    """
    recipe = model / RECIPE
    return dict(read_recipe(recipe).label_map) if recipe.is_file() else {}


def alike(label: str, classes: Iterable[str]) -> str:
    """Return the class that a label is spelt like, or begins like: ``COVID`` is like ``COVID-19``; else empty."""
    plain = _plain(label)
    spelt = {name: _plain(name) for name in classes}
    same = [name for name, other in spelt.items() if other == plain]
    begins = [name for name, other in spelt.items() if plain and (other.startswith(plain) or plain.startswith(other))]
    return next(iter([*same, *begins]), "")


def _plain(label: str) -> str:
    return "".join(letter for letter in label.lower() if letter.isalnum())


def mapped(samples: Sequence[Sample], label_map: Mapping[str, str]) -> tuple[list[Sample], list[LeftOut]]:
    """Return the samples with the labels that the map gives, and those whose label it leaves out."""
    kept: list[Sample] = []
    left_out: list[LeftOut] = []
    for sample in samples:
        label = label_map.get(sample.label, sample.label)
        if label:
            kept.append(sample if label == sample.label else replace(sample, label=label))
        else:
            left_out.append(LeftOut(sample.path, UNWANTED))
    return kept, left_out
