"""How the training window is laid out: set-up at the left; progress, findings, curves and log at the right."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gui.common import theme, wording

SETUP_WIDTH = 376
LOG_LINES = 5000  # of the log that are kept on screen


def log_view() -> QPlainTextEdit:
    """Return the view of what the processes write."""
    log = QPlainTextEdit()
    log.setReadOnly(True)
    log.setFrameShape(QFrame.Shape.NoFrame)
    log.viewport().setAutoFillBackground(False)
    log.setAccessibleName("Log")
    log.setMaximumBlockCount(LOG_LINES)
    log.setPlaceholderText("What the processes write is shown here.")
    return log


def tabs(findings: QWidget, charts: QWidget, examples: QWidget, log: QWidget) -> QTabWidget:
    """Return the pages of the right side."""
    pages = QTabWidget()
    pages.tabBar().setDrawBase(False)
    pages.addTab(findings, "&Data set")
    pages.addTab(charts, "&Curves")
    pages.addTab(examples, "E&xamples")
    pages.addTab(log, "&Log")
    return pages


def side(setup: QWidget, buttons: Iterable[QPushButton]) -> QWidget:
    """Return the left side: the fields, which scroll, and the buttons under them."""
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setWidget(setup)
    whole = QWidget()
    whole.setFixedWidth(SETUP_WIDTH)
    column = QVBoxLayout(whole)
    column.setContentsMargins(24, 24, 16, 16)
    column.setSpacing(16)
    column.addWidget(scroll, 1)
    row = QHBoxLayout()
    row.setSpacing(8)
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    column.addLayout(row)
    return whole


def fill(window: QWidget, banner: QWidget, left: QWidget, progress: QWidget, pages: QWidget) -> None:
    """Fill the window: banner above, both sides, the research notice below."""
    right = QVBoxLayout()
    right.setContentsMargins(24, 24, 24, 16)
    right.setSpacing(16)
    right.addWidget(progress)
    right.addWidget(pages, 1)
    line = QFrame()
    line.setFixedWidth(1)
    theme.styled(line, "line")
    body = QHBoxLayout()
    body.setSpacing(0)
    body.addWidget(left)
    body.addWidget(line)
    body.addLayout(right, 1)
    strip = QLabel("⚠  " + wording.notice())
    strip.setContentsMargins(16, 4, 16, 4)
    theme.styled(strip, "small", "warning")
    page = QVBoxLayout(window)
    page.setContentsMargins(0, 0, 0, 0)
    page.setSpacing(0)
    page.addWidget(banner)
    page.addLayout(body, 1)
    page.addWidget(strip)
