"""Times the window's event loop: for how long at most it did not come round, and what kept it."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

BEAT_MS = 5
LATE_MS = 60  # from then on it is noted what the thread is doing
INNERMOST = 5  # functions of which it is noted


@dataclass(frozen=True)
class Stall:
    """The longest times for which the event loop did not come round, in milliseconds; each may be another occasion.

    Attributes:
        ms: the longest.
        own_ms: the longest without the time that the thread queued for a processor which other programs used; only
            Linux tells that apart. It still holds waits for other threads of this process, which may queue themselves.
        computing_ms: the longest that the thread itself computed at a stretch.
        usual_ms: the 99.9th percentile of the intervals.
        where: the functions that it was in during the longest of its own, the innermost last; empty for a short one.
    """

    ms: float
    own_ms: float
    computing_ms: float
    usual_ms: float
    where: str


class Heartbeat(QObject):
    """A timer that should fire every five milliseconds; it belongs to the thread that makes it.

    Args:
        parent: what it lives with.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._beats: list[tuple[float, float, float]] = []  # seconds: when; computed; waited for a processor
        self._late: list[tuple[float, str]] = []  # when it was late, and what the thread was doing
        self._ended = threading.Event()
        self._thread = threading.get_ident()
        self._queue = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to time."""
        self._beats.clear()
        self._late.clear()
        self._ended.clear()
        self._beat()
        self._timer.start(BEAT_MS)
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> Stall:
        """Return the longest stall since :meth:`start`."""
        self._timer.stop()
        self._beat()
        self._ended.set()
        wall, computed, queued = (np.diff(column) * 1e3 for column in np.array(self._beats).T)
        own = wall - queued
        worst = int(own.argmax())
        began, ended = self._beats[worst][0], self._beats[worst + 1][0]
        seen = [words for when, words in self._late if began < when < ended]
        where = seen[len(seen) // 2] if seen else ""
        usual = float(np.percentile(wall, 99.9))
        return Stall(float(wall.max()), float(own.max()), float(computed.max()), usual, where)

    def _beat(self) -> None:
        queued = int(self._queue.read_text(encoding="ascii").split()[1]) / 1e9 if self._queue.exists() else 0.0
        self._beats.append((time.perf_counter(), time.thread_time(), queued))

    def _watch(self) -> None:
        while not self._ended.wait(LATE_MS / 3000):
            now = time.perf_counter()
            if 1e3 * (now - self._beats[-1][0]) > LATE_MS:
                self._late.append((now, _functions(self._thread)))


def _functions(thread: int) -> str:
    """Return the innermost functions of a thread with their lines.

    A frame that is held keeps its painters, and one that outlives its paint event ends the process: so it is let go of
    within microseconds, and no source file is read, as ``traceback`` does.
    """
    frame = sys._current_frames().get(thread)
    found: list[tuple[CodeType, int]] = []
    while frame is not None and len(found) < INNERMOST:
        found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    del frame
    return " › ".join(
        f"{'/'.join(code.co_filename.split('/')[-2:])}:{line} {code.co_name}" for code, line in reversed(found)
    )
