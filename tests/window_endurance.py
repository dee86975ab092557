"""Many mixed images through the window: ``python -m tests.window_endurance --images 5000``; not part of the suite.

One image in ``--broken`` is damaged. Every one must get its answer or its reason, the resident size must stay flat
after the first tenth but for the answers that the list keeps, and closing must leave no thread or process behind.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as pytest does

from endurance import GROWTH_MIB, state
from hostile_samples import healthy
from PySide6.QtCore import QEventLoop, Qt, QTimer

from core.benchmarks.suite import machine
from core.images.gdcm_worker import worker as decoder
from gui.window.app import make_application
from gui.window.main_window import MainWindow
from gui.worklist.entry import State

BEAT_MS = 5
SIDES = (299, 512, 768, 1024)
ANSWER_MIB = 0.01  # that the answer to a listed file may take; the list keeps it
NAMES = ("resident MiB", "threads", "child processes", "open files")


def write_images(folder, count, broken):
    """Write pictures, no two alike, and now and then a small file of each kind; return how many are damaged."""
    import cv2

    rng = np.random.default_rng(0)
    kinds = healthy()
    small = [kinds.pop("DICOM JPEG lossless"), *kinds.values()]  # GDCM's process is there from the first on
    cut = [kinds[name][: len(kinds[name]) // 3] for name in ("PNG", "JPEG", "TIFF", "BMP", "DICOM")]
    coarse = {True: rng.integers(0, 256, (20, 20, 3), np.uint8), False: rng.integers(0, 256, (20, 20), np.uint8)}
    damaged = 0
    for i in range(count):
        if i % broken == broken - 1:
            content, damaged = cut[damaged % len(cut)], damaged + 1
        elif i % 50 == 0:
            content = small[i // 50 % len(small)]
        else:
            side, colour = SIDES[i % 4], i % 3 == 0
            pixels = cv2.resize(coarse[colour], (side, side), interpolation=cv2.INTER_CUBIC)
            content = cv2.imencode(".jpg" if i % 2 else ".png", np.roll(pixels, i, axis=1))[1].tobytes()
        (folder / f"{i:05d}").write_bytes(content)
    return damaged


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.window_endurance", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--broken", type=int, default=20, help="one image in so many is damaged")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as name:
        os.environ["TWINLENS_DATA"] = f"{name}/data"
        folder = Path(name) / "images"
        folder.mkdir()
        damaged = write_images(folder, options.images, options.broken)
        app = make_application()
        before = state()
        window = MainWindow()
        window.apply_theme()
        window.show()
        beats = []
        heart = QTimer(window)
        heart.setTimerType(Qt.TimerType.PreciseTimer)
        heart.timeout.connect(lambda: beats.append(time.perf_counter()))
        heart.start(BEAT_MS)
        window.begin([folder])

        def wait(for_what):
            while not for_what():
                app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

        def done():
            return sum(entry.state is not State.WAITING for entry in window.worklist.entries())

        wait(lambda: window.worklist.rowCount() == options.images)
        started = time.monotonic()
        window.commands.actions["analyse_all"].trigger()
        sizes = []
        while (count := done()) < options.images:
            if count * 10 // options.images > len(sizes):
                sizes.append(round(state()[0], 1))
                print(f"{count} of {options.images}: {sizes[-1]} MiB", file=sys.stderr, flush=True)
            until = time.monotonic() + 1
            wait(lambda until=until: time.monotonic() > until)
        seconds = time.monotonic() - started
        late = state()
        states = [entry.state for entry in window.worklist.entries()]
        heart.stop()
        window.close()
        app.processEvents()
        decoder.stop()  # kept for the next compressed DICOM file as long as the program runs
        after = state()
        left = [thread.name for thread in threading.enumerate()]
    stalls = np.diff(beats) * 1e3
    counts = {s.name.lower(): states.count(s) for s in set(states)}
    grown = late[0] - sizes[0]
    faults = [] if counts.get("failed", 0) == damaged else [f"{damaged} are damaged, {counts} were told"]
    faults += [f"memory grew by {grown:.0f} MiB"] if grown > GROWTH_MIB + options.images * ANSWER_MIB else []
    faults += [
        f"{what} left: {b} for {a}" for what, a, b in zip(NAMES[1:3], before[1:3], after[1:3], strict=True) if b > a
    ]
    figures = {
        "images": options.images, "damaged": damaged, **counts, "seconds": round(seconds, 1),
        "resident MiB at each tenth": sizes, "late": dict(zip(NAMES, late, strict=True)),
        "after closing": dict(zip(NAMES, after, strict=True)), "threads on Python's list": left,
        "longest stall ms": round(float(stalls.max()), 1),
        "99.9 % of stalls ms": round(float(np.percentile(stalls, 99.9)), 1),
        "machine": dataclasses.asdict(machine()), "faults": faults,
    }  # fmt: skip
    print(json.dumps(figures, indent=2))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
