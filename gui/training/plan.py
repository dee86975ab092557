"""What a run is to be: which recipe on which data, with what changed, and the command that trains it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from core.errors import UsageError
from core.system.paths import data_folder
from training.data.label_map import as_override
from training.recipe import Recipe
from training.recipe_files import RECIPES, read_recipe
from training.runs.folder import RunFolder
from training.runs.lock import read_owner


@dataclass(frozen=True)
class Plan:
    """A run that has not begun, or one to resume.

    Attributes:
        recipe: name of a bundled recipe, or a TOML file.
        data: the data folder, or None where none has been chosen.
        out: the run's folder.
        teachers: bundles or finished runs that teach; None leaves them as the recipe says, () is none.
        epochs: epochs, or None for the recipe's.
        batch: images a step, or None for the recipe's.
        resume: whether the run lies in its folder already.
        threads: CPU threads, or None for torch's own choice.
        label_map: labels of the data set that are called otherwise, or left out, in place of the recipe's map.
        task: identifier of the task for a recipe that names none, or None.
    """

    recipe: str
    data: Path | None
    out: Path
    teachers: tuple[str, ...] | None = None
    epochs: int | None = None
    batch: int | None = None
    resume: bool = False
    threads: int | None = None
    label_map: dict[str, str] = field(default_factory=dict)
    task: str | None = None

    @property
    def overrides(self) -> tuple[str, ...]:
        """What is changed in the recipe, as the command line takes it."""
        changed = {"optim.epochs": self.epochs, "optim.batch": self.batch}
        found = [] if self.task is None else [f"task={json.dumps(self.task)}"]
        found += [f"{key}={value}" for key, value in changed.items() if value is not None]
        if self.teachers is not None:
            found.append(f"teachers.bundles={json.dumps(self.teachers)}")
        return (*found, *as_override(self.label_map))

    def resolved(self) -> Recipe:
        """Return the recipe with what is changed.

        Raises:
            UsageError: if it can't be read or the changes do not fit it.
        """
        return read_recipe(Path(self.recipe), self.overrides)

    def command(self) -> list[str]:
        """Return the arguments of ``python -m training``.

        Raises:
            UsageError: if there is no data folder, or the recipe does not stand.
        """
        if self.data is None:
            raise UsageError("No data set has been chosen.", remedy="Choose its folder.")
        distils = bool(self.resolved().teachers.bundles)
        words = ["distill" if distils else "teacher", "--recipe", self.recipe]
        words += ["--data", str(self.data), "--out", str(self.out)]
        for override in self.overrides:
            words += ["--set", override]
        words += ["--resume"] if self.resume else []
        return words if self.threads is None else [*words, "--threads", str(self.threads)]


def about(recipe: str) -> str:
    """Return what a recipe's file says in the comment that it begins with; empty where there is none."""
    path = Path(recipe) if Path(recipe).is_file() else RECIPES / f"{recipe}.toml"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return " ".join(line.strip("# ") for line in takewhile(lambda line: line.startswith("#"), lines))


def free_folder(name: str) -> Path:
    """Return a folder for a run among the user's own that does not exist yet."""
    base = data_folder() / "runs"
    number = 1
    while (base / f"{name}-{number}").exists():
        number += 1
    return base / f"{name}-{number}"


def plan_of(folder: Path, data: Path | None = None) -> Plan:
    """Return the plan of a run that lies in a folder, to resume it.

    Args:
        folder: the run's folder.
        data: the data folder where the run does not say which it used.

    Raises:
        UsageError: if no run lies there.
    """
    run = RunFolder(folder)
    owner = read_owner(run)
    if not run.recipe.is_file() and owner is not None and owner.process() is not None:
        raise UsageError("The run is still being prepared.", path=folder, remedy="Open it again in a moment.")
    if not run.recipe.is_file():
        raise UsageError("No run lies here.", path=folder, remedy="Choose a run's folder; it holds a recipe.toml.")
    with suppress(OSError, ValueError, KeyError, TypeError):  # it may have ended before it wrote which
        data = Path(json.loads(run.data.read_text(encoding="utf-8"))["folder"])
    plan = Plan(str(run.recipe), data, folder, resume=True)
    plan.resolved()
    return plan
