"""Time Twinlens from the command to the first answer, in an empty home: ``python docs/measure_first_use.py CORE GUI``.

CORE and GUI are the commands to time, e.g. ``twinlens-cli twinlens`` for the wheel, or ``'/opt/twinlens/twinlens core'
/opt/twinlens/twinlens`` for the installed program. Prints rows of Markdown for docs/benchmarks/install.md.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from core.images.demo import demonstration_radiograph

RUNS = 3


def main() -> None:
    """Run both commands in two empty homes, one for the first comparison and one for the first window."""
    core, gui = (shlex.split(command) for command in sys.argv[1:3])
    compare = [*core, "compare", str(demonstration_radiograph())]
    with tempfile.TemporaryDirectory() as home:
        show("the list of models", home, [*core, "models"], RUNS)
        show("a comparison, first ever", home, [*compare, "--cam", "none"], 1)
        show("a comparison, later", home, [*compare, "--cam", "none"], RUNS)
        show("a comparison with Score-CAM, later", home, compare, RUNS)
    with tempfile.TemporaryDirectory() as home:
        window = [*gui, "--demo", "--screenshot", f"{home}/window.png"]
        show("the demonstration in the window with both maps, first ever", home, window, 1)
        show("the same, later", home, window, RUNS)
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)


def show(what: str, home: str, command: list[str], runs: int) -> None:
    """Run a command, and print the median of its seconds."""
    times = []
    environment = {"HOME": home, "PATH": os.defpath, "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=Path(home), env=environment)  # noqa: S603 - given by whoever measures
        times.append(time.perf_counter() - started)
    print(f"| {what} | {statistics.median(times):.2f} s |", flush=True)


if __name__ == "__main__":
    main()
