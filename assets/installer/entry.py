"""Entry of the installed program: the window, or with a first word ``core`` or ``training`` that package's door."""

from __future__ import annotations

import importlib
import multiprocessing
import sys

DOORS = ("core", "training")

if __name__ == "__main__":
    multiprocessing.freeze_support()
    package = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in DOORS else "gui"
    importlib.import_module(f"{package}.__main__").main()
