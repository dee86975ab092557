"""Write the table of columns into docs/exports.md from their declaration: ``python docs/make_columns.py``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core import NOTICE  # noqa: E402
from core.compare.figures import columns  # noqa: E402
from core.compare.record import ComparisonRecord, Reading  # noqa: E402

PAGE = ROOT / "docs" / "exports.md"
TABLE = re.compile(r"(?<=<!-- columns -->\n).*?(?=<!-- end of columns -->)", re.DOTALL)


def table() -> str:
    """Return the table in Markdown; a column that both models have is listed once, without the side before it."""
    meanings = {}
    for column in columns(ComparisonRecord, Reading, keys=("CLASS",)):
        meanings.setdefault(re.sub("^(teacher|student)_", "", column.name), column.meaning)
    meanings["notice"] = NOTICE
    rows = [f"| `{name}` | {meaning} |" for name, meaning in meanings.items()]
    return "\n".join(["| column | meaning |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _old: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
