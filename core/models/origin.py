"""Where an installed model comes from: shipped with the program, trained here, or imported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from core.models.bundle import Bundle
from core.names import readable
from core.system.paths import package_weights

ORIGIN_FILE = "origin.json"  # beside an imported bundle's files; no part of it
MOST_BYTES = 10_000
MOST_SHOWN = 200  # characters of a name

OriginKind = Literal["shipped", "trained", "imported"]


@dataclass(frozen=True)
class Origin:
    """Where a model comes from.

    Attributes:
        kind: whether it came with the program, was trained on this machine, or was imported.
        source: the name of the file or folder that it was imported from, where that is known.
        on: when it was imported (ISO 8601), where that is known.
    """

    kind: OriginKind
    source: str = ""
    on: str = ""


def origin_of(bundle: Bundle) -> Origin:
    """Return where an installed model comes from.

    An import leaves a note beside the model. A model of the user's own without one was published by a run on this
    machine, if its card names a recipe; else an older version imported it.
    """
    if bundle.directory.is_relative_to(package_weights()):
        return Origin("shipped")
    path = bundle.directory / ORIGIN_FILE
    try:
        with path.open(encoding="utf-8") as file:
            stated = json.loads(file.read(MOST_BYTES))
    except FileNotFoundError:
        return Origin("trained" if bundle.card.training.recipe_digest else "imported")
    except (OSError, ValueError):
        return Origin("imported")
    if not isinstance(stated, dict):
        return Origin("imported")
    source, on = (readable(str(stated.get(name, "")))[:MOST_SHOWN] for name in ("source", "on"))
    return Origin("imported", source, on)


def note_import(directory: Path, source: Path) -> None:
    """Note beside a bundle that is being installed that it is imported.

    Raises:
        OSError: if that can't be written.
    """
    stated = {"source": readable(source.name), "on": datetime.now().astimezone().isoformat(timespec="seconds")}
    (directory / ORIGIN_FILE).write_text(json.dumps(stated) + "\n", encoding="utf-8")
