"""Many mixed images through the comparison: ``python -m tests.endurance --images 5000``; not part of the suite.

One image in ``--broken`` is damaged. Every one must be accounted for, the resident size must stay flat, and no thread
or process of ours may be left that was not there after the first fifty.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as pytest does

from hostile_samples import healthy

from core.benchmarks.suite import machine
from core.compare.session import Choice, ComparisonSession

MIB = 1 << 20
SETTLED = 50
GROWTH_MIB = 60  # more than this between the first images and the last is a leak


def samples(folder):
    """Radiographs and tiles of usual sizes as PNG and JPEG, and a small file of every kind that is opened."""
    import cv2

    rng = np.random.default_rng(0)
    for name, content in healthy().items():
        (folder / name.replace(" ", "_")).write_bytes(content)
    for side in (299, 768, 1024, 2048):
        grey = cv2.resize(rng.integers(0, 256, (20, 20), np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
        colour = cv2.resize(rng.integers(0, 256, (20, 20, 3), np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
        for name, pixels in (("grey", grey), ("colour", colour)):
            for kind in ("png", "jpg"):
                (folder / f"{name}_{side}_{kind}").write_bytes(cv2.imencode(f".{kind}", pixels)[1].tobytes())
    return sorted(folder.iterdir())


def state():
    """Resident MiB, threads, child processes and open files of this process."""
    gc.collect()
    me = psutil.Process()
    # a thread of Qt's that has asked Python for its name stays on Python's list as a dummy after its end
    threads = sum(not isinstance(thread, threading._DummyThread) for thread in threading.enumerate())
    return me.memory_info().rss / MIB, threads, len(me.children(recursive=True)), me.num_fds()


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--broken", type=int, default=20, help="one image in so many is damaged")
    parser.add_argument("--maps", type=int, default=50, help="one image in so many gets heat maps too")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    session, plain, mapped = ComparisonSession(), Choice(cam="none"), Choice(cam="fast")
    counts = {"compared": 0, "with maps": 0, "refused": 0, "broken": 0, "lost": 0}
    peak, early, started = 0.0, None, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "whole").mkdir()
        whole, broken = samples(Path(name) / "whole"), Path(name) / "broken"
        for path in whole:  # all decoders and networks, with all that they load when first used
            session.examine(path, plain)
        for path in whole[:2] + whole[-2:]:
            session.examine(path, mapped)
        for i in range(options.images):
            path = rng.choice(whole)
            if damaged := i % options.broken == options.broken - 1:
                content = path.read_bytes()
                broken.write_bytes(rng.choice((content[: len(content) // 3], content[7:], b"", b"text")))
                path = broken
            choice = mapped if i % options.maps == options.maps - 1 and not damaged else plain
            record = session.examine(path, choice).record
            answered = record.error is None
            counts["broken"] += damaged
            counts["compared"] += answered
            counts["with maps"] += answered and choice is mapped
            counts["refused"] += not answered
            counts["lost"] += answered == damaged
            if i + 1 == min(SETTLED, options.images // 2):
                early = state()
                peak = early[0]
            if early and i % 25 == 0:
                peak = max(peak, psutil.Process().memory_info().rss / MIB)
        late = state()
    grown = late[0] - early[0]
    names = ("resident MiB", "threads", "child processes", "open files")
    faults = [f"{what} grew from {a} to {b}" for what, a, b in zip(names, early, late, strict=True) if b > a][1:]
    faults += [f"{counts['lost']} images were answered wrongly or not at all"] if counts["lost"] else []
    faults += [f"memory grew by {grown:.0f} MiB"] if grown > GROWTH_MIB else []
    figures = {
        "images": options.images, **counts, "seconds": round(time.monotonic() - started, 1),
        "early": dict(zip(names, early, strict=True)), "late": dict(zip(names, late, strict=True)),
        "peak MiB": round(peak, 1), "machine": dataclasses.asdict(machine()), "faults": faults,
    }  # fmt: skip
    print(json.dumps(figures, indent=2))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
