"""Records as JSON, one a line, nested as in ``compare --json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core.compare.record import ExportRecord
from core.exports.format import ExportFormat, Wanted, Write
from core.system.atomic_files import written_whole


class JsonLines:
    """Writes records as JSON, one a line, each with the notice."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def add(self, exported: ExportRecord) -> None:
        """Write one record."""
        self._file.write(json.dumps(exported.as_dict(), ensure_ascii=False) + "\n")


@contextmanager
def _open(place: Path, _wanted: Wanted) -> Iterator[Write]:
    with written_whole(place) as file:
        lines = JsonLines(file)
        yield lambda result: lines.add(result.exported)


FORMAT = ExportFormat(
    "jsonl", "Records (JSON lines)", "The same, nested, a line for each image", "twinlens.jsonl", _open
)
