"""The command *Performance*, and what is said of disagreements and scores once a batch is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.compare.agreement import wilson
from core.errors import UsageError
from core.performance.figures import Figures, figures
from core.performance.observations import MODELS, UNKNOWN, Observations
from gui.common.notifications import Banner, Notifications
from gui.common.threads import Background
from gui.common.wording import plural
from gui.performance.gather import Analysed, observations
from gui.performance.window import PerformanceWindow
from gui.worklist.model import Worklist


class Performance(QObject):
    """Computes outside the window's thread and opens the window.

    Args:
        parent: the window.
        worklist: the files with what was found of each.
        banner: shows the scores when they are known.
        notifications: where errors go.

    Signals:
        images_wanted: a list of paths and what they are in words, which the worklist is to show.
        export_wanted: what the worklist shows is to be exported as a table.
    """

    images_wanted = Signal(object, str)
    export_wanted = Signal()

    def __init__(self, parent: QWidget, worklist: Worklist, banner: Banner, notifications: Notifications) -> None:
        super().__init__(parent)
        self._parent, self._worklist = parent, worklist
        self._banner, self._notifications = banner, notifications

    def show(self) -> None:
        """Show the performance of both models on the worklist.

        Raises:
            UsageError: if nothing that counts has been analysed.
        """
        analysed = self._analysed()
        if not analysed:
            raise UsageError("Nothing has been analysed yet.", remedy="Open images and take Analyse all first.")
        if all(one.result.novel for one in analysed):
            raise UsageError(
                "None of the images that were analysed is assessable: they are outside the training data.",
                remedy="Open other images, or choose other models.",
            )
        self._run(lambda: [figures(found) for found in observations(analysed) if found.images], self._open)

    def tell(self) -> None:
        """Show in the banner how often the models disagree, and what they scored where labels are known."""
        analysed = self._analysed()
        apart = [one.path for one in analysed if one.result.disagree]
        if analysed:
            self._run(lambda: observations(analysed), lambda found: self._say(found, len(analysed), apart))

    def _analysed(self) -> list[Analysed]:
        entries = self._worklist.entries()
        return [Analysed(one.path, one.file_result, one.review) for one in entries if one.file_result is not None]

    def _run(self, job: Callable[[], Any], then: Callable[[Any], None]) -> None:
        background = Background(job, self._parent)
        background.done.connect(then)
        background.failed.connect(self._notifications.show_error)
        background.begin()

    def _show_again(self) -> None:
        try:
            self.show()
        except UsageError as error:  # the worklist was cleared since
            self._notifications.show_error(error)

    def _open(self, found: Sequence[Figures]) -> None:
        for earlier in self._parent.findChildren(PerformanceWindow):
            earlier.close()
        window = PerformanceWindow(found, self._parent)
        window.images_wanted.connect(self.images_wanted)
        window.show()

    def _say(self, found: Sequence[Observations], analysed: int, apart: list[Path]) -> None:
        scores = "".join(f" {words}" for one in found if (words := _accuracy(one)))
        if not apart and not scores:
            return
        many = "Teacher and student agree on all." if not apart else f"{plural(len(apart), 'disagreement')}."
        self._banner.say(
            f"{plural(analysed, 'image')} analysed. {many}{scores}",
            button="Show disagreements" if apart else "",
            action=lambda: self._show_apart(apart),
            second="Show performance" if scores else "",
            other=self._show_again,
        )

    def _show_apart(self, apart: list[Path]) -> None:
        words = plural(len(apart), "disagreement")
        self.images_wanted.emit(apart, words)
        self._banner.say(f"The worklist shows {words}.", button="Export table…", action=self.export_wanted.emit)


def _accuracy(one: Observations) -> str:
    """Return what both models scored; empty where no label is known."""
    rows = one.label != UNKNOWN
    count = int(rows.sum())
    if not count:
        return ""
    right = [wilson(int((one.classes_by(model) == one.label)[rows].sum()), count) for model in MODELS]
    counted = plural(count, "labelled image")
    return f"{one.task.name}: {counted}. Accuracy: teacher {right[0]}, student {right[1]}."
