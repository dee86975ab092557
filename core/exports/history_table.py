"""Records of the history as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from core import NOTICE
from core.exports.formats.csv_table import safe_cell
from core.records.analysis import COLUMNS, Analysis
from core.system.atomic_files import written_whole


def write_history(path: Path, rows: Iterable[Analysis]) -> None:
    """Write analyses of the history as a table with its columns; predictions and settings are JSON in their cells.

    Raises:
        WriteError: if it can't be written.
    """
    with written_whole(path) as file:
        table = csv.writer(file)
        table.writerow([*COLUMNS, "notice"])
        for row in rows:
            stored = row.stored() | {"same_class": row.same_class}
            table.writerow([*(safe_cell(stored[name]) for name in COLUMNS), NOTICE])
