"""Time a network's forward at batch 1 in a process of its own.

``python -m core.benchmarks.latency FOLDER RUNTIME RUNS``
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from core.models.bundle import read_bundle
from core.models.probe import probe_input
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime

WARM_UP = 5


def measure(folder: Path, choice: RuntimeChoice, runs: int) -> list[float]:
    """Return the milliseconds of each of ``runs`` forwards of one image, after some that do not count."""
    bundle = read_bundle(folder)
    runtime = load_runtime(bundle, choice)
    batch = probe_input(bundle.card.preprocessing)
    for _ in range(WARM_UP):
        runtime.forward(batch)
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        runtime.forward(batch)
        times.append(1e3 * (time.perf_counter() - started))
    return times


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
