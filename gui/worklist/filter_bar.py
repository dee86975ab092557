"""The boxes above the worklist: which files are shown, how they are sorted and what they are grouped by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from core.records.review import NOT_ASSESSABLE, OTHER, readings_of
from core.tasks import TASKS
from gui.common import theme
from gui.common.input_boxes import ComboBox, LineEdit
from gui.worklist.entry import Grouping
from gui.worklist.filter import Show, Wanted
from gui.worklist.order import Order

SHOW_NAMES = {
    Show.ALL: "All files",
    Show.DISAGREE: "Disagreements",
    Show.UNCERTAIN: "Uncertain",
    Show.NOVEL: "Not assessable",
    Show.WRONG: "Wrong against label",
    Show.AGAINST: "Reader against model",
    Show.UNREAD: "Not read",
    Show.READ: "Read",
    Show.FAILED: "Failed",
    Show.WAITING: "Not analysed",
}
ORDER_NAMES = {
    Order.ADDED: "As opened",
    Order.NAME: "By name",
    Order.DIVERGENCE: "By disagreement",
    Order.TEACHER: "By teacher",
    Order.STUDENT: "By student",
    Order.CONFIDENCE: "Least confident first",
    Order.LABEL: "By label",
    Order.READING: "By your reading",
    Order.WRONG: "Wrong against label first",
    Order.AGAINST: "Reader against model first",
    Order.TASK: "By task",
    Order.STATE: "By state",
}
BELOW_NAMES: dict[int | None, str] = {
    None: "Any confidence",
    **{percent: f"Below {percent} %" for percent in (99, 95, 90, 80, 70, 60, 50)},
}
GROUP_NAMES = {Grouping.NONE: "No groups", Grouping.FOLDER: "By folder", Grouping.STUDY: "By study"}


class FilterBar(QWidget):
    """Search, filter, order and groups; label, reading and confidence under *More filters*.

    Attributes:
        search: words that occur in the name.
        show_box, label_box, reading_box, below_box: which files are shown.
        order_box, group_box: how they are sorted and grouped.
        more: shows and hides the further filters.
        only: says which files are shown alone, where some are; shows all again.
    """

    filtered = Signal(object)  # Wanted
    sorted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = LineEdit()
        self.search.setPlaceholderText("Filter by name")
        self.search.setAccessibleName("Filter by name")
        self.search.setClearButtonEnabled(True)
        self.show_box = _box("Which files are shown", SHOW_NAMES)
        self.order_box = _box("What the list is sorted by", ORDER_NAMES)
        self.group_box = _box("What files stand together by", GROUP_NAMES)
        self.label_box = _box("Only files with this label", {None: "Any label"})
        self.reading_box = _box("Only files with this reading of yours", {None: "Any reading"})
        self.below_box = _box("Only files with a prediction below this confidence", BELOW_NAMES)
        self.more = QToolButton()
        self.more.setText("More filters")
        self.more.setCheckable(True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.styled(self.more, "small", "flush")
        self.only = QPushButton()
        self.only.setVisible(False)
        self.only.setToolTip("Show all files again")
        self.only.setAccessibleName("Show all files again")
        self.only.clicked.connect(self.clear)
        self._only: frozenset[Path] | None = None
        self._lay_out()
        self.refresh_classes()
        self.more.toggled.connect(self._show_more)
        self.search.textChanged.connect(self._tell_filter)
        for box in (self.show_box, self.label_box, self.reading_box, self.below_box):
            box.currentIndexChanged.connect(self._tell_filter)
        for box in (self.order_box, self.group_box):
            box.currentIndexChanged.connect(self.sorted)
        self._show_more(False)

    @property
    def wanted(self) -> Wanted:
        """Which files are shown."""
        percent = self.below_box.currentData()
        return Wanted(
            show=Show(self.show_box.currentData()),
            text=self.search.text(),
            label=self.label_box.currentData(),
            reading=self.reading_box.currentData(),
            below=None if percent is None else percent / 100,
            only=self._only,
        )

    @property
    def order(self) -> Order:
        """What files are sorted by."""
        return Order(self.order_box.currentData())

    @property
    def grouping(self) -> Grouping:
        """What they stand together by."""
        return Grouping(self.group_box.currentData())

    def show_only(self, paths: Iterable[Path], words: str) -> None:
        """Show some files alone until the filter is cleared.

        Args:
            paths: the files.
            words: what they are.
        """
        self.clear()
        self._only = frozenset(paths)
        self.only.setText(f"✕ {words}")
        self.only.setVisible(True)
        self._tell_filter()

    def clear(self) -> None:
        """Show all files."""
        if self._only is not None:
            self._only = None
            self.only.setVisible(False)
            self._tell_filter()
        self.search.clear()
        for box in (self.show_box, self.label_box, self.reading_box, self.below_box):
            box.setCurrentIndex(0)

    def refresh_classes(self) -> None:
        """Offer the classes of all known tasks; what is chosen stays."""
        classes = {label.id: label.name for task in TASKS.values() for label in task.classes}
        readings = {key: name for task in TASKS.values() for key, name in readings_of(task).items()}
        outside = {key: readings.pop(key) for key in (OTHER, NOT_ASSESSABLE) if key in readings}
        for box, found in ((self.label_box, classes), (self.reading_box, {**readings, **outside})):
            known = {box.itemData(row) for row in range(box.count())}
            for key, name in found.items():
                if key not in known:
                    box.addItem(name, key)

    def settings(self) -> dict[str, object]:
        """Return what is chosen, to be restored at the next start."""
        wanted = self.wanted
        return {
            "show": wanted.show.value, "text": wanted.text, "label": wanted.label, "reading": wanted.reading,
            "below": self.below_box.currentData(), "order": self.order.value, "group": self.grouping.value,
        }  # fmt: skip

    def restore(self, settings: Mapping[str, object]) -> None:
        """Choose what was chosen at the last start, as far as it is still offered."""
        boxes = {
            "show": self.show_box, "label": self.label_box, "reading": self.reading_box, "order": self.order_box,
            "group": self.group_box, "below": self.below_box,
        }  # fmt: skip
        for name, box in boxes.items():
            if (row := box.findData(settings.get(name))) >= 0:
                box.setCurrentIndex(row)
        text = settings.get("text")
        self.search.setText(text if isinstance(text, str) else "")
        self.more.setChecked(self._has_more())

    def _has_more(self) -> bool:
        wanted = self.wanted
        return (wanted.label, wanted.reading, wanted.below) != (None, None, None)

    def _tell_filter(self) -> None:
        theme.styled(self.more, "small", "flush", *(["bold"] if self._has_more() else []))
        self.filtered.emit(self.wanted)

    def _show_more(self, shown: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self._further.setVisible(shown)
        self.refresh_classes()

    def _lay_out(self) -> None:
        self._further = QWidget()
        further = _rows([self.label_box, self.reading_box], [self.below_box])
        further.setContentsMargins(0, 0, 0, 0)
        self._further.setLayout(further)
        column = _rows([self.only], [self.search], [self.show_box, self.order_box], [self.group_box, self.more])
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self._further)
        self.setLayout(column)


def _rows(*rows: Iterable[QWidget]) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(8)
    for widgets in rows:
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget in widgets:
            row.addWidget(widget, 1)
        column.addLayout(row)
    return column


def _box(name: str, choices: Mapping[Any, str]) -> ComboBox:
    box = ComboBox()
    box.setAccessibleName(name)
    box.setToolTip(name)
    box.setMinimumContentsLength(6)
    box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for value, words in choices.items():
        box.addItem(words, value)
    return box
