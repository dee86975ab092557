"""Opens the dialogs of report and exports, with what the window has to offer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.errors import UsageError
from core.models.catalogue import read_catalogue
from core.reports.letterhead import Letterhead
from gui.common.notifications import Notifications
from gui.common.wording import review_sentence
from gui.comparison.controller import ComparisonController
from gui.comparison.view import ComparisonView
from gui.export.base_dialog import OutputDialog
from gui.export.data_dialog import ExportDialog
from gui.export.job import Offer, is_dicom, scopes
from gui.export.model_dialog import ModelExportDialog
from gui.export.report_dialog import ReportDialog
from gui.worklist.entry import Entry
from gui.worklist.model import Worklist
from gui.worklist.view import WorklistView


class Reporter(QObject):
    """One dialog at a time; impressions are remembered until the window is closed.

    Args:
        parent: the window of the dialogs.
        worklist: the files with what was found of each.
        listed: the worklist on screen: which files are shown and selected.
        controller: holds the choice of models and what is on screen.
        view: holds how the image on screen is shown.
        notifications: where errors go.

    Attributes:
        letterhead: returns institution, reader and logo of the reports.
    """

    def __init__(
        self,
        parent: QWidget,
        worklist: Worklist,
        listed: WorklistView,
        controller: ComparisonController,
        view: ComparisonView,
        notifications: Notifications,
    ) -> None:
        super().__init__(parent)
        self._parent, self._worklist, self._listed = parent, worklist, listed
        self._controller, self._view = controller, view
        self._notifications = notifications
        self._impressions: dict[Path, str] = {}
        self.letterhead: Callable[[], Letterhead] = Letterhead
        self.dialog: OutputDialog | None = None
        self.model_dialog: ModelExportDialog | None = None

    def report(self) -> None:
        """Open the dialog of the PDF report.

        Raises:
            UsageError: if nothing is open.
        """
        dialog = ReportDialog(self.offer(), self._parent)
        dialog.worded.connect(self._impressions.__setitem__)
        self._open(dialog)

    def export(self) -> None:
        """Open the dialog of the exports.

        Raises:
            UsageError: if nothing is open.
        """
        self._open(ExportDialog(self.offer(), self._parent))

    def export_model(self, bundle_id: str = "") -> None:
        """Open the dialog that writes a model for other programs.

        Args:
            bundle_id: the model that is proposed; empty for the student on screen.

        Raises:
            UsageError: if no model is installed.
        """
        bundles = [*read_catalogue().bundles.values()]
        if not bundles:
            raise UsageError("There is no model to export.", remedy="Import or train one first.")
        shown = self._controller.bundles.get("student")
        proposed = bundle_id or ("" if shown is None else shown.id)
        dialog = ModelExportDialog(bundles, proposed, self._parent)
        dialog.destroyed.connect(self._forget_model)
        self.model_dialog = dialog
        dialog.open()

    def stop(self) -> None:
        """Stop what a dialog that is still open has under way."""
        if self.dialog is not None:
            self.dialog.stop()
        if self.model_dialog is not None:
            self.model_dialog.stop()

    def offer(self) -> Offer:
        """Return what there is to export.

        Raises:
            UsageError: if nothing is open.
        """
        entries, path = self._worklist.entries(), self._controller.path
        found = scopes(entries, self._listed.shown_entries(), self._listed.selected_paths(), path)
        if not any(found.values()):
            raise UsageError("There is nothing to export yet.", remedy="Open an image first.")
        shown = self._view.chosen_window
        return Offer(
            scopes=found,
            choice=self._controller.choice,
            windows={path: shown} if path is not None and shown is not None else {},
            ready=self._controller.ready,
            words={entry.path: words for entry in entries if (words := self._words(entry))},
            reviews={entry.path: entry.review for entry in entries if entry.review},
            results={entry.path: entry.file_result for entry in entries if entry.file_result is not None},
            errors={entry.path: entry.error for entry in entries if entry.error},
            dicom=frozenset(entry.path for entry in entries if is_dicom(entry)),
            letterhead=self.letterhead(),
        )

    def _words(self, entry: Entry) -> str:
        """Return the impression that was typed, else the reader's reading and note."""
        if entry.path in self._impressions:
            return self._impressions[entry.path]
        return " ".join(filter(None, (review_sentence(entry.review, entry.task), entry.review.note)))

    def _open(self, dialog: OutputDialog) -> None:
        dialog.failed.connect(self._notifications.show_error)
        dialog.destroyed.connect(self._forget)
        self.dialog = dialog
        dialog.open()

    def _forget(self) -> None:
        self.dialog = None

    def _forget_model(self) -> None:
        self.model_dialog = None
