"""A table of figures to be read, walked through by keys, and copied into a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from gui.common import theme
from gui.common.tables import set_up_table
from gui.common.tooltips import wrapped


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what it shows.
        tip: what the pointer and a screen reader find out beyond that.
        look: its colour.
        strong: whether it is set in bold.
    """

    text: str
    tip: str = ""
    look: theme.Role = "text"
    strong: bool = False


Row = Sequence[Cell | str]


class FigureTable(QTableWidget):
    """The table; no column is narrower than what it holds, the last takes the room that is left.

    Args:
        name: what the table holds, for a screen reader.
        heads: the columns.
    """

    def __init__(self, name: str, heads: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(0, len(heads), parent)
        set_up_table(self, name, several=True)
        self._heads = list(heads)
        self._rows: list[list[Cell]] = []
        self.setHorizontalHeaderLabels(self._heads)
        head = self.horizontalHeader()
        head.setSectionsClickable(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows; one that is shorter than the table is a heading over those that follow."""
        self._rows = [[_cell(cell) for cell in row] for row in rows]
        self.clearSpans()
        self.clearContents()
        self.setRowCount(len(rows))
        for number, row in enumerate(self._rows):
            for column, cell in enumerate(row):
                item = QTableWidgetItem(cell.text)
                item.setToolTip(wrapped(cell.tip))
                item.setFont(theme.font(bold=cell.strong))
                if cell.tip:
                    item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, cell.tip)
                self.setItem(number, column, item)
            if len(row) < self.columnCount():
                self.setSpan(number, len(row) - 1, 1, self.columnCount() - len(row) + 1)
        self._colour()
        self._fit_last()

    def texts(self) -> list[list[str]]:
        """Return what is shown, the names of the columns first."""
        return self._texts(range(len(self._rows)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the last column the room that is left, where there is any."""
        super().resizeEvent(event)
        self._fit_last()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_rows"):
            self._colour()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the chosen rows, or all where none is chosen."""
        if event.matches(QKeySequence.StandardKey.Copy):
            chosen = sorted({index.row() for index in self.selectedIndexes()})
            copy_rows(self._texts(chosen or range(len(self._rows))))
        else:
            super().keyPressEvent(event)

    def _texts(self, rows: Sequence[int]) -> list[list[str]]:
        return [self._heads, *([cell.text for cell in self._rows[row]] for row in rows)]

    def _fit_last(self) -> None:
        """Let the last column stretch only where all have room: a stretched one is cut where they have not."""
        head = self.horizontalHeader()
        columns = range(self.columnCount())
        wanted = sum(max(self.sizeHintForColumn(column), head.sectionSizeHint(column)) for column in columns)
        head.setStretchLastSection(wanted <= self.viewport().width())
        if not head.stretchLastSection():
            head.resizeSections()  # it keeps the stretched width otherwise

    def _colour(self) -> None:
        for number, row in enumerate(self._rows):
            for column, cell in enumerate(row):
                item = self.item(number, column)
                if item is not None:
                    item.setForeground(theme.colour(cell.look))


def copy_rows(rows: Sequence[Sequence[str]]) -> None:
    """Copy rows as lines of text with tabs between their cells, as spreadsheets take them."""
    lines = ("\t".join(" ".join(cell.split()) for cell in row) for row in rows)
    QGuiApplication.clipboard().setText("\n".join(lines) + "\n")


def _cell(cell: Cell | str) -> Cell:
    return Cell(cell) if isinstance(cell, str) else cell
