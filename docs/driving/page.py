"""The page of what was measured while the window was driven."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.benchmarks.suite import machine

TIMED = ("1280", "tasks")  # setups whose stalls are of use

HEAD = """## The window, driven

`python docs/drive_window.py` drives the real window on a virtual screen by events of the X server, looks at every
screen in both themes and at 150 and 200 %, and writes this section.

{machine}

Of the window, the demonstration radiograph takes (pixels of both images; the black around them does not count):

"""
CLICKS = """
What is done most, with its clicks. A file dialog is the system's; choosing a file in it is not counted.

| what | clicks |
|---|---:|
"""
STALLS = """
The longest time for which the window's event loop did not come round, while other programs used this machine's
processors{busy}.
*Own* leaves out the time for which the window's thread queued for a processor, but not the time for
which it waited for a thread of this program that queued; *computing* is the longest that it computed at a stretch.
[The window](#the-window) has figures of an idle machine.

| while | for | longest stall | own | computing | 99.9 % of the intervals under |
|---|---:|---:|---:|---:|---:|
"""


def write_page(measured: Mapping[str, Any], names: Mapping[str, str], path: Path) -> None:
    """Write what was measured as Markdown.

    Args:
        measured: the figures of each setup.
        names: the setups in words.
        path: the file.
    """
    shares = {names[key]: found["shares"] for key, found in measured.items() if found.get("shares")}
    heads = list(dict.fromkeys(head for row in shares.values() for head in row))
    text = HEAD.format(machine=machine().line())
    text += f"| window | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}\n"
    for name, row in shares.items():
        text += f"| {name} | " + " | ".join(f"{100 * row[head]:.1f} %" for head in heads) + " |\n"
    text += CLICKS
    for found in measured.values():
        text += "".join(f"| {what} | {count} |\n" for what, count in found.get("clicks", {}).items())
    loads = [found["load"] for key, found in measured.items() if key in TIMED and "load" in found]
    text += STALLS.format(busy=f" (load average {max(loads):.0f} on {os.cpu_count()} cores)" if loads else "")
    for key, found in measured.items():
        for what, stall in found.get("stalls", {}).items():
            if key in TIMED:
                text += (
                    f"| {what} | {found['seconds'][what]:.1f} s | {stall['ms']:.0f} ms | "
                    f"{stall['own_ms']:.0f} ms | {stall['computing_ms']:.0f} ms | {stall['usual_ms']:.0f} ms |\n"
                )
    path.write_text(text, encoding="utf-8")
