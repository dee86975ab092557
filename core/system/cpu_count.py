"""How many processors there are for this process."""

from __future__ import annotations

import os

import psutil


def usable_cpus() -> int:
    """Return how many logical processors this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_cores() -> int:
    """Return how many cores this process may use, at least 1: threads of one core share its arithmetic."""
    return min(usable_cpus(), psutil.cpu_count(logical=False) or usable_cpus())
