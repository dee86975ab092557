"""What the program remembers survives a process that is killed while it writes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gui.settings.preferences import Preferences, read_preferences, store, write_preferences

ROOT = Path(__file__).resolve().parents[3]
THREADS = range(1, 200)

# sets all preferences over and over, each time to values that belong together, and says so when they are on the disk
WRITER = """
from gui.settings.preferences import Preferences, store, write_preferences
settings = store()
settings.setValue("long", "x" * 200_000)  # so that a file takes a while to be written
while True:
    for threads in range(1, 200):
        light = threads % 2 == 1
        write_preferences(settings, Preferences("light" if light else "dark", threads=threads, history=light))
        settings.sync()
        print(threads, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_settings_of_a_process_killed_while_it_writes_are_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path))
    for kill_after in (1, 2, 3, 5, 8, 13):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT, env=dict(os.environ)
        )
        for _ in range(kill_after):
            written = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        seen = [written, *(int(line) for line in process.stdout.read().splitlines() if line.strip())]
        process.wait()
        process.stdout.close()
        _half_a_minute_passes()
        settings = store()
        found = read_preferences(settings)
        # the last that was said to be written, or the one in hand
        assert found.threads in {seen[-1], seen[-1] % len(THREADS) + 1}
        light = found.threads % 2 == 1
        assert (found.theme, found.history) == ("light" if light else "dark", light)
        assert len(settings.value("long")) == 200_000
        # and nothing that the dead process left, a lock for instance, keeps another from writing
        write_preferences(settings, Preferences(cam="exact"))
        settings.sync()
        assert settings.status() == settings.Status.NoError
        assert read_preferences(store()).cam == "exact"


def _half_a_minute_passes():
    """Make a lock old enough for Qt to break it, where the process was killed before its number was in it."""
    lock = Path(store().fileName() + ".lock")
    if lock.exists():
        os.utime(lock, (time.time() - 31,) * 2)
