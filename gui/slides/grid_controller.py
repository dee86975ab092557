"""Leads a grid: which fields it has, its run in the background, and where what it finds is shown."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.compare.session import Choice
from core.errors import UsageError
from core.images.region import Region
from core.models.catalogue import Catalogue
from core.names import readable
from core.records.review import NO_REVIEW
from core.slides.comparing import FieldResult, slide_choice, slide_tasks
from core.slides.grid import MOST_FIELDS, Mask, count, grid, most_fields
from core.tasks import get_task
from gui.common import wording
from gui.common.notifications import Banner
from gui.common.places import folder_of
from gui.common.save_dialog import ask_where
from gui.common.threads import Background
from gui.export.quick import write_table
from gui.slides.grid_run import GridRun
from gui.slides.overlay import Overlay, tally
from gui.slides.panel import SlidePanel
from gui.slides.tiles import OpenedSlide, Overview
from gui.slides.view import SlideView


class GridController(QObject):
    """Holds the grid of the slide on screen.

    Args:
        view: shows the predictions over the slide.
        panel: has the controls and the table.
        banner: shows errors.
        choice: returns what is compared in the main window.
        catalogue: returns the installed models.
        window: the window that dialogs belong to.

    Attributes:
        run: compares in the background.
    """

    def __init__(
        self,
        view: SlideView,
        panel: SlidePanel,
        banner: Banner,
        choice: Callable[[], Choice],
        catalogue: Callable[[], Catalogue],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._view, self._panel, self._banner, self._window = view, panel, banner, window
        self._choice, self._catalogue = choice, catalogue
        self._slide: OpenedSlide | None = None
        self._overview: Overview | None = None
        self._predictions: Overlay | None = None
        self._total = 0
        self._first: tuple[float, int] | None = None  # when the first fields were done, and how many
        self.run = GridRun(self)
        view.area_drawn.connect(lambda _area: self.say_count())
        view.result_clicked.connect(self._on_result_clicked)
        panel.tissue_only.toggled.connect(lambda _on: self.say_count())
        panel.task.currentIndexChanged.connect(lambda _row: self._show_classes())
        panel.compare.clicked.connect(self._compare)
        panel.stop.clicked.connect(self.run.stop)
        panel.mode_changed.connect(view.show_mode)
        panel.mode_changed.connect(panel.legend.show_mode)
        panel.result_chosen.connect(lambda number: view.choose_result(number, go_there=True))
        panel.export.clicked.connect(self._export)
        self.run.loading.connect(lambda name: panel.state.setText(f"Loading {name}"))
        self.run.found.connect(self._on_found)
        self.run.ended.connect(self._on_ended)
        self.run.failed.connect(lambda error: banner.say(str(error), warning=True))

    def show_slide(self, slide: OpenedSlide | None) -> None:
        """Take another slide; its grid has not been compared."""
        self.run.stop()
        self._slide, self._overview = slide, None
        self._panel.state.setText("")
        self._show_predictions(None)
        if slide is not None:
            self._show_tasks()

    def show_overview(self, overview: Overview) -> None:
        """Take the overview, in which tissue is found."""
        self._overview = overview
        self.say_count()

    def fields(self) -> list[Region]:
        """Return the fields of the grid as it is chosen now."""
        if self._slide is None:
            return []
        return grid(self._area(), self._panel.side.value(), self._tissue(), self._slide.size)

    def say_count(self) -> None:
        """Show how many fields the grid has, and whether it can be compared."""
        slide, words, possible = self._slide, "", False
        if slide is not None and self._overview is not None:
            area, side = self._area(), self._panel.side.value()
            where = "the rectangle" if self._view.area else "the whole slide"
            found = most_fields(area, side, slide.size)
            if found <= 20 * MOST_FIELDS:
                found = count(area, side, self._tissue(), slide.size)
            possible = 0 < found <= MOST_FIELDS
            words = f"{wording.plural(found, 'field')} in {where}"
            if found > MOST_FIELDS:
                words = f"{found:,} fields are too many: draw a rectangle, or take larger ones"
        self._panel.count.setText(words)
        self._panel.compare.setEnabled(possible)

    def _tissue(self) -> Mask | None:
        only_tissue = self._panel.tissue_only.isChecked()
        return self._overview.tissue if only_tissue and self._overview is not None else None

    def _area(self) -> Region:
        width, height = (1, 1) if self._slide is None else self._slide.size
        return self._view.area or Region(0, 0, width, height)

    def _show_tasks(self) -> None:
        """Offer the tasks of coloured images; of one alone nothing is asked."""
        box, tasks = self._panel.task, slide_tasks(self._catalogue())
        box.blockSignals(True)
        box.clear()
        for task in tasks:
            box.addItem(task.name, task.id)
        box.setCurrentIndex(max(0, box.findData(self._choice().task)))
        box.blockSignals(False)
        box.setVisible(len(tasks) > 1)
        self._show_classes()

    def _show_classes(self) -> None:
        if self._predictions is None and self._panel.task.currentData() is not None:
            self._panel.legend.show_task(get_task(self._panel.task.currentData()))

    def _compare(self) -> None:
        fields = self.fields()
        if self._slide is None or not fields or self.run.is_running:
            return
        try:
            choice = slide_choice(self._choice(), self._catalogue(), self._panel.task.currentData())
        except UsageError as error:
            self._banner.say(str(error), warning=True)
            return
        self._total, self._first = len(fields), None
        self._show_predictions(Overlay(fields, get_task(choice.task or "")))
        self._panel.progress.setRange(0, len(fields))
        self._panel.progress.setValue(0)
        self._panel.show_running(True)
        self._panel.state.setText("Loading the networks")
        self.run.begin(self._slide.path, fields, choice)

    def _show_predictions(self, predictions: Overlay | None) -> None:
        """Start without results, or with those that come."""
        self._predictions = predictions
        self._panel.results.begin(None if predictions is None else predictions.task)
        if predictions is not None:
            self._panel.legend.show_task(predictions.task)
        self._view.show_predictions(predictions)
        self._panel.show_running(False)
        self._panel.export.setEnabled(False)
        self._count_classes()

    def _on_found(self, found: list[FieldResult]) -> None:
        if self._predictions is None:  # another slide was chosen meanwhile
            return
        self._predictions.add(found)
        self._panel.results.add(found)
        done = len(self._predictions.results)
        self._panel.progress.setValue(done)
        self._panel.state.setText(f"{done:,} of {self._total:,} fields{self._time_left(done)}")
        self._count_classes()
        self._view.update()

    def _time_left(self, done: int) -> str:
        """Return how long the rest will take, in words; the networks are loaded before the first field, once."""
        if self._first is None:
            self._first = time.monotonic(), done
            return ""
        since, before = self._first
        left = (time.monotonic() - since) / (done - before) * (self._total - done)
        return f" · {wording.duration(left)} left"

    def _on_ended(self) -> None:
        self._panel.show_running(False)
        if self._predictions is None:
            return
        done = len(self._predictions.results)
        stopped = f"Stopped after {done:,} of {self._total:,} fields"
        self._panel.state.setText(f"{done:,} fields compared" if done == self._total else stopped)
        self._panel.export.setEnabled(done > 0)

    def _count_classes(self) -> None:
        results = [] if self._predictions is None else self._predictions.results
        self._panel.legend.show_counts(tally(results, "teacher"), tally(results, "student"))

    def _on_result_clicked(self, number: int) -> None:
        self._panel.choose(number)
        self._view.choose_result(number, go_there=False)

    def _export(self) -> None:
        if self._slide is None or self._predictions is None:
            return
        kinds = {"Tables": (".csv",), "JSON lines": (".jsonl",)}
        name, place = f"{self._slide.path.stem} fields.csv", folder_of([self._slide.path])
        chosen = ask_where(self._window, "Export table", name, kinds, place)
        if chosen is None:
            return
        path, rows = chosen[0], [(result.record, NO_REVIEW) for result in self._predictions.results]
        job = Background(lambda: write_table(path, rows), self)
        job.done.connect(lambda _nothing: self._banner.say(f"Written: {readable(path)}"))
        job.failed.connect(lambda error: self._banner.say(str(error), warning=True))
        job.begin()
