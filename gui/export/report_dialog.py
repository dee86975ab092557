"""The PDF report: which images, what about them, a preview of the pages, and the writing."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.exports.format import Wanted
from core.names import readable
from core.reports.layout import PAPER, PaperSize
from core.reports.letterhead import NO_LETTERHEAD
from gui.common import theme
from gui.common.places import folder_of
from gui.export.base_dialog import OutputDialog
from gui.export.file_field import FileField
from gui.export.job import Item, Offer, Scope
from gui.export.report_preview import Page, ReportPreview, Summary

SIDE = 320


class ReportDialog(OutputDialog):
    """Makes a PDF report; what is typed as an impression is handed back by ``worded``."""

    worded = Signal(object, str)  # path, impression

    def __init__(self, offer: Offer, window: QWidget) -> None:
        super().__init__(offer, window)
        self.setWindowTitle("PDF report")
        self._words = dict(offer.words)
        self._at = 0
        self.preview = ReportPreview(self.source, window)
        self.preview.failed.connect(self.failed)
        self.preview.ended.connect(self._on_ended)
        self.impression = QPlainTextEdit()
        self.impression.setAcceptDrops(False)
        self.impression.setAccessibleName("Impression on the image in the preview")
        self.impression.setPlaceholderText("What you see, in your words")
        self.impression.setTabChangesFocus(True)
        self.impression.setMinimumHeight(96)
        self.impression.setMaximumHeight(320)
        self.impression.textChanged.connect(self._on_worded)
        self._about = QLabel()
        self._about.setWordWrap(True)
        theme.styled(self._about, "small", "dim")
        self.where = QLabel()
        theme.styled(self.where, "small", "dim")
        self.earlier, self.later = self._arrow("◀", -1), self._arrow("▶", 1)
        self.file = FileField()
        self.save = QPushButton("Save PDF")
        self.save.setDefault(True)
        self.save.clicked.connect(self._save)
        self.leave = QPushButton("Close")
        self.leave.setAutoDefault(False)
        self.leave.clicked.connect(self.reject)
        self.bar.ended.connect(lambda _written: self._show_running(False))
        self.bar.stop_button.setAutoDefault(False)
        self._lay_out()
        self.contents.changed.connect(self._on_contents)
        self.contents.switched.connect(self._suggest_file)
        self.contents.switched.connect(self._refresh)
        self._paper.buttonToggled.connect(lambda _button, on: self._refresh() if on else None)
        room = window.size()
        self.resize(min(1240, round(room.width() * 0.92)), min(1280, round(room.height() * 0.94)))
        self._on_contents()

    def items(self) -> list[Item]:
        """Return the images that are chosen."""
        return self.offer.items(self.contents.scope)

    @property
    def paper(self) -> PaperSize:
        """The chosen size of the paper."""
        return next(size for size, button in self.papers.items() if button.isChecked())

    def stop(self) -> None:
        """Ask the workers to stop."""
        super().stop()
        self.preview.stop()

    def busy(self) -> bool:
        """Whether a worker is under way."""
        return super().busy() or self.preview.job is not None

    def turn(self, by: int) -> None:
        """Preview the image that many further on; the summary comes before the first of several."""
        self._at = min(max(self._at + by, 0), max(self._places() - 1, 0))
        self._on_turned()

    def _places(self) -> int:
        """Return how many images there are, and one more where they get a summary."""
        count = len(self.items())
        return count + 1 if count > 1 else count

    def _item(self) -> Item | None:
        """Return the image in the preview, None where it is the summary, or nothing."""
        items = self.items()
        index = self._at - (len(items) > 1)
        return items[index] if 0 <= index < len(items) else None

    def _on_contents(self) -> None:
        items = self.items()
        first = next((i for i, item in enumerate(items) if item.path in self.offer.scopes[Scope.THIS]), 0)
        many = len(items) > 1
        self._at = first + many
        self._about.setText(
            ("A summary with a table, the confusion of teacher against student and, where folders or a manifest.csv "
                    "give labels, both models' scores; then a page for each image and a technical appendix.")
            if many
            else "A page and a technical appendix."
        )  # fmt: skip
        self.save.setEnabled(bool(items) and not self.busy_writing())
        self._suggest_file()
        self._on_turned()

    def _suggest_file(self) -> None:
        items = self.items()
        if not items:
            return
        alone = len(items) == 1 and not self.contents.hide_names.isChecked()
        name = f"{readable(items[0].path.stem)} report.pdf" if alone else "twinlens report.pdf"
        self.file.suggest(folder_of(item.path for item in items), name)

    def busy_writing(self) -> bool:
        """Whether a report is being written."""
        return self.bar.job is not None

    def _on_turned(self) -> None:
        count, item = len(self.items()), self._item()
        self.earlier.setEnabled(self._at > 0)
        self.later.setEnabled(self._at < self._places() - 1)
        if item is not None:
            self.where.setText(f"Image {self._at + (count == 1)} of {count}")
        else:
            self.where.setText("Summary" if count else "")
        self.impression.setEnabled(item is not None)
        self.impression.blockSignals(True)
        self.impression.setPlainText("" if item is None else self._words.get(item.path, ""))
        self.impression.blockSignals(False)
        self._refresh()

    def _on_worded(self) -> None:
        item = self._item()
        if item is not None:
            path, words = item.path, self.impression.toPlainText()
            self._words[path] = words
            self.worded.emit(path, words)
            self._refresh()

    def _refresh(self) -> None:
        items = self.items()
        if not items:
            self.preview.show_page(None)
            return
        item, hidden = self._item(), self.contents.hide_names.isChecked()
        refused = self.contents.with_hidden.isChecked()
        if item is None:
            self.preview.show_page(Summary(tuple(items), self.offer, self.paper, hidden, refused, "Summary"))
            return
        self.preview.show_page(
            Page(
                item,
                self._words.get(item.path, ""),
                self.paper,
                hidden,
                refused,
                self.contents.with_identity.isChecked(),
                self.offer.letterhead,
                with_appendix=len(items) == 1,
            )
        )

    def _save(self) -> None:
        items, path = self.items(), self.file.confirmed()
        if path is None:
            return
        self._show_running(True)
        self.bar.write(
            path,
            items,
            dict(self._words),
            Wanted(
                {"report": path},
                paper=self.paper,
                letterhead=self.offer.letterhead,
                hide_names=self.contents.hide_names.isChecked(),
                with_identity=self.contents.with_identity.isChecked(),
                with_hidden=self.contents.with_hidden.isChecked(),
                labelled=len(items) > 1,
            ),
        )

    def _show_running(self, running: bool) -> None:
        self.contents.setEnabled(not running)
        for widget in (self.save, self.file, *self.papers.values()):
            widget.setEnabled(not running)

    def _arrow(self, sign: str, by: int) -> QToolButton:
        button = QToolButton()
        button.setText(sign)
        button.setAutoRepeat(True)
        name = "Next image" if by > 0 else "Previous image"
        keys = QKeySequence("PgDown" if by > 0 else "PgUp")
        button.setAccessibleName(name)
        button.setToolTip(f"{name} ({keys.toString(QKeySequence.SequenceFormat.NativeText)})")
        button.clicked.connect(lambda: self.turn(by))
        QShortcut(keys, self).activated.connect(lambda: self.turn(by))
        return button

    def _where_set(self) -> QLabel:
        words = QLabel("Institution, reader and logo are in the settings (Ctrl+,).")
        words.setWordWrap(True)
        return words

    def _lay_out(self) -> None:
        papers = QHBoxLayout()
        papers.setSpacing(16)
        self._paper = QButtonGroup(self)
        self.papers: dict[PaperSize, QRadioButton] = {}
        for size in PAPER:
            button = QRadioButton(size)
            button.setChecked(size == "A4")
            self.papers[size] = button
            self._paper.addButton(button)
            papers.addWidget(button)
        papers.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.save, 1)
        buttons.addWidget(self.leave)

        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.contents)
        left.addSpacing(8)
        left.addWidget(theme.styled(QLabel("Paper"), "bold"))
        left.addLayout(papers)
        left.addSpacing(8)
        title = QLabel("&Impression")
        title.setBuddy(self.impression)
        left.addWidget(theme.styled(title, "bold"))
        left.addWidget(self.impression, 100)
        left.addStretch(1)
        left.addWidget(self._about)
        if self.offer.letterhead == NO_LETTERHEAD:
            left.addWidget(theme.styled(self._where_set(), "small", "dim"))
        place = QLabel("Sa&ve as")
        place.setBuddy(self.file)
        left.addWidget(theme.styled(place, "bold"))
        left.addWidget(self.file)
        left.addWidget(self.bar)
        left.addLayout(buttons)
        side = QWidget()
        side.setFixedWidth(SIDE)
        side.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)

        pages = QHBoxLayout()
        pages.setSpacing(8)
        pages.addWidget(theme.styled(QLabel("Preview"), "bold"))
        pages.addStretch(1)
        for widget in (self.earlier, self.where, self.later):
            pages.addWidget(widget)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addLayout(pages)
        right.addWidget(self.preview, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(24, 24, 24, 24)
        whole.setSpacing(24)
        whole.addWidget(side)
        whole.addLayout(right, 1)
