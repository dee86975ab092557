"""Records of the history as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core import NOTICE
from core.exports.formats.csv_table import safe_cell
from core.records.history import COLUMNS
from core.system.atomic_files import written_whole


def write_history(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write records of the history as a table with its columns; answers and settings are JSON in their cells.

    Raises:
        WriteError: if it can't be written.
    """
    with written_whole(path) as file:
        table = csv.writer(file)
        table.writerow([*COLUMNS, "notice"])
        for row in rows:
            plain = {**row, **{name: json.dumps(row[name], ensure_ascii=False) for name in ("answers", "settings")}}
            table.writerow([*(safe_cell(plain[name]) for name in COLUMNS), NOTICE])
