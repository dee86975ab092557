"""Time Twinlens from the command to the first prediction, in an empty home.

Run it as ``python docs/measure_first_use.py CORE GUI``.

CORE and GUI are the commands to time, e.g. ``twinlens-cli twinlens`` for the wheel, or ``'/opt/twinlens/twinlens core'
/opt/twinlens/twinlens`` for the installed program. Prints rows of Markdown for docs/benchmarks/install.md: seconds, those
of them in which a processor computed for it, and the largest resident size of a process.

With ``--cold FOLDER``, the virtual environment or the program, its files are read from the disk again at each first
start: the system forgets them before.
"""

from __future__ import annotations

import argparse
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
    parser = argparse.ArgumentParser(description="Time Twinlens from the command to the first answer.")
    parser.add_argument("core", type=shlex.split, help="the command line of python -m core")
    parser.add_argument("gui", type=shlex.split, help="the command line of python -m gui")
    parser.add_argument("--cold", type=Path, help="a folder whose files are read from the disk at each first start")
    given = parser.parse_args()
    compare = [*given.core, "compare", str(demonstration_radiograph())]
    with tempfile.TemporaryDirectory() as home:
        forget(given.cold)
        show("predictions, first ever", home, [*compare, "--cam", "none"], 1)
        show("predictions", home, [*compare, "--cam", "none"], RUNS)
        show("predictions and both heat maps", home, compare, RUNS)
        show("the list of models", home, [*given.core, "models"], RUNS)
    with tempfile.TemporaryDirectory() as home:
        window = [*given.gui, "--demo", "--screenshot", f"{home}/window.png"]
        forget(given.cold)
        show("the demonstration in the window with both heat maps, first ever", home, window, 1)
        show("the same", home, window, RUNS)
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)


def forget(folder: Path | None) -> None:
    """Let the system forget the files of a folder, so that they are read from the disk; only Linux can."""
    for path in [] if folder is None else folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def show(what: str, home: str, command: list[str], runs: int) -> None:
    """Run a command, and print the medians of its seconds, of the processors' seconds, and of its resident size."""
    times, computed, sizes = [], [], []
    environment = {"HOME": home, "PATH": os.defpath, "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
    for _ in range(runs):
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - given by whoever measures
            command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _pid, status, used = os.wait4(process.pid, 0)
        times.append(time.perf_counter() - started)
        computed.append(used.ru_utime + used.ru_stime)
        sizes.append(used.ru_maxrss / 1024)
        if status:
            raise SystemExit(f"{shlex.join(command)} failed.")
    wall, cpu, size = (statistics.median(values) for values in (times, computed, sizes))
    print(f"| {what} | {wall:.2f} s | {cpu:.2f} s | {size:.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
