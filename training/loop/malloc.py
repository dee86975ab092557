"""Memory that a training step frees is kept for the next one, where glibc would give it back to the system.

A step's activations are hundreds of megabytes in large blocks. By default glibc maps such blocks one by one and unmaps
them when they are freed, so every step waits for the system to clear its pages anew.
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h
NEVER = -1


def keep_freed_memory() -> None:
    """Set glibc to keep what this process frees until it ends; elsewhere nothing is done."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, NEVER)
