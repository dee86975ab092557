"""How Twinlens starts itself again in a process of its own, from source and as an installed program alike."""

from __future__ import annotations

import sys
from typing import Literal


def own_command(package: Literal["core", "training"], *arguments: str) -> list[str]:
    """Return the command line that runs the door of a package, as ``python -m`` does.

    The frozen program has no Python to call: its own executable takes the package as its first word.
    """
    start = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m"]
    return [*start, package, *arguments]
