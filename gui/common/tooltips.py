"""Tooltips as wide as is pleasant to read: Qt breaks those of plain text only where the screen ends."""

from __future__ import annotations

import textwrap

LONGEST = 72  # characters of a line


def wrapped(text: str) -> str:
    """Return a tooltip in lines of at most ``LONGEST`` characters; its own line breaks are kept."""
    return "\n".join(textwrap.fill(line, LONGEST, break_long_words=False) for line in text.splitlines())
