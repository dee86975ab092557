"""The page *Confusion*: matrices of label, teacher and student; a cell that is clicked shows its images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.performance.figures import Figures
from core.performance.observations import Observations, Rater, Reference
from gui.common import theme
from gui.common.wording import plural
from gui.performance.page import Page, column, note, scrolled
from gui.performance.words import RATERS

CELL_WIDTH, CELL_HEIGHT, NAME_WIDTH = 88, 48, 144  # logical pixels
BESIDE = 2  # matrices in a row
MOST_CLASSES = 40  # of a matrix on screen
DEEPEST = 150  # opacity of a cell that all images of its row are in, of 255


class Matrix(QTableWidget):
    """Images by the classes of two raters, with the share of their row."""

    chosen = Signal(int, int)  # row and column

    def __init__(self, rows: Rater, columns: Rater, found: Observations) -> None:
        classes = found.task.classes
        super().__init__(len(classes), len(classes))
        self.raters = rows, columns
        self.counts = found.confusion(rows, columns)
        self._names = [label.name for label in classes]
        self._shares: npt.NDArray[np.float64] = self.counts / np.maximum(1, self.counts.sum(axis=1, keepdims=True))
        self._accent: theme.Role = "focus" if rows == "teacher" else "teacher" if columns == "teacher" else "student"
        self.setAccessibleName(f"Confusion matrix: {RATERS[rows]} in rows, {RATERS[columns].lower()} in columns")
        self.setHorizontalHeaderLabels(self._names)
        self.setVerticalHeaderLabels(self._names)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setStyleSheet("QTableCornerButton::section { background: transparent; border: 0; }")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        across, down = self.horizontalHeader(), self.verticalHeader()
        for header in (across, down):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setSectionsClickable(False)
            header.setHighlightSections(False)
        across.setDefaultSectionSize(CELL_WIDTH)
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        across.setFixedHeight(56)
        down.setDefaultSectionSize(CELL_HEIGHT)
        down.setFixedWidth(NAME_WIDTH)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedSize(NAME_WIDTH + len(classes) * CELL_WIDTH + 2, 56 + len(classes) * CELL_HEIGHT + 2)
        self._items = [[self._made(row, place) for place in range(len(classes))] for row in range(len(classes))]
        self._colour()
        self.cellClicked.connect(self.chosen)
        self.cellActivated.connect(self.chosen)

    def words(self, row: int, place: int) -> str:
        """Return what a cell holds, in words."""
        rows, columns = self.raters
        return f"{RATERS[rows]} {self._names[row]}, {RATERS[columns].lower()} {self._names[place]}"

    def texts(self) -> list[list[str]]:
        """Return the counts with the names of the classes."""
        head = f"{RATERS[self.raters[0]]} ↓ {RATERS[self.raters[1]]} →"
        lines = zip(self._names, self.counts.tolist(), strict=True)
        return [[head, *self._names], *([name, *map(str, row)] for name, row in lines)]

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_items"):
            self._colour()

    def _made(self, row: int, place: int) -> QTableWidgetItem:
        count, part, words = int(self.counts[row, place]), self._shares[row, place], self.words(row, place)
        item = QTableWidgetItem(f"{count:,}\n{100 * part:.1f} %" if count else "0")
        item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        item.setToolTip(
            f"{words}: {plural(count, 'image')}, {100 * part:.1f} % of its row\nClick to show them in the worklist"
        )
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{words}: {plural(count, 'image')}")
        item.setFont(theme.font(bold=row == place))
        self.setItem(row, place, item)
        return item

    def _colour(self) -> None:
        for items, shares in zip(self._items, self._shares.tolist(), strict=True):
            for item, share in zip(items, shares, strict=True):
                colour = theme.colour(self._accent)
                colour.setAlpha(round(DEEPEST * share))
                item.setBackground(colour)


class MatrixPage(Page):
    """The matrices; ``images_wanted`` is emitted with the images of a cell and what they are, in words."""

    title = "Confusion"
    images_wanted = Signal(object, str)  # list[Path], words

    def __init__(self) -> None:
        super().__init__()
        self.matrices: list[Matrix] = []
        self._inside = QWidget()
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(4 * theme.GRID)
        self._grid.setVerticalSpacing(3 * theme.GRID)
        self.words = note()
        column(self, scrolled(self._inside, "Confusion matrices"), self.words)

    def show_figures(self, found: Figures, reference: Reference | None) -> None:
        """Show the matrices of what is known."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        wanted: list[tuple[Rater, Rater]] = [("teacher", "student")]
        if reference is not None:
            wanted = [(reference, "teacher"), (reference, "student"), *wanted]
        fits = len(found.observations.task.classes) <= MOST_CLASSES
        self.matrices = [Matrix(rows, columns, found.observations) for rows, columns in wanted if fits]
        for i, matrix in enumerate(self.matrices):
            block = QWidget()
            stack = QVBoxLayout(block)
            stack.setContentsMargins(0, 0, 0, 0)
            stack.setSpacing(theme.GRID)
            rows, columns = matrix.raters
            title = QLabel(f"{RATERS[rows]} in rows, {RATERS[columns].lower()} in columns")
            stack.addWidget(theme.styled(title, "bold"))
            stack.addWidget(matrix)
            matrix.chosen.connect(
                lambda row, place, matrix=matrix: self._choose(found.observations, matrix, row, place)
            )
            self._grid.addWidget(block, i // BESIDE, i % BESIDE, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        self._grid.setColumnStretch(BESIDE, 1)
        self.words.setText(
            "Per cent of the row. Click a cell, or press Return on it, to see its images in the worklist."
            if fits
            else f"Matrices of more than {MOST_CLASSES} classes are only exported: Export…, All figures."
        )

    def texts(self) -> list[list[str]]:
        """Return all matrices, with an empty line between them."""
        lines: list[list[str]] = []
        for matrix in self.matrices:
            lines += [*([[]] if lines else []), *matrix.texts()]
        return lines

    def pictured(self) -> QWidget:
        """Return the matrices."""
        return self._inside

    def _choose(self, found: Observations, matrix: Matrix, row: int, place: int) -> None:
        paths: Sequence[Path] = found.cell(matrix.raters[0], row, matrix.raters[1], place)
        words = matrix.words(row, place)
        if paths:
            self.images_wanted.emit(paths, words)
            self.words.setText(f"In the worklist: {plural(len(paths), 'image')}. {words}.")
        else:
            self.words.setText(f"No image. {words}.")
