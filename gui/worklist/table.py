"""The worklist as a table: a row for each file, sorted by a click on a column's name."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, Signal
from PySide6.QtWidgets import QTableView, QWidget

from gui.common.tables import set_up_table
from gui.worklist.filter import WorklistFilter
from gui.worklist.model import COLUMNS

ROW = 28  # pixels: height of a row


class WorklistTable(QTableView):
    """Shows the files that the filter lets through.

    Args:
        files: the files.
        selection: the selection of the list, which is that of the table too.
    """

    order_wanted = Signal(object)  # Order

    def __init__(self, files: WorklistFilter, selection: QItemSelectionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(files)
        self.setSelectionModel(selection)
        set_up_table(self, "Worklist as a table", several=True)
        self.verticalHeader().setDefaultSectionSize(ROW)
        head = self.horizontalHeader()
        head.setSectionsClickable(True)
        head.setSectionsMovable(True)
        head.sectionClicked.connect(lambda section: self.order_wanted.emit(COLUMNS[section].order))
        for number, column in enumerate(COLUMNS):
            self.setColumnWidth(number, column.width)
