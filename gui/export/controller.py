"""Opens what takes results away or sums them up: report, exports, scores; knows what the window has to offer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from core.errors import UsageError
from gui.common.threads import Background
from gui.common.wording import review_sentence
from gui.engine.result import Verdict
from gui.export.base_dialog import TakeawayDialog
from gui.export.data_dialog import ExportDialog
from gui.export.job import Offer, is_dicom, scopes
from gui.export.report_dialog import ReportDialog
from gui.export.scores_dialog import ScoresDialog, TaskScores, tallied
from gui.worklist.model import Entry

if TYPE_CHECKING:
    from gui.window.main_window import MainWindow


class Reporter(QObject):
    """One dialog at a time; impressions are remembered until the window is closed."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._impressions: dict[Path, str] = {}
        self.dialog: TakeawayDialog | None = None

    def report(self) -> None:
        """Open the dialog of the PDF report.

        Raises:
            UsageError: if nothing is open.
        """
        dialog = ReportDialog(self.offer(), self._window)
        dialog.worded.connect(self._impressions.__setitem__)
        self._open(dialog)

    def export(self) -> None:
        """Open the dialog of the exports.

        Raises:
            UsageError: if nothing is open.
        """
        self._open(ExportDialog(self.offer(), self._window))

    def scores(self) -> None:
        """Show how both models did over the worklist.

        Raises:
            UsageError: if nothing that counts has been analysed.
        """
        verdicts = self._verdicts()
        if not verdicts:
            raise UsageError("Nothing has been analysed yet.", remedy="Open images and take Analyse all first.")
        if all(verdict.novel for _path, verdict in verdicts):
            raise UsageError(
                "None of the images that were analysed can be judged: they are unlike the training images.",
                remedy="Open other images, or choose other models.",
            )
        self._tally(self._show_scores)

    def tell_scores(self) -> None:
        """Say in the banner what both models scored, where true classes are known."""
        if self._verdicts():
            self._tally(self._say_scores)

    def stop(self) -> None:
        """Stop what a dialog that is still open has under way."""
        if self.dialog is not None:
            self.dialog.stop()

    def offer(self) -> Offer:
        """Return what there is to take away.

        Raises:
            UsageError: if nothing is open.
        """
        window = self._window
        entries, path = window.worklist.entries(), window.conductor.path
        found = scopes(entries, window.list.shown_entries(), window.list.selected_paths(), path)
        if not any(found.values()):
            raise UsageError("There is nothing to take away yet.", remedy="Open an image first.")
        shown = window.comparison.chosen_window
        return Offer(
            scopes=found,
            choice=window.conductor.choice,
            windows={path: shown} if path is not None and shown is not None else {},
            ready=window.conductor.ready,
            words={entry.path: words for entry in entries if (words := self._words(entry))},
            reviews={entry.path: entry.review for entry in entries if entry.review},
            verdicts={entry.path: entry.verdict for entry in entries if entry.verdict is not None},
            errors={entry.path: entry.error for entry in entries if entry.error},
            dicom=frozenset(entry.path for entry in entries if is_dicom(entry)),
        )

    def _words(self, entry: Entry) -> str:
        """Return the impression that was typed, else what the reviewer thinks."""
        if entry.path in self._impressions:
            return self._impressions[entry.path]
        review = entry.review
        said = "" if review.verdict is None else review_sentence(review.verdict)
        return " ".join(filter(None, (said, review.note)))

    def _verdicts(self) -> list[tuple[Path, Verdict]]:
        entries = self._window.worklist.entries()
        return [(entry.path, entry.verdict) for entry in entries if entry.verdict is not None]

    def _tally(self, then: Callable[[list[TaskScores]], None]) -> None:
        verdicts = self._verdicts()
        job = Background(lambda: tallied(verdicts), self._window)
        job.done.connect(then)
        job.failed.connect(self._window.notifications.show_error)
        job.begin()

    def _show_scores(self, found: list[TaskScores]) -> None:
        ScoresDialog(found, self._window).show()

    def _say_scores(self, found: list[TaskScores]) -> None:
        for scores in found:
            if scores.scores is not None:
                words = "{0}: the true classes of {1} images are known. Right: teacher {2}, student {3}."
                self._window.banner.say(
                    words.format(scores.task.name, f"{scores.labelled:,}", *(s.accuracy for s in scores.scores)),
                    button="Show scores",
                    action=lambda: self._show_scores(found),
                )

    def _open(self, dialog: TakeawayDialog) -> None:
        dialog.failed.connect(self._window.notifications.show_error)
        dialog.destroyed.connect(self._forget)
        self.dialog = dialog
        dialog.open()

    def _forget(self) -> None:
        self.dialog = None
