"""The records of the history as a table for a view."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.records.analysis import Analysis
from core.tasks import TASKS
from gui.common import theme

Index = QModelIndex | QPersistentModelIndex


class HistoryTable(QAbstractTableModel):
    """Records in the order in which they were found, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Analysis] = []
        self._heads = [
            "When", "Image", "Task", "Teacher", "Student", "",
            "Your reading", "Note",
        ]  # fmt: skip

    def show(self, rows: list[Analysis]) -> None:
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
            if column == 5 and not row.same_class:
                return theme.colour("warning")
            return theme.colour(roles[column]) if column in roles else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return {1: row.path or f"SHA-256 {row.image_sha256}", 7: row.note}.get(column)
        if role == Qt.ItemDataRole.AccessibleTextRole and column == 5 and not row.is_novel:
            return "Agree" if row.same_class else "Disagree"
        return None

    def _cell(self, row: Analysis, column: int) -> str:
        match column:
            case 0:
                return f"{datetime.fromisoformat(row.analysed_at).astimezone():%Y-%m-%d %H:%M}"
            case 1:
                return Path(row.path).name if row.path else f"{row.image_sha256[:12]}…"
            case 2:
                return TASKS[row.task].name if row.task in TASKS else row.task
            case 3 | 4:
                one = row.teacher if column == 3 else row.student
                if one.is_novel:
                    return "not assessable"
                label, task = one.predicted, TASKS.get(row.task)
                name = task.class_name(label) if task is not None and label in task.class_ids else label
                return f"{100 * one.confidence:.1f} %  {name}"
            case 5 if row.is_novel:
                return ""  # a hidden prediction neither agrees nor disagrees
            case 5:
                return "✓" if row.same_class else "≠"
            case 6:
                return row.review.in_words(TASKS.get(row.task))
            case _:
                return row.note
