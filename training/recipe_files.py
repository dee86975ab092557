"""Read recipes: a TOML file of the user's, or one that comes with the program, with values overridden."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import UsageError
from core.models.card import Role
from training.recipe import Recipe

RECIPES = Path(__file__).resolve().parent / "recipes"
MAX_RECIPE_BYTES = 100_000


def read_recipe(source: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe.

    Args:
        source: a TOML file, or the name of a recipe that comes with the program, e.g. ``chest-xray-ofa595``.
        overrides: ``key=value`` with a dotted key, e.g. ``optim.epochs=5``; values as TOML writes them, or a word.

    Raises:
        UsageError: if there is no such file, it is not TOML, or a key is unknown or has an impossible value; the
            message names every such key.
    """
    path, raw = _raw(source)
    for override in overrides:
        _put(raw, override)
    if "task" not in raw:
        raise UsageError(
            "This recipe is for any task, and none is named.",
            path=path,
            remedy="Name one with --task; new-task makes one of a folder of classes.",
        )
    try:
        return Recipe.model_validate(raw)
    except ValidationError as cause:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in cause.errors()[:8])
        raise UsageError(f"The recipe is not valid: {faults}.", path=path, remedy="Correct these keys.") from cause


def is_for_any_task(source: Path) -> bool:
    """Return whether a recipe names no task, so that one must be given.

    Raises:
        UsageError: if there is no such file, or it is not TOML.
    """
    return "task" not in _raw(source)[1]


def recipes_for(task_id: str, role: Role) -> dict[str, Recipe]:
    """Return the recipes that come with the program for a task and role, by name; those for any task if it has none."""
    found = sorted(RECIPES.glob("*.toml"))
    named = [path for path in found if not is_for_any_task(path)]
    own = {path.stem: recipe for path in named if (recipe := read_recipe(path)).task.id == task_id}
    if not own:
        own = {path.stem: read_recipe(path, (f"task={task_id}",)) for path in found if path not in named}
    return {name: recipe for name, recipe in own.items() if recipe.role == role}


def _raw(source: Path) -> tuple[Path, dict[str, Any]]:
    """Return where a recipe lies, and what it holds."""
    path = source if source.is_file() else RECIPES / f"{source}.toml"
    if not path.is_file():
        raise UsageError(
            f"There is no recipe {str(source)!r}.",
            remedy=f"Give a TOML file, or one of {', '.join(sorted(p.stem for p in RECIPES.glob('*.toml')))}.",
        )
    if path.stat().st_size > MAX_RECIPE_BYTES:
        raise UsageError("This is too large for a recipe.", path=path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as cause:
        raise UsageError(f"The recipe is not valid TOML ({cause}).", path=path) from cause
    return path, raw


def _put(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{override!r} is not of the form key=value.", remedy="For example optim.epochs=5.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    *tables, name = key.strip().split(".")
    table = raw
    for part in tables:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise UsageError(f"{part!r} in {key!r} is not a table of the recipe.")
    table[name] = value
