"""Two model cards side by side, with what differs marked."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.models.bundle import Bundle
from core.reports.card_comparison import ComparedFact, compare_cards
from gui.common import theme
from gui.common.figure_table import Cell, FigureTable, Row, copy_rows
from gui.common.placement import fitted

Index = QModelIndex | QPersistentModelIndex
SIZE = QSize(1080, 720)  # in logical pixels
NAME_WIDTH, MOST_HIGH = 250, 10_000
PADDING = 2 * theme.GRID  # beside a cell's text and, half of it, above and below
SAME, DIFFERENT = "", "≠"


class CardComparisonDialog(QDialog):
    """Shows each fact of both cards in a row.

    Args:
        first: the model of the left column.
        second: that of the right one.
    """

    def __init__(self, first: Bundle, second: Bundle, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compare model cards")
        self._facts = compare_cards(first.card, second.card)
        self.only = QCheckBox("Only &differences")
        self.only.toggled.connect(self._fill)
        names = (first.name, second.name) if first.name != second.name else (first.id, second.id)
        self.table = FigureTable(f"Cards of {names[0]} and {names[1]}", ("", "", *names))
        self.table.setWordWrap(True)
        self.table.setItemDelegate(_Wrapped(self.table))
        head = self.table.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        for column in (2, 3):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(0, NAME_WIDTH)
        head.sectionResized.connect(lambda *_: self.table.resizeRowsToContents())
        different = sum(fact.differs for fact in self._facts)
        self.words = QLabel(f"{different} of {len(self._facts)} facts differ ({DIFFERENT})")
        theme.styled(self.words, "small", "dim")
        foot = QHBoxLayout()
        foot.setSpacing(theme.GRID)
        foot.addWidget(self.words, 1)
        for name, does in (("&Copy table", lambda: copy_rows(self.table.texts())), ("Close", self.reject)):
            button = QPushButton(name)
            button.setAutoDefault(False)
            button.clicked.connect(does)
            foot.addWidget(button)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(2 * theme.GRID)
        page.addWidget(self.only)
        page.addWidget(self.table, 1)
        page.addLayout(foot)
        self.resize(fitted(self, SIZE))
        self._fill()

    def _fill(self) -> None:
        rows: list[Row] = []
        section = ""
        for fact in self._facts:
            if self.only.isChecked() and not fact.differs:
                continue
            if fact.section != section:
                section = fact.section
                rows.append([Cell(section, strong=True)])
            rows.append(_row(fact))
        self.table.show_rows(rows)
        self.table.resizeRowsToContents()


class _Wrapped(QStyledItemDelegate):
    """Gives a cell room for its whole text, which begins at the top."""

    def __init__(self, table: FigureTable) -> None:
        super().__init__(table)
        self._table = table

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Let the text begin at the top."""
        super().initStyleOption(option, index)
        option.displayAlignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the room that the text takes in its column."""
        self.initStyleOption(option, index)
        columns = range(index.column(), index.column() + self._table.columnSpan(index.row(), index.column()))
        room = QRect(0, 0, sum(map(self._table.columnWidth, columns)) - PADDING, MOST_HIGH)
        text = option.fontMetrics.boundingRect(room, Qt.TextFlag.TextWordWrap, option.text)
        return QSize(text.width() + PADDING, text.height() + PADDING // 2)


def _row(fact: ComparedFact) -> Row:
    if not fact.differs:
        return [Cell(fact.name, look="dim"), SAME, fact.first, fact.second]
    mark = Cell(DIFFERENT, tip="The cards differ", look="warning")
    return [Cell(fact.name), mark, *(Cell(text, strong=True) for text in (fact.first, fact.second))]
