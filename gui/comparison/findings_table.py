"""One table of findings for both networks: a row a class, with each network's probability and which map is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QKeyEvent, QPainter, QPen, QTextLayout, QTextOption
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from core.compare.comparison import ModelResult
from core.models.card import Role
from core.tasks import ClassLabel
from gui.common import theme
from gui.comparison.calibration_band import Band, band_of

ROW, MOST_ROWS, FIGURE = 36, 12, 52  # pixels; rows without a scroll bar; width of a network's column, in pixels
NAME = 100  # pixels that the words of a class have at least
BAR, BELOW, RING = 6, 8, 14  # height of a bar, room under it, room of the ring left of it, in pixels
COLUMNS: dict[Role, int] = {"teacher": 1, "student": 2}
CELL = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class Cell:
    """What one network says of one class.

    Attributes:
        role: whose it is.
        probability: calibrated, in [0, 1].
        top: whether it is the network's most probable class.
        plausible: whether it belongs to the classes that stay plausible; None where the network has no rule for it.
        floor: the smallest probability of a plausible class, None without a rule.
        explained: whether the heat map on screen shows the evidence for it.
        band: how often the network was right at a similar confidence; of its most probable class alone.
    """

    role: Role
    probability: float
    top: bool = False
    plausible: bool | None = None
    floor: float | None = None
    explained: bool = False
    band: Band | None = None

    @property
    def text(self) -> str:
        """The probability in per cent."""
        return f"{100 * self.probability:.1f} %"

    @property
    def description(self) -> str:
        """The cell in words, for its tip and for a screen reader."""
        words = [f"{self.role.capitalize()}: {self.text}"]
        if self.explained:
            words.append("The heat map shows the evidence for this class.")
        if self.plausible is not None and self.floor is not None:
            words.append(
                f"{'Plausible' if self.plausible else 'Not plausible'}: the smallest plausible probability is "
                f"{100 * self.floor:.1f} % (the tick on the bar)."
            )
        if self.band is not None:
            words.append(f"{self.band.words} The bracket under the bar shows this interval.")
        return "\n".join(words)


class FindingsTable(QTableWidget):
    """Both networks' probabilities; a row that is clicked or chosen by a key has its heat map shown."""

    class_chosen = Signal(int)
    menu_wanted = Signal(int, QPoint)  # the context menu of a row, at a place on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setAccessibleName("Findings of teacher and student")
        self.setHorizontalHeaderLabels(["Finding", "Teacher", "Student"])
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setStyleSheet("QHeaderView::section { padding: 4px 2px; }")
        header.setMinimumSectionSize(FIGURE)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in COLUMNS.values():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, FIGURE)
        self.setItemDelegate(_FindingsDelegate(self))
        self.cellClicked.connect(lambda row, _column: self._choose(row))

    def set_classes(self, labels: Sequence[ClassLabel]) -> None:
        """Make a row for each class, in the order of the networks' outputs, without figures."""
        self.clearContents()
        self.setRowCount(len(labels))
        for row, label in enumerate(labels):
            name = QTableWidgetItem(label.name)
            name.setToolTip(f"{label.name}\nShow the heat map for this class. The data set calls it “{label.id}”.")
            self.setItem(row, 0, name)
            for column in COLUMNS.values():
                self.setItem(row, column, QTableWidgetItem("–"))
            self.setRowHeight(row, _height(label.name))
        rows = sum(self.rowHeight(row) for row in range(min(len(labels), MOST_ROWS)))
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows + 2)

    def names(self) -> list[str]:
        """Return the classes in words, from the top."""
        return [self._at(row, 0).text() for row in range(self.rowCount())]

    def figures(self, role: Role) -> list[str]:
        """Return what stands in a network's column, from the top."""
        return [self._at(row, COLUMNS[role]).text() for row in range(self.rowCount())]

    def cells(self, role: Role) -> list[Cell | None]:
        """Return what a network says of each class, from the top."""
        return [self._at(row, COLUMNS[role]).data(CELL) for row in range(self.rowCount())]

    def show_result(self, role: Role, result: ModelResult | None, *, hidden: bool = False) -> None:
        """Show a network's probabilities, and which class its heat map is for.

        Args:
            role: whose column.
            result: its result, None for nothing.
            hidden: whether the prediction is hidden.
        """
        for row in range(self.rowCount()):
            item = self._at(row, COLUMNS[role])
            cell = None if result is None or hidden else _cell(role, result, row)
            item.setData(CELL, cell)
            item.setText("hidden" if hidden else "–" if cell is None else cell.text)
            item.setToolTip("" if cell is None else cell.description)
            item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, item.toolTip())
        explained = [row for name in COLUMNS for row, cell in enumerate(self.cells(name)) if cell and cell.explained]
        if explained:
            self.selectRow(explained[0])
        else:
            self.clearSelection()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the heat map of the row that an arrow, Space or Enter chooses."""
        before = self.currentRow()
        super().keyPressEvent(event)
        if self.currentRow() != before or event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.currentRow())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the row under the pointer, or of the chosen one where a key asks."""
        event.accept()
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        row = self.currentRow() if by_key else self.rowAt(self.viewport().mapFromGlobal(event.globalPos()).y())
        if row >= 0:
            self.menu_wanted.emit(row, event.globalPos())

    def as_text(self) -> str:
        """Return the table as text, its columns separated by tabs."""
        rows = zip(self.names(), self.figures("teacher"), self.figures("student"), strict=True)
        return "\n".join("\t".join(row) for row in (("Finding", "Teacher", "Student"), *rows))

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.viewport().update()

    def _at(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        assert item is not None  # noqa: S101 - every cell of a row is made with it
        return item

    def _choose(self, row: int) -> None:
        if row >= 0 and any(cells[row] is not None for cells in map(self.cells, COLUMNS)):
            self.class_chosen.emit(row)


def _cell(role: Role, result: ModelResult, index: int) -> Cell | None:
    prediction, card = result.prediction, result.bundle.card
    if index >= len(prediction.class_ids):
        return None
    top = index == prediction.top
    plausible = None if prediction.plausible is None else prediction.class_ids[index] in prediction.plausible
    return Cell(
        role,
        float(prediction.probabilities[index]),
        top,
        plausible,
        None if card.conformal is None else card.conformal.floor,
        result.heat_map is not None and result.heat_map.class_index == index,
        band_of(card, prediction.confidence) if top else None,
    )


class _FindingsDelegate(QStyledItemDelegate):
    """Draws a cell as a ring where its heat map is shown, the figure, and a bar with tick and bracket under it."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the one size of all rows."""
        return QSize(FIGURE, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one cell."""
        cell: Cell | None = index.data(CELL)
        area = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, theme.colour("selection"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, theme.colour("raised"))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme.colour("focus"), 1))
            painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setFont(theme.font(theme.SMALL, bold=cell is not None and cell.top))
        faint = cell is not None and cell.plausible is False
        painter.setPen(theme.colour("dim" if faint else "text"))
        if index.column() == 0:
            painter.drawText(area.adjusted(2, 0, -2, 0), index.data(), _wrapping())
        else:
            vertical = Qt.AlignmentFlag.AlignVCenter if cell is None else Qt.AlignmentFlag.AlignTop
            words = area.adjusted(0, 4, -2, -4)
            painter.drawText(words, Qt.AlignmentFlag.AlignRight | vertical, index.data())
            if cell is not None:
                _draw_marks(painter, area, cell)
        painter.restore()


def _wrapping() -> QTextOption:
    option = QTextOption(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    return option


def _height(name: str) -> int:
    """Return how high a row is, so that its class is read in full."""
    layout = QTextLayout(name, theme.font(theme.SMALL))
    layout.setTextOption(_wrapping())
    layout.beginLayout()
    lines = 0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(NAME)
        lines += 1
    layout.endLayout()
    return max(ROW, lines * QFontMetrics(theme.font(theme.SMALL)).lineSpacing() + theme.GRID)


def _draw_marks(painter: QPainter, area: QRectF, cell: Cell) -> None:
    accent = theme.colour(cell.role)
    if cell.explained:
        painter.setPen(QPen(accent, 1.5))
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(area.left() + 6, area.bottom() - BELOW - BAR / 2), 3.5, 3.5)
    track = QRectF(area.left() + RING, area.bottom() - BELOW - BAR, area.width() - RING - 2, BAR)

    def across(share: float) -> float:
        return track.left() + share * track.width()

    painter.fillRect(track, theme.colour("line"))
    accent.setAlphaF(1.0 if cell.top else 0.6)
    painter.fillRect(QRectF(track.left(), track.top(), cell.probability * track.width(), BAR), accent)
    painter.setPen(QPen(theme.colour("text"), 1))
    if cell.floor is not None:
        painter.drawLine(QPointF(across(cell.floor), track.top() - 2), QPointF(across(cell.floor), track.bottom() + 1))
    if cell.band is not None:
        low, high, below = across(cell.band.right.low), across(cell.band.right.high), track.bottom() + 4
        painter.drawLine(QPointF(low, below), QPointF(high, below))
        for end in (low, high):
            painter.drawLine(QPointF(end, below - 2), QPointF(end, below + 2))
