"""Beside the slide: the field's size, the grid, what the colours mean, and the table of predictions."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.slides.grid import SMALLEST_FIELD
from gui.common import theme
from gui.common.input_boxes import ComboBox, SpinBox
from gui.common.tab_order import in_order
from gui.common.tables import set_up_table
from gui.common.tooltips import wrapped
from gui.slides.legend import Legend
from gui.slides.overlay import Shown
from gui.slides.results import SORT_ROLE, ResultTable

LARGEST_FIELD = 20_000
MODES = {"teacher": "Teacher's finding", "student": "Student's finding", "disagreement": "Disagreement"}
SCALE_NOTE = (
    "The networks learnt from LC25000: tiles of 768 pixels whose magnification is not published. 20× (0.5 µm a pixel) "
    "is an assumption."
)


class SlidePanel(QWidget):
    """The controls; what they do is the window's matter.

    Attributes:
        task: the task, hidden where there is but one.
        side: of a field, in pixels of level 0.
        open_field: opens the picked field in the main window.
        tissue_only: whether a grid leaves out fields without tissue.
        compare, stop: begin and end a grid.
        mode: what the colours mean.
        legend: the classes with their colours and how many fields have them.
        results: the predictions.
        table: shows them.
        export: writes them.
    """

    result_chosen = Signal(int)  # number of the result
    mode_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(480)
        self._sorted = QSortFilterProxyModel(self)
        self.results = ResultTable(self)
        self._sorted.setSourceModel(self.results)
        self._sorted.setSortRole(SORT_ROLE)
        self.task = ComboBox()
        self.task.setAccessibleName("Task")
        self.side = SpinBox()
        self.side.setRange(SMALLEST_FIELD, LARGEST_FIELD)
        self.side.setSingleStep(64)
        self.side.setSuffix(" px")
        self.side.setAccessibleName("Side of a field, pixels of the full resolution")
        self.side.setToolTip(wrapped(SCALE_NOTE))
        self.length = _dim_label()
        self.scale_note = _dim_label(SCALE_NOTE)
        self.open_field = QPushButton("Open field")
        self.open_field.setToolTip(
            wrapped("Open the picked field in the main window, with heat maps (Enter, or double-click)")
        )
        self.tissue_only = QCheckBox("Tissue only")
        self.tissue_only.setChecked(True)
        self.tissue_only.setToolTip(
            wrapped("Leave out fields of which less than half is stained (Otsu's method on saturation)")
        )
        self.count = _dim_label()
        self.compare = QPushButton("Compare fields")
        self.compare.setToolTip(
            wrapped("Both networks on each field of the grid: in the rectangle, or on the whole slide")
        )
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop after this field; what was found stays")
        self.state = _dim_label()
        self.mode = ComboBox()
        self.mode.setAccessibleName("What the colours show")
        for mode in get_args(Shown):
            self.mode.addItem(MODES[mode], mode)
        self.legend = Legend()
        self.table = self._make_table()
        self.export = QPushButton("Export table…")
        self.export.setToolTip("Write all predictions as CSV or JSON lines")
        self._lay_out()
        self.mode.currentIndexChanged.connect(lambda _row: self.mode_changed.emit(self.mode.currentData()))
        self.table.selectionModel().currentRowChanged.connect(self._on_row)

    def choose(self, number: int) -> None:
        """Select a result in the table."""
        row = self._sorted.mapFromSource(self.results.index(number, 0))
        flags = QItemSelectionModel.SelectionFlag
        self.table.selectionModel().setCurrentIndex(row, flags.ClearAndSelect | flags.Rows)
        self.table.scrollTo(row)

    def show_running(self, running: bool) -> None:
        """Show progress and Stop in place of the button that begins; the keyboard stays where they stand."""
        begin, end = (self.compare, self.stop) if running else (self.stop, self.compare)
        had_focus = begin.hasFocus()
        end.setVisible(True)
        if had_focus:
            end.setFocus()
        begin.setVisible(False)
        self.progress.setVisible(running)

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.result_chosen.emit(self._sorted.mapToSource(current).row())

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._sorted)
        set_up_table(table, "Predictions of the fields")
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        theme.styled(table, "small")
        table.verticalHeader().setDefaultSectionSize(24)
        head = table.horizontalHeader()
        head.setStretchLastSection(False)
        head.setMinimumSectionSize(20)
        for column, width in enumerate((56, 56, 88, 40, 88, 40, 24)):
            stretches = column in (2, 4)
            head.setSectionResizeMode(
                column, QHeaderView.ResizeMode.Stretch if stretches else QHeaderView.ResizeMode.Fixed
            )
            table.setColumnWidth(column, width)
        return table

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(theme.GRID)
        column.addWidget(self.task)
        column.addLayout(_row(_heading("Field"), self.side, self.length, None, self.open_field))
        column.addWidget(self.scale_note)
        column.addWidget(_line())
        column.addLayout(_row(_heading("Grid"), self.tissue_only, None, self.compare, self.stop))
        column.addWidget(self.count)
        column.addWidget(self.progress)
        column.addWidget(self.state)
        column.addWidget(_line())
        column.addLayout(_row(_heading("Colours"), self.mode, None))
        column.addWidget(self.legend)
        column.addWidget(_line())
        column.addWidget(self.table, 1)
        column.addLayout(_row(None, self.export))
        in_order(
            self.task, self.side, self.open_field, self.tissue_only, self.compare, self.stop, self.mode, self.table,
            self.export,
        )  # fmt: skip


def _row(*parts: QWidget | None) -> QHBoxLayout:
    """Return parts in a row; None stands for the room between them."""
    row = QHBoxLayout()
    row.setSpacing(theme.GRID)
    for part in parts:
        if part is None:
            row.addStretch(1)
        else:
            row.addWidget(part)
    return row


def _heading(words: str) -> QLabel:
    label = QLabel(words)
    label.setMinimumWidth(56)
    theme.styled(label, "bold")
    return label


def _dim_label(words: str = "") -> QLabel:
    label = QLabel(words)
    label.setWordWrap(bool(words))
    theme.styled(label, "small", "dim")
    return label


def _line() -> QWidget:
    line = QWidget()
    line.setFixedHeight(1)
    line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    theme.styled(line, "line")
    return line
