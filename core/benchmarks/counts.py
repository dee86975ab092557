"""What Score-CAM costs in counts that do not depend on how fast the machine is, nor on what else runs on it.

Forwards are counted on a network of NumPy, and on the student with two threads, whatever the processor has: the number
of masks in a batch follows from them. Instructions of the processor are counted by Valgrind's callgrind, for the
network of NumPy: they are those of the explanation itself.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np

from core.benchmarks.numpy_network import NumpyNetwork, explain
from core.benchmarks.results import Count
from core.explain.scorecam import Depth, ScoreCam
from core.images.demo import demonstration_radiograph
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.catalogue import Catalogue
from core.runtimes.load import load_runtime
from core.system.subprocesses import own_command

THREADS = 2
CALLGRIND_MINUTES = 20
INSTRUCTIONS_NOISE = 0.02


def counts(catalogue: Catalogue, *, quick: bool = False) -> Iterator[Count]:
    """Yield what is counted.

    Args:
        catalogue: the installed models.
        quick: whether the processor's instructions are left out, which take minutes.
    """
    for depth in get_args(Depth):
        network = NumpyNetwork()
        explain(network, depth)
        yield Count(f"forwards of a network of NumPy, {depth} map", network.forwards)
    student = catalogue.find("chest-xray", "student")
    image = preprocess(read_image(demonstration_radiograph()), student.card.preprocessing)
    score_cam = ScoreCam(load_runtime(student, threads=THREADS), image)
    *_, last = score_cam.refine(int(score_cam.logits.argmax()))
    yield Count(f"forwards of {student.id}, fast map of the demonstration", last.maps_scored)
    if not quick and (found := instructions()) is not None:
        yield found


def instructions() -> Count | None:
    """Count the processor's instructions for one fast map, from two runs; None where Valgrind is missing or fails."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        return None
    few, many = 1, 3
    try:
        found = [_instructions(valgrind, maps) for maps in (few, many)]
    except (subprocess.SubprocessError, OSError, ValueError):  # e.g. on a processor that it does not know
        return None
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}"
    each = (found[1] - found[0]) // (many - few)
    return Count("instructions, fast map by a network of NumPy", each, INSTRUCTIONS_NOISE, versions)


def _instructions(valgrind: str, maps: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        options = ["--tool=callgrind", f"--callgrind-out-file={out}"]
        done = subprocess.run(  # noqa: S603 - our own module
            [valgrind, *options, *own_command("core.benchmarks.numpy_network", str(maps))],
            env=os.environ | {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=60 * CALLGRIND_MINUTES,
        )
    return collected(done.stderr)


def collected(report: str) -> int:
    """Return the number of instructions that callgrind states at its end."""
    found = re.search(r"Collected : (\d+)", report)
    if found is None:
        raise ValueError(f"callgrind has counted nothing: {report[-500:]}")
    return int(found[1])
