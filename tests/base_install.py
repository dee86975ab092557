"""The base install, in an environment that has more: processes in which no module of an extra can be imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core.system.extras import EXTRAS

ROOT = Path(__file__).resolve().parent.parent
MODULES = {module for extra in EXTRAS.values() for module in extra.modules}
GIB = 1 << 30
CORES = 2


def base_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a process, and of those that it starts, in which the extras are not installed.

    Args:
        folder: an empty one; it is on the process's path.
    """
    lines = f"import sys\nsys.modules.update(dict.fromkeys({sorted(MODULES)}))\n"
    (folder / "sitecustomize.py").write_text(lines, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}


def small_machine() -> None:
    """As ``preexec_fn`` of a subprocess: it has 2 cores and 2 GiB of memory, as have those that it starts.

    RLIMIT_DATA limits what a process may allocate and write to, whether it is resident or not: more strictly than a
    machine would. RLIMIT_AS would also count addresses that are only reserved (stacks, arenas of threads) and mapped
    libraries; RLIMIT_RSS is ignored by Linux; a cgroup needs rights that tests do not have.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (2 * GIB, 2 * GIB))
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
