"""Events of the training module, which arrive as lines of JSON in pieces."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import get_args

from training.loop.events import Event

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


class Lines:
    """Cuts what arrives in pieces into lines."""

    def __init__(self) -> None:
        self._begun = b""

    def split(self, data: bytes) -> list[str]:
        """Return the lines that have become complete."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        return [text_of(line) for line in lines]

    def rest(self) -> str:
        """Return what has no end of line."""
        return text_of(self._begun)


def read_event(line: str) -> Event | None:
    """Return the event in a line; None where it holds none, or one that this version does not know."""
    if not line.startswith('{"event"'):
        return None
    try:
        found = json.loads(line)
        kind = KINDS[found["event"]]
        return kind(**{field.name: found[field.name] for field in fields(kind) if field.name in found})
    except (ValueError, KeyError, TypeError):
        return None


def text_of(data: bytes | bytearray | memoryview) -> str:
    """Return bytes as text, damaged ones as replacement characters."""
    return bytes(data).decode("utf-8", errors="replace")
