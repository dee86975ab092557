"""The slide window: connects the slide's view, its panel, the loader of tiles and the grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolBar, QVBoxLayout, QWidget

from core.compare.session import Choice
from core.errors import TwinlensError
from core.images.region import Region
from core.models.catalogue import Catalogue
from core.names import readable
from core.slides.field import save_field
from core.slides.opening import open_slide
from gui.common import theme, wording
from gui.common.icons import icon
from gui.common.input_boxes import ComboBox
from gui.common.notifications import Banner
from gui.common.placement import place
from gui.common.threads import Background
from gui.common.tooltips import wrapped
from gui.slides.grid_controller import GridController
from gui.slides.panel import SlidePanel
from gui.slides.tiles import OpenedSlide, Overview, TileLoader
from gui.slides.view import SlideView, Tool

FIRST_SIZE, SMALLEST = QSize(1280, 800), QSize(880, 560)
TOOLS: dict[Tool, tuple[str, str, str, str]] = {
    "pan": ("Pan", "pan", "T", "Drag moves the slide; the wheel zooms; a click chooses a prediction"),
    "field": ("Field", "field", "F", "A click picks the field under the pointer; a double-click opens it"),
    "area": ("Rectangle", "area", "R", "Drag draws the rectangle for a grid; a click removes it"),
}


class SlideWindow(QWidget):
    """One slide at a time, with those that were opened before it in a box.

    Args:
        choice: returns what is compared in the main window.
        catalogue: returns the installed models.

    Attributes:
        view, panel, banner: its parts.
        loader: reads tiles.
        grid: compares fields.
    """

    field_opened = Signal(object)  # path of a field that was written as a file

    def __init__(self, choice: Callable[[], Choice], catalogue: Callable[[], Catalogue]) -> None:
        super().__init__()
        self.setObjectName("slides")
        self._slide: OpenedSlide | None = None
        self.loader = TileLoader(self)
        self.banner = Banner()
        self.view, self.panel = SlideView(self.loader), SlidePanel()
        self.grid = GridController(self.view, self.panel, self.banner, choice, catalogue, self)
        self.slides = ComboBox()
        self.slides.setAccessibleName("Slide")
        self.slides.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self.facts = QLabel()
        theme.styled(self.facts, "small", "dim")
        self.tools: dict[Tool, QAction] = {}
        self._drawn: list[tuple[QAction, str]] = []  # what has an icon, and which
        self._lay_out()
        self._connect()
        self._show_slide(None)
        place(self, FIRST_SIZE, SMALLEST)

    def open(self, paths: list[Path]) -> None:
        """Open the first of some slides; the others can be chosen in the box."""
        for path in paths:
            if self.slides.findData(str(path)) < 0:
                self.slides.addItem(readable(path.name), str(path))
        row = self.slides.findData(str(paths[0]))
        if row == self.slides.currentIndex():
            self._on_slide(row)
        self.slides.setCurrentIndex(row)
        self.show()
        self.activateWindow()

    def close_all(self) -> bool:
        """Stop all work and close; return whether all threads have ended."""
        self.close()
        jobs = self.findChildren(Background)
        return all([self.loader.close(), self.grid.run.close(), *(job.wait(1500) for job in jobs)])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop a grid; the slide stays open, so that the window comes back as it was."""
        self.grid.run.stop()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icons in the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            for action, picture in self._drawn:
                action.setIcon(icon(picture))

    # slides

    def _on_slide(self, row: int) -> None:
        path = Path(self.slides.itemData(row))
        if self._slide is not None and self._slide.path == path:
            return
        self.banner.hide()
        self._show_slide(None)
        self.facts.setText(f"Opening {readable(path.name)}")
        self.setWindowTitle(f"{readable(path.name)} – Twinlens")
        self.loader.open(path)

    def _on_opened(self, slide: OpenedSlide) -> None:
        if str(slide.path) != self.slides.currentData():
            return
        self._show_slide(slide)
        width, height = slide.size
        scale = "" if slide.mpp is None else f" · {slide.mpp[0]:.3g} µm/px"
        objective = "" if slide.objective is None else f" · {slide.objective:g}×"
        self.facts.setText(f"{slide.format} · {width:,} × {height:,} px{scale}{objective}")

    def _on_overview(self, overview: Overview) -> None:
        if self._slide is not None and overview.path == self._slide.path:
            self.view.show_overview(overview)
            self.grid.show_overview(overview)

    def _on_failed(self, error: TwinlensError, wholly: bool) -> None:
        self.banner.say(str(error), warning=True)
        if wholly:
            self._show_slide(None)
            self.facts.setText("")

    def _show_slide(self, slide: OpenedSlide | None) -> None:
        """Show a slide from the start: no field, no rectangle, no predictions."""
        self._slide = slide
        self.view.show_slide(slide)
        self.grid.show_slide(slide)
        if slide is not None:
            self.panel.side.setValue(slide.side)
        self._on_side()

    # fields

    def _on_side(self) -> None:
        slide, side = self._slide, self.panel.side.value()
        self.view.side = side
        self.view.field = None
        self.panel.open_field.setEnabled(False)
        if slide is None or slide.mpp is None:
            self.panel.length.setText("scale not stated" if slide is not None else "")
        else:
            self.panel.length.setText(f"= {side * math.sqrt(slide.mpp[0] * slide.mpp[1]):.0f} µm")
        self.grid.say_count()
        self.view.update()

    def _on_field(self, _field: Region) -> None:
        self.panel.open_field.setEnabled(True)

    def _open_field(self, region: Region | None = None) -> None:
        """Write a field as a file in the background, and tell of it."""
        region = region or self.view.field
        if self._slide is None or region is None:
            return
        path = self._slide.path
        self.panel.open_field.setEnabled(False)

        def save() -> Path:
            with open_slide(path) as slide:
                return save_field(slide, region)

        job = Background(save, self)
        job.done.connect(self.field_opened)
        job.failed.connect(lambda error: self.banner.say(str(error), warning=True))
        job.finished.connect(lambda: self.panel.open_field.setEnabled(self.view.field is not None))
        job.begin()

    # making

    def _connect(self) -> None:
        self.slides.currentIndexChanged.connect(self._on_slide)
        self.loader.opened.connect(self._on_opened)
        self.loader.overview.connect(self._on_overview)
        self.loader.failed.connect(self._on_failed)
        self.view.field_picked.connect(self._on_field)
        self.view.field_wanted.connect(self._open_field)
        self.panel.side.valueChanged.connect(lambda _side: self._on_side())
        self.panel.open_field.clicked.connect(lambda _checked: self._open_field())

    def _make_bar(self) -> QToolBar:
        bar = QToolBar()
        group = QActionGroup(self)
        for tool, (words, picture, key, tip) in TOOLS.items():
            action = self._action(words, picture)
            action.setCheckable(True)
            action.setShortcut(key)
            action.setToolTip(wrapped(f"{tip} ({key})"))
            action.triggered.connect(lambda _checked=False, chosen=tool: self.view.set_tool(chosen))
            group.addAction(action)
            bar.addAction(action)
            self.tools[tool] = action
        self.tools["pan"].trigger()
        whole = self._action("Whole slide", "reset")
        whole.setShortcut("Esc")
        whole.setToolTip("Whole slide (Esc, or 0)")
        whole.triggered.connect(self.view.fit)
        bar.addSeparator()
        bar.addAction(whole)
        return bar

    def _action(self, words: str, picture: str) -> QAction:
        action = QAction(icon(picture), words, self)
        self._drawn.append((action, picture))
        return action

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 16, 0)
        head.setSpacing(16)
        head.addWidget(self._make_bar())
        head.addWidget(self.slides)
        head.addWidget(self.facts, 1)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.view, 1)
        middle.addWidget(self.panel)
        notice = QLabel("⚠  " + wording.notice())
        notice.setContentsMargins(8, 4, 8, 4)
        theme.styled(notice, "small", "warning")
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        for part in (head, self.banner, middle, notice):
            if isinstance(part, QWidget):
                page.addWidget(part)
            else:
                page.addLayout(part, 1 if part is middle else 0)
