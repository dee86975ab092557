"""The records of the history as a table for a view."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.records.history import is_refused
from core.tasks import TASKS
from gui.common import theme
from gui.common.wording import review_words

Index = QModelIndex | QPersistentModelIndex
Row = dict[str, Any]


class HistoryTable(QAbstractTableModel):
    """Records in the order in which they were found, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self._heads = [
            "When", "Image", "Task", "Teacher", "Student", "",
            "You", "Note",
        ]  # fmt: skip

    def show(self, rows: list[Row]) -> None:
        """Show other records."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of records."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: ANN401 - as Qt has it
        """Return a column's name."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:  # noqa: ANN401 - as Qt has it
        """Return a cell's text, tip, colour or name for a screen reader."""
        row = self.rows[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cell(row, column)
        if role == Qt.ItemDataRole.ForegroundRole:
            roles: dict[int, theme.Role] = {0: "dim", 3: "teacher", 4: "student"}
            if column == 5 and not row["same_class"]:
                return theme.colour("warning")
            return theme.colour(roles[column]) if column in roles else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return {1: row["path"] or f"SHA-256 {row['image_sha256']}", 7: row["note"]}.get(column)
        if role == Qt.ItemDataRole.AccessibleTextRole and column == 5 and not _held_back(row):
            return "They agree" if row["same_class"] else "They disagree"
        return None

    def _cell(self, row: Row, column: int) -> str:
        match column:
            case 0:
                return f"{datetime.fromisoformat(row['analysed_at']).astimezone():%Y-%m-%d %H:%M}"
            case 1:
                return Path(row["path"]).name if row["path"] else f"{row['image_sha256'][:12]}…"
            case 2:
                return TASKS[row["task"]].name if row["task"] in TASKS else str(row["task"])
            case 3 | 4:
                side = "teacher" if column == 3 else "student"
                if is_refused(row, side):
                    return "can't judge this"
                said, task = row[f"{side}_predicted"], TASKS.get(row["task"])
                name = task.class_name(said) if task is not None and said in task.class_ids else said
                return f"{100 * row[f'{side}_confidence']:.1f} %  {name}"
            case 5 if _held_back(row):
                return ""  # what is held back neither agrees nor disagrees
            case 5:
                return "✓" if row["same_class"] else "≠"
            case 6:
                return review_words(row["verdict"]) if row["verdict"] is not None else ""
            case _:
                return str(row["note"])


def _held_back(row: Row) -> bool:
    return is_refused(row, "teacher") or is_refused(row, "student")
