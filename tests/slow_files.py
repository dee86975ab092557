"""A pytest plugin that prints which files the suite's time goes to, all processes together."""

from __future__ import annotations

from collections import Counter

import pytest

SHOWN = 20
_seconds: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test's time; with pytest-xdist the process that started the workers hears of every one."""
    _seconds[report.nodeid.partition("::")[0]] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the files that took longest, with the seconds of their setups, calls and teardowns."""
    terminalreporter.write_line(f"{sum(_seconds.values()):.0f} s in all files; longest:")
    for file, seconds in _seconds.most_common(SHOWN):
        terminalreporter.write_line(f"{seconds:6.0f} s {file}")
