"""Measure an installation on a quiet machine, in one go: ``python docs/measure_install.py ENVIRONMENT [PROGRAM]``.

ENVIRONMENT is the virtual environment of a base install, PROGRAM the folder that ``build_installer.py --lite`` made.
Prints rows of Markdown for docs/benchmarks/install.md: size, then time, time of a processor and largest resident size,
all within two cores and RLIMIT_DATA of 2 GiB. Before the first row of each, the system forgets its files, so that they
are read from the disk. Linux alone has these limits.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure_first_use import forget, show

from core.images.demo import demonstration_radiograph

LIMITS = ["prlimit", "--data=2147483648", "taskset", "-c", "0,1"]
STUDENTS_MAP = """
import sys
from pathlib import Path
from core.explain.scorecam import ScoreCam
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.catalogue import read_catalogue
from core.runtimes.load import load_runtime
bundle = read_catalogue().find("chest-xray", "student")
image = preprocess(read_image(Path(sys.argv[1])), bundle.card.preprocessing)
*_, last = ScoreCam(load_runtime(bundle), image).refine(0)
assert last.maps_scored
"""


def main() -> None:
    """Measure the environment and, where one is given, the program."""
    parser = argparse.ArgumentParser(description="Measure an installation on a quiet machine.")
    parser.add_argument("environment", type=Path, help="the virtual environment of a base install")
    parser.add_argument("program", type=Path, nargs="?", help="the folder of the lite program")
    parser.add_argument("--runs", type=int, default=3, help="how often what happens not only once is timed")
    given = parser.parse_args()
    python = str(given.environment.absolute() / "bin" / "python")
    measure("base install", given.environment, [python, "-m", "core"], given.runs)
    with tempfile.TemporaryDirectory() as home:
        alone = [*LIMITS, python, "-c", STUDENTS_MAP, str(demonstration_radiograph())]
        show("base install: the student's fast heat map alone", home, alone, given.runs)
    if given.program:
        measure("lite program", given.program, [str(given.program.absolute() / "twinlens"), "core"], given.runs)
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)


def measure(what: str, folder: Path, core: list[str], runs: int) -> None:
    """Print the size of an installation, and what its first and later comparisons take."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"| {what}: size | {size / 1e6:.1f} MB | | |", flush=True)
    compare = [*LIMITS, *core, "compare", str(demonstration_radiograph())]
    with tempfile.TemporaryDirectory() as home:
        forget(folder)
        show(f"{what}: predictions, cold", home, [*compare, "--cam", "none"], 1)
        show(f"{what}: predictions, warm", home, [*compare, "--cam", "none"], runs)
        show(f"{what}: predictions and both heat maps", home, compare, runs)


if __name__ == "__main__":
    main()
