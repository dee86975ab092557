"""A pytest plugin that prints the largest memory that the suite held, of each of its processes, and what it rose in."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass, field

import pytest

KEY = "peak_memory"
STEP = 2**28  # bytes; smaller rises are not told


@dataclass
class Peak:
    """The largest resident size of a process so far, in bytes, and the tests after which it had risen."""

    size: int = 0
    rises: list[str] = field(default_factory=list)

    def look(self, test: str) -> None:
        """Note where the peak is after a test."""
        if (now := _peak()) > self.size + STEP:
            self.size = now
            self.rises.append(f"{now / 2**30:.2f} {test}")


_own = Peak()
_of_workers: list[tuple[int, list[str]]] = []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Look after each test."""
    _own.look(item.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its peak to the process that started it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[KEY] = (_peak(), _own.rises)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """The process that started a worker notes its peak."""
    del error
    size, rises = getattr(node, "workeroutput", {}).get(KEY, (0, []))
    _of_workers.append((size, list(rises)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the peaks, in GiB of 2^30 bytes."""
    peaks = [(_peak(), _own.rises), *_of_workers]
    each = " + ".join(f"{size / 2**30:.2f}" for size, _rises in peaks)
    terminalreporter.write_line(f"peak memory, largest resident size of each process: {each} GiB; it rose in:")
    for _size, rises in peaks:
        for rise in rises:
            terminalreporter.write_line(f"  {rise}")


def _peak() -> int:
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes if sys.platform == "darwin" else 1024 * kibibytes  # macOS counts in bytes
