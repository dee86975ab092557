"""A pytest plugin that prints the largest memory that the suite held, of all its processes together."""

from __future__ import annotations

import resource
import sys

import pytest

KEY = "peak_memory_bytes"
_of_workers: list[int] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its peak to the process that started it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[KEY] = _peak()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """The process that started a worker notes its peak."""
    del error
    _of_workers.append(getattr(node, "workeroutput", {}).get(KEY, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the peaks, in GiB of 2^30 bytes."""
    peaks = [_peak(), *_of_workers]
    each = " + ".join(f"{peak / 2**30:.2f}" for peak in peaks)
    terminalreporter.write_line(f"peak memory, largest resident size of each process: {each} GiB")


def _peak() -> int:
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes if sys.platform == "darwin" else 1024 * kibibytes  # macOS counts in bytes
