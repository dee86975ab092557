"""A table as CSV: a row for each image, with a column for each figure of its record."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core import NOTICE
from core.compare.figures import cells, columns
from core.compare.record import ComparisonRecord, ExportRecord, Reading
from core.exports.format import ExportFormat, Wanted, Write
from core.system.atomic_files import written_whole
from core.tasks import TASKS, get_task


class CsvTable:
    """Writes records as rows; the columns are those of one task, or of all where it follows from each image."""

    def __init__(self, file: TextIO, task: str | None) -> None:
        tasks = TASKS.values() if task is None else [get_task(task)]
        labels = tuple(dict.fromkeys(label for known in tasks for label in known.class_ids))
        names = [column.name for column in columns(ComparisonRecord, Reading, keys=labels)]
        self._writer = csv.DictWriter(file, [*names, "notice"])
        self._writer.writeheader()

    def add(self, exported: ExportRecord) -> None:
        """Write one record; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
        row = {**dict(cells(exported.record)), **dict(cells(exported.reading)), "notice": NOTICE}
        self._writer.writerow({name: safe_cell(value) for name, value in row.items()})


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet runs as a formula (OWASP, "CSV injection"); numbers stay as they are."""
    risky = isinstance(value, str) and value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{value}" if risky else value


@contextmanager
def _open(place: Path, wanted: Wanted) -> Iterator[Write]:
    with written_whole(place) as file:
        table = CsvTable(file, wanted.task)
        yield lambda result: table.add(result.exported)


FORMAT = ExportFormat(
    "csv", "Table (CSV)", "A row for each image with everything that was measured", "twinlens.csv", _open
)
