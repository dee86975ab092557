"""OpenVINO's core, one for the whole process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino


def openvino_core() -> openvino.Core:
    """Return the core that all of Twinlens uses; any thread may.

    There must be no second one: on processors with AMX the CPU plugin of each core gives the thread a stack of its own
    for signals. Those of two cores are put back in the order in which they were made (seen with OpenVINO 2026.4), so
    that one is in use after it was freed, and Ctrl-C ends the process with a segmentation fault.

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
