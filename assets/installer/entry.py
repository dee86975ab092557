"""Entry of the installed program: the window, or the module of Twinlens that the first word names.

``twinlens core compare scan.dcm`` is what ``python -m core compare scan.dcm`` is from source; the program starts itself
so as well (``core.system.subprocesses``).
"""

from __future__ import annotations

import multiprocessing
import runpy
import sys

MODULES = ("core", "core.benchmarks.latency", "core.benchmarks.cam", "core.benchmarks.numpy_network", "training")

if __name__ == "__main__":
    multiprocessing.freeze_support()
    module = "gui"
    if sys.argv[1:2] and sys.argv[1] in MODULES:
        module = sys.argv.pop(1)
        sys.argv[0] = f"twinlens {module}"
    runpy.run_module(module, run_name="__main__")
