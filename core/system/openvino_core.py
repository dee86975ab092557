"""OpenVINO's core, one for the whole process, and a context for libraries that make others."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino


def openvino_core() -> openvino.Core:
    """Return the core that all of Twinlens uses; any thread may.

    There must be no second one: on Linux the CPU plugin of each core gives the thread a stack of its own for signals.
    A core that is dropped puts back the one that it found (seen with OpenVINO 2026.4), which may be of a core that was
    dropped before it: it is then in use after it was freed, and Ctrl-C ends the process with a segmentation fault.

    Raises:
        ImportError: if OpenVINO is not installed.
    """
    import openvino  # noqa: F401 - its absence is told each time

    return _made()


@cache
def _made() -> openvino.Core:
    import openvino

    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # a file in use can be replaced, also on Windows
    return core


@contextmanager
def other_cores() -> Iterator[None]:
    """Let a library make and drop cores of its own: the thread then gets back the stack for signals that it had."""
    if sys.platform != "linux":
        yield
        return
    _made()  # its stack stays
    library, before = ctypes.CDLL(None), _SignalStack()
    library.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        library.sigaltstack(ctypes.byref(before), None)


class _SignalStack(ctypes.Structure):
    """POSIX's stack_t."""

    _fields_ = (("ss_sp", ctypes.c_void_p), ("ss_flags", ctypes.c_int), ("ss_size", ctypes.c_size_t))
