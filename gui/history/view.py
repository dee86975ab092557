"""The history: what was analysed on this machine, searched, opened again, exported, cleared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.exports.history_table import write_history
from core.names import path_from, readable
from core.records.analysis import Analysis
from core.records.history import History, Query
from core.records.review import NOT_ASSESSABLE, OPINIONS, OTHER, Review, readings_of
from core.tasks import TASKS
from gui.common import theme
from gui.common.input_boxes import ComboBox, LineEdit
from gui.common.places import folder_of
from gui.common.save_dialog import ask_where
from gui.common.tables import set_up_table
from gui.history.recorder import Recorder
from gui.history.table import HistoryTable

MOST = 1000  # records shown
WAIT = 200  # milliseconds without a key before it is searched
ALL = 1_000_000_000
DAYS = (1, 7, 30, 365)


class HistoryView(QDialog):
    """Shows the records that words and boxes name.

    Args:
        recorder: keeps the history.
        parent: the window.
    """

    open_wanted = Signal(object)  # path
    cleared = Signal()

    def __init__(self, recorder: Recorder, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("History")
        self._recorder = recorder
        self._alive = True
        self.table = HistoryTable(self)
        self.view = QTableView()
        self.search = LineEdit()
        self.search.setPlaceholderText("Search path, note, model or class")
        self.search.setAccessibleName("Search the history")
        self.search.setClearButtonEnabled(True)
        self.task_box = self._box("Task", "All tasks", {t.id: t.name for t in TASKS.values()})
        same = {True: "Agreements", False: "Disagreements"}
        self.same_box = self._box("Agreement", "Agree or not", same)
        self.reading_box = self._box("Your reading", "All readings", _readings())
        days = ["Last day", "Last 7 days", "Last 30 days", "Last year"]
        self.date_box = self._box("When", "Any date", dict(zip(DAYS, days, strict=True)))
        self.words = QLabel()
        theme.styled(self.words, "small", "dim")
        self.open_button = self._button("Open image", self._open)
        self.export_button = self._button("Export CSV…", self._export)
        self.clear_button = self._button("Clear…", self._clear)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT)
        self._timer.timeout.connect(self.refresh)
        self._lay_out()
        self._connect()
        room = parent.size()
        self.resize(min(1400, round(room.width() * 0.92)), min(900, round(room.height() * 0.85)))
        self.refresh()

    def query(self, limit: int = MOST) -> Query:
        """Return what is asked for."""
        days = self.date_box.currentData()
        return Query(
            text=self.search.text(),
            task=self.task_box.currentData(),
            same_class=self.same_box.currentData(),
            reading=self.reading_box.currentData(),
            since=None if days is None else datetime.now().astimezone() - timedelta(days=days),
            limit=limit,
        )

    def refresh(self) -> None:
        """Search the history again."""
        query = self.query()
        self._recorder.ask(lambda history: (list(history.find(query)), history.count()), self._on_found)

    def done(self, result: int) -> None:
        """Close; a search under way is dropped."""
        self._alive = False
        self._timer.stop()
        super().done(result)

    def _on_found(self, found: tuple[list[Analysis], int]) -> None:
        if not self._alive:
            return
        rows, total = found
        self.table.show(rows)
        if not total:
            self.words.setText("Nothing has been recorded yet.")
        elif len(rows) == MOST:
            self.words.setText(f"The newest {MOST:,} of {total:,}")
        else:
            self.words.setText(f"{len(rows):,} of {total:,}")
        self.clear_button.setEnabled(total > 0)
        self.export_button.setEnabled(bool(rows))
        self._on_chosen()

    def _path(self) -> Path | None:
        """Return where the image of the chosen record lies, if that is known."""
        index = self.view.currentIndex()
        if not index.isValid():
            return None
        path = self.table.rows[index.row()].path
        return path_from(path) if path else None

    def _on_chosen(self) -> None:
        self.open_button.setEnabled(self._path() is not None)

    def _open(self) -> None:
        path = self._path()
        if path is None:
            return
        if not path.is_file():
            self.words.setText("⚠ " + f"{readable(path)} is no longer there.")
            return
        self.open_wanted.emit(path)
        self.accept()

    def _export(self) -> None:
        kinds = {"Tables": (".csv",)}
        places = (path_from(row.path) for row in self.table.rows if row.path)
        chosen = ask_where(self, "Export history", "twinlens history.csv", kinds, folder_of(places))
        if chosen is None:
            return
        path, _kind = chosen
        query = self.query(ALL)
        self._recorder.ask(lambda history: write_history(path, history.find(query)), lambda _none: self._say(path))

    def _say(self, path: Path) -> None:
        if self._alive:
            self.words.setText(f"Written: {readable(path)}")

    def _clear(self) -> None:
        ask = QMessageBox.StandardButton
        words = "Delete all records and readings of this machine's history for good?"
        if QMessageBox.question(self, "Clear the history", words, ask.Yes | ask.No, ask.No) == ask.Yes:
            self._recorder.ask(History.clear, lambda _count: self.refresh() if self._alive else None)
            self._recorder.forget()
            self.cleared.emit()

    def _box(self, name: str, all_words: str, choices: dict[Any, str]) -> ComboBox:
        box = ComboBox()
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.addItem(all_words, None)
        for value, words in choices.items():
            box.addItem(words, value)
        return box

    def _button(self, words: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(words)
        button.setAutoDefault(False)
        button.setEnabled(False)
        button.clicked.connect(action)
        return button

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _text: self._timer.start())
        for box in (self.task_box, self.same_box, self.reading_box, self.date_box):
            box.currentIndexChanged.connect(lambda _index: self.refresh())
        self.view.selectionModel().currentChanged.connect(lambda _now, _before: self._on_chosen())
        self.view.activated.connect(self._on_activated)
        self._recorder.changed.connect(self._timer.start)

    def _on_activated(self, _index: QModelIndex) -> None:
        self._open()

    def _lay_out(self) -> None:
        view = self.view
        view.setModel(self.table)
        set_up_table(view, "Analyses, newest first")
        for column, width in enumerate((152, 176, 104, 216, 216, 32, 104)):
            view.setColumnWidth(column, width)
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self.search, 1)
        for box in (self.task_box, self.same_box, self.reading_box, self.date_box):
            tools.addWidget(box)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.words, 1)
        for button in (self.open_button, self.export_button, self.clear_button):
            buttons.addWidget(button)
        leave = QPushButton("Close")
        leave.setAutoDefault(False)
        leave.clicked.connect(self.reject)
        buttons.addWidget(leave)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(16)
        page.addLayout(tools)
        page.addWidget(view, 1)
        page.addLayout(buttons)


def _readings() -> dict[str, str]:
    """Return the readings of all tasks, then those of older versions, with their names."""
    found = {key: name for task in TASKS.values() for key, name in readings_of(task).items()}
    outside = {key: found.pop(key) for key in (OTHER, NOT_ASSESSABLE) if key in found}
    return {**found, **outside, **{opinion: Review(older=opinion).in_words(None) for opinion in OPINIONS}}
