"""How Twinlens starts itself again in a process of its own, from source and as an installed program alike."""

from __future__ import annotations

import sys
from typing import Literal

OwnModule = Literal[
    "core", "core.benchmarks.latency", "core.benchmarks.cam", "core.benchmarks.numpy_network", "training"
]  # fmt: skip


def is_frozen() -> bool:
    """Return whether this is the installed program of ``build_installer.py``, which has no Python beside it."""
    return bool(getattr(sys, "frozen", False))


def own_command(module: OwnModule, *arguments: str) -> list[str]:
    """Return the command line that runs a module of Twinlens, as ``python -m`` does.

    The frozen program has no Python to call: its own executable takes the module as its first word, as
    ``assets/installer/entry.py`` does it.
    """
    start = [sys.executable] if is_frozen() else [sys.executable, "-m"]
    return [*start, module, *arguments]
