"""The pages of a report, one image's or the summary's, made anew whenever something about them changes, in a worker."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from core.compare.agreement import Tally
from core.compare.ground_truth import Labels
from core.compare.session import Interrupted
from core.compare.wording import HIDDEN
from core.errors import TwinlensError
from core.names import readable
from core.reports.layout import PaperSize
from core.reports.letterhead import Letterhead
from core.reports.summary_page import Line, write_summary
from core.reports.writer import ReportWriter
from core.tasks import get_task
from gui.common import theme
from gui.common.threads import Background
from gui.engine.result import ModelSummary
from gui.export.job import Item, Offer, Source, Stop
from gui.export.pdf_pages import pdf_pages

WAIT = 250  # milliseconds without a change before the page is made anew
MARGIN = 16
WIDEST = 1000  # logical pixels of a page


@dataclass(frozen=True)
class Page:
    """What is previewed.

    Attributes:
        item: the image.
        words: the impression.
        paper: size of the paper.
        hide_names: whether images are called by numbers.
        with_hidden: whether hidden predictions are printed.
        with_identity: whether the patient's identity is printed.
        letterhead: institution, reader and logo.
        with_appendix: whether the technical appendix follows, as it does where this is the only image.
    """

    item: Item
    words: str
    paper: PaperSize
    hide_names: bool
    with_hidden: bool
    with_identity: bool
    letterhead: Letterhead
    with_appendix: bool

    @property
    def name(self) -> str:
        """What it is about."""
        return readable(self.item.path.name)

    def drawn(self, source: Source, width: int, stop: Stop) -> list[QImage] | str:
        """Return its pages as pictures, or why the image can't be compared.

        Args:
            source: who compares.
            width: of a page, in pixels.
            stop: asked whether to go on.

        Raises:
            Interrupted: if it was stopped.
            TwinlensError: if a model can't be used.
        """
        found = source.examine(self.item.path, stop, with_identity=self.with_identity)
        image, comparison = found.image, found.comparison
        if image is None or comparison is None:
            return str(found.record.error)
        if stop():
            raise Interrupted
        seen = comparison if self.with_hidden else comparison.withholding()

        def write(path: Path) -> None:
            with ReportWriter(
                path, self.paper, hide_names=self.hide_names, with_identity=self.with_identity,
                letterhead=self.letterhead, with_appendix=self.with_appendix,
            ) as report:  # fmt: skip
                report.add(image, seen, self.words, window=self.item.window)

        return _pictures(write, width)


@dataclass(frozen=True)
class Summary:
    """The summary of many images, from the window's comparisons; images not analysed yet are named as such.

    Attributes:
        items: the images.
        offer: results and errors of the window.
        paper: size of the paper.
        hide_names: whether images are called by numbers.
        with_hidden: whether hidden predictions are printed.
        name: what it is called.
    """

    items: tuple[Item, ...]
    offer: Offer
    paper: PaperSize
    hide_names: bool
    with_hidden: bool
    name: str

    def drawn(self, _source: Source, width: int, stop: Stop) -> list[QImage] | str:
        """Return its pages as pictures; errors and arguments are those of :meth:`Page.drawn`."""
        labels, tallies, rows = Labels(), dict[str, Tally](), list[Line]()
        page = 0
        for number, item in enumerate(self.items, 1):
            if stop():
                raise Interrupted
            name = f"Image {number}" if self.hide_names else readable(item.path.name)
            result = self.offer.results.get(item.path)
            if result is None:
                reason = self.offer.errors.get(item.path, "").removeprefix(f"{readable(item.path)}: ")
                rows.append(Line(0, name, "", "", False, error=reason or "is compared when the report is written"))
                continue
            page += 1
            task = get_task(result.record.task)
            teacher, student = result.record.teacher.predicted, result.record.student.predicted
            label = labels.of(item.path.absolute(), task)
            withheld = result.novel and not self.with_hidden
            if not withheld:
                tallies.setdefault(task.id, Tally(task)).add(teacher, student, label)
            words = self._words(result.teacher), self._words(result.student)
            warned = result.uncertain or result.novel
            rows.append(Line(page, name, *words, same=None if withheld else result.agree, warned=warned))
        head, found = self.offer.letterhead, list(tallies.values())
        return _pictures(lambda path: write_summary(path, self.paper, found, rows, head), width)

    def _words(self, found: ModelSummary) -> str:
        if found.novel and not self.with_hidden:
            return HIDDEN
        return f"{found.name} {100 * found.confidence:.1f} %"


def _pictures(write: Callable[[Path], None], width: int) -> list[QImage]:
    with tempfile.TemporaryDirectory(prefix="twinlens-") as folder:
        path = Path(folder) / "preview.pdf"
        write(path)
        return pdf_pages(path, width)


class ReportPreview(QScrollArea):
    """Shows the pages below each other, as wide as there is room.

    Args:
        source: who compares.
        owner: lives at least as long as the worker, e.g. the window.
    """

    ended = Signal()  # a worker has stopped
    drawn = Signal()  # pages are on screen
    failed = Signal(object)  # an error that nobody expected

    def __init__(self, source: Source, owner: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source, self._owner = source, owner
        self.job: Background | None = None
        self._page: Page | Summary | None = None
        self._outdated = False
        self.pages: list[QLabel] = []
        self.setAccessibleName("Preview of the report")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        sheet = QWidget()
        self._column = QVBoxLayout(sheet)
        self._column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self._column.setSpacing(MARGIN)
        self._column.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column.addWidget(self.words)
        self.setWidget(sheet)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT)
        self._timer.timeout.connect(self._start)

    def show_page(self, page: Page | Summary | None) -> None:
        """Show pages as soon as they are made; None shows nothing."""
        if page is not None and self._page is not None and page.name != self._page.name:
            self._show([])
        self._page = page
        if page is None:
            self._show([])
            self._say("There is no image to show.")
            return
        if not self.pages:
            self._say(f"Comparing {page.name}…" if isinstance(page, Page) else "")
        self._timer.start()

    def stop(self) -> None:
        """Make no more pages."""
        self._timer.stop()
        self._outdated = False
        if self.job is not None:
            self.job.requestInterruption()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the pages anew in the new width."""
        super().resizeEvent(event)
        if self._page is not None:
            self._timer.start()

    def _start(self) -> None:
        if self.job is not None:
            self._outdated = True
            self.job.requestInterruption()
            return
        page = self._page
        if page is None:
            return
        width = min(WIDEST, self.viewport().width() - 2 * MARGIN)
        scale = self.devicePixelRatioF()
        job = Background(
            lambda: page.drawn(self._source, round(max(200, width) * scale), job.isInterruptionRequested), self._owner
        )
        job.done.connect(lambda found: self._on_done(page, found, scale))
        job.failed.connect(self._on_failed)
        self.job = job
        job.begin()

    def _on_done(self, page: Page | Summary, found: list[QImage] | str, scale: float) -> None:
        if page == self._page:
            if isinstance(found, str):
                self._show([])
                self._say(f"⚠ {found}", "warning")
            else:
                self._say("")
                self._show(found, scale)
                self.drawn.emit()
        self._end()

    def _on_failed(self, error: BaseException) -> None:
        if isinstance(error, TwinlensError):
            self._show([])
            self._say(f"⚠ {error}", "warning")
        elif not isinstance(error, Interrupted):
            self.failed.emit(error)
        self._end()

    def _end(self) -> None:
        self.job = None
        if self._outdated:
            self._outdated = False
            self._start()
        self.ended.emit()

    def _show(self, pictures: list[QImage], scale: float = 1.0) -> None:
        for old in self.pages:
            self._column.removeWidget(old)
            old.deleteLater()
        self.pages = []
        for number, picture in enumerate(pictures, 1):
            label = QLabel()
            picture.setDevicePixelRatio(scale)
            label.setPixmap(QPixmap.fromImage(picture))
            label.setAccessibleName(f"Page {number}")
            self._column.addWidget(label)
            self.pages.append(label)

    def _say(self, words: str, *looks: str) -> None:
        self.words.setText(words)
        self.words.setVisible(bool(words))
        theme.styled(self.words, *(looks or ("dim",)))
