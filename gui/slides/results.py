"""The table of a grid's predictions."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.compare.record import PredictionRecord, reason_of
from core.slides.comparing import FieldResult
from core.tasks import Task
from gui.common import theme
from gui.common.wording import class_name
from gui.slides.overlay import class_colour

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = int(Qt.ItemDataRole.UserRole)
HEADS = ("x", "y", "Teacher", "", "Student", "", "")
TIPS = (
    "Left edge of the field, pixels of the full resolution",
    "Top edge of the field, pixels of the full resolution",
    "The teacher's finding",
    "Its probability, per cent",
    "The student's finding",
    "Its probability, per cent",
    "Whether both agree",
)
AGREEMENT = 6


class ResultTable(QAbstractTableModel):
    """Results in the order in which they were computed.

    Attributes:
        results: one a row.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.results: list[FieldResult] = []
        self._task: Task | None = None

    def begin(self, task: Task | None) -> None:
        """Start empty, for predictions of a task."""
        self.beginResetModel()
        self.results, self._task = [], task
        self.endResetModel()

    def add(self, found: list[FieldResult]) -> None:
        """Append results."""
        first = len(self.results)
        self.beginInsertRows(QModelIndex(), first, first + len(found) - 1)
        self.results += found
        self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of results."""
        return 0 if parent.isValid() else len(self.results)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of columns."""
        return 0 if parent.isValid() else len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: ANN401 - as Qt has it
        """Return a column's name or its tip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        names = {int(Qt.ItemDataRole.DisplayRole): HEADS, int(Qt.ItemDataRole.ToolTipRole): TIPS}
        return names[role][section] if role in names else None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:  # noqa: ANN401 - as Qt has it
        """Return a cell's text, tip, colours, alignment, value to sort by, or name for a screen reader."""
        result, column = self.results[index.row()], index.column()
        if role == SORT_ROLE:
            return self._value(result, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(result, column)
        if role == Qt.ItemDataRole.DecorationRole and self._task is not None and column in (2, 4):
            prediction = self._prediction(result, column)
            return None if prediction is None else class_colour(self._task, prediction.predicted)
        if role == Qt.ItemDataRole.ForegroundRole:
            roles: dict[int, theme.Role] = {0: "dim", 1: "dim", 2: "teacher", 4: "student"}
            return theme.colour(roles[column]) if column in roles else None
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (0, 1, 3, 5):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._tip(result, column)
        return None

    def _prediction(self, result: FieldResult, column: int) -> PredictionRecord | None:
        """Return the prediction that a column is of; None where it is hidden or there is none."""
        if result.record.error is not None or column not in (2, 3, 4, 5):
            return None
        prediction = result.record.teacher if column < 4 else result.record.student
        return None if prediction.novel else prediction

    def _words(self, result: FieldResult, column: int) -> str:
        record = result.record
        if column < 2:
            return f"{result.region.x if column == 0 else result.region.y:,}"
        if record.error is not None:
            return "can't be read" if column == 2 else ""
        if column == AGREEMENT:
            return "" if record.is_novel else "✓" if record.agreement.same_class else "≠"
        prediction = self._prediction(result, column)
        if prediction is None:
            return "not assessable" if column in (2, 4) else ""
        if column in (2, 4):
            mark = "? " if prediction.is_uncertain else ""
            return mark + self._name(prediction)
        return f"{100 * prediction.confidence:.1f}"

    def _value(self, result: FieldResult, column: int) -> Any:  # noqa: ANN401 - of the kind of the column
        if column < 2:
            return result.region.x if column == 0 else result.region.y
        if column == AGREEMENT:
            return self._words(result, column)
        prediction = self._prediction(result, column)
        if column in (2, 4):
            return "￿" if prediction is None else self._name(prediction)
        return -1.0 if prediction is None else prediction.confidence

    def _tip(self, result: FieldResult, column: int) -> str | None:
        record = result.record
        if record.error is not None:
            return reason_of(record)
        if column == AGREEMENT and not record.is_novel:
            return "Agree" if record.agreement.same_class else "Disagree"
        prediction = self._prediction(result, column)
        if prediction is None or column not in (2, 4):
            return None
        words = self._name(prediction)
        if prediction.is_uncertain and self._task is not None:
            plausible = ", ".join(class_name(self._task, label) for label in prediction.plausible or ())
            words += f". Uncertain: plausible are {plausible}" if plausible else ". Uncertain: no class is plausible"
        return words

    def _name(self, prediction: PredictionRecord) -> str:
        return prediction.predicted if self._task is None else class_name(self._task, prediction.predicted)
