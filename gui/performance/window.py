"""The window *Performance*: scores, agreement, confusion, curves, calibration and groups of what was analysed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImageWriter
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from core.errors import TwinlensError
from core.exports.performance_table import write_performance
from core.names import readable
from core.performance.figures import Figures
from core.performance.observations import Reference
from core.system.atomic_files import bytes_written_whole
from gui.common import theme
from gui.common.figure_table import copy_rows
from gui.common.input_boxes import ComboBox
from gui.common.placement import fitted
from gui.common.places import folder_of
from gui.common.save_dialog import ask_where
from gui.common.wording import plural
from gui.performance.curves_page import CalibrationPage, RocPage
from gui.performance.matrix_page import MatrixPage
from gui.performance.page import Page, note, picture_of
from gui.performance.scores_page import AgreementPage, GroupsPage, ScoresPage
from gui.performance.words import AGAINST, INTERVALS, NO_REFERENCE

SIZE = QSize(1128, 736)  # in logical pixels


class PerformanceWindow(QDialog):
    """Shows the figures of one task at a time, against labels or readings.

    Args:
        found: the figures of each task that was analysed; at least one.

    Signals:
        images_wanted: a list of paths and what they are in words, which the worklist is to show.
    """

    images_wanted = Signal(object, str)

    def __init__(self, found: Sequence[Figures], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Performance")
        self._found = found
        self.task_box, self.reference_box = ComboBox(), ComboBox()
        for box, name in ((self.task_box, "Task"), (self.reference_box, "What the models are compared with")):
            box.setAccessibleName(name)
            box.setToolTip(name)
        for one in found:
            self.task_box.addItem(one.observations.task.name)
        self.summary = note()
        theme.styled(self.summary)
        self.hint = note()
        self.matrix = MatrixPage()
        self.matrix.images_wanted.connect(self.images_wanted)
        self.pages: list[Page] = [
            ScoresPage(), AgreementPage(), self.matrix, RocPage(), CalibrationPage(), GroupsPage(),
        ]  # fmt: skip
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Pages of figures")
        for page in self.pages:
            self.tabs.addTab(page, page.title)
        self.words = note()
        self._lay_out()
        self.task_box.currentIndexChanged.connect(self._show_task)
        self.reference_box.currentIndexChanged.connect(self._show_pages)
        self._show_task()
        self.resize(fitted(self, SIZE))

    @property
    def figures(self) -> Figures:
        """The figures of the chosen task."""
        return self._found[max(0, self.task_box.currentIndex())]

    def copy_text(self) -> None:
        """Copy the page's table, or the points of its diagrams, for a spreadsheet."""
        copy_rows(self._page.texts())
        self._say("Copied: the table of this page.")

    def copy_picture(self) -> None:
        """Copy the page as a picture."""
        QGuiApplication.clipboard().setImage(picture_of(self._page.pictured()))
        self._say("Copied: a picture of this page.")

    def export(self) -> None:
        """Write all figures as a table, or this page as a picture, where the person wants it."""
        kinds = {"All figures, table": (".csv",), f"{self._page.title}, picture": (".png",)}
        chosen = ask_where(
            self, "Export performance", "twinlens performance.csv", kinds, folder_of(self.figures.observations.paths)
        )
        if chosen is None:
            return
        path, _kind = chosen
        try:
            if path.suffix.lower() == ".png":
                write_picture(path, self._page)
            else:
                write_performance(path, self._found)
        except TwinlensError as error:
            self._say(f"⚠ {error}", "warning")
        else:
            self._say(f"Written: {readable(path)}")

    @property
    def _page(self) -> Page:
        return self.pages[self.tabs.currentIndex()]

    def _show_task(self) -> None:
        found = self.figures
        self.reference_box.blockSignals(True)
        self.reference_box.clear()
        for reference in found.references:
            known = plural(found.observations.known(reference), "image")
            self.reference_box.addItem(f"Against {AGAINST[reference].lower()} ({known})", reference)
        self.reference_box.blockSignals(False)
        self.reference_box.setVisible(bool(found.references))
        self.task_box.setVisible(len(self._found) > 1)
        self.summary.setText(_summary(found))
        classes = ", ".join(found.observations.task.class_ids)
        self.hint.setText("" if found.references else NO_REFERENCE.format(classes=classes))
        self.hint.setVisible(not found.references)
        for page in self.pages:
            needs_reference = isinstance(page, ScoresPage | RocPage | CalibrationPage)
            self.tabs.setTabVisible(self.pages.index(page), bool(found.references) or not needs_reference)
        self._show_pages()

    def _show_pages(self) -> None:
        reference: Reference | None = self.reference_box.currentData()
        for page in self.pages:
            page.show_figures(self.figures, reference)
        self._say("")

    def _say(self, words: str, look: str = "dim") -> None:
        self.words.setText(words)
        theme.styled(self.words, "small", look)

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        boxes.setSpacing(2 * theme.GRID)
        boxes.addWidget(self.summary, 1)
        boxes.addWidget(self.task_box)
        boxes.addWidget(self.reference_box)
        intervals = note()
        intervals.setText(INTERVALS)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GRID)
        buttons.addWidget(self.words, 1)
        does: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("&Copy table", "Copy this page's figures for a spreadsheet", self.copy_text),
            ("Copy &picture", "Copy this page as a picture", self.copy_picture),
            ("&Export…", "All figures as CSV, or this page as PNG", self.export),
            ("Close", "", self.reject),
        )
        for name, tip, action in does:
            button = QPushButton(name)
            button.setAutoDefault(False)
            button.setToolTip(tip)
            button.clicked.connect(action)
            buttons.addWidget(button)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(2 * theme.GRID)
        page.addLayout(boxes)
        page.addWidget(self.hint)
        page.addWidget(self.tabs, 1)
        page.addWidget(intervals)
        page.addLayout(buttons)


def write_picture(path: Path, page: Page) -> None:
    """Write a page as PNG.

    Raises:
        WriteError: if it can't be written.
    """
    picture = QBuffer()
    picture.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(picture, b"PNG").write(picture_of(page.pictured()))
    with bytes_written_whole(path) as file:
        file.write(picture.data().data())


def _summary(found: Figures) -> str:
    """Return how many images count, and how often both models agree on them."""
    pair = next(iter(found.pairs), None)
    lines = []
    if pair is not None:
        same = round(pair.agreement.value * pair.images)
        lines.append(f"Teacher and student agree on {same:,} of {plural(pair.images, 'image')}: {pair.agreement}.")
    withheld = found.observations.withheld
    if withheld == 1:
        lines.append("Not counted: an image that is not assessable, outside the training data.")
    elif withheld:
        lines.append(f"Not counted: {withheld:,} images that are not assessable, outside the training data.")
    return " ".join(lines)
