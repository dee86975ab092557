"""What the dialogs for reports and exports share: they close when their workers have stopped."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from gui.export.job import Offer, Source
from gui.export.progress import ExportBar
from gui.export.scope_box import ContentsBox


class OutputDialog(QDialog):
    """A choice of images and a bar that writes.

    Args:
        offer: what there is to take away.
        window: the window that it belongs to.
    """

    failed = Signal(object)  # an error that nobody expected

    def __init__(self, offer: Offer, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.offer = offer
        self.source = Source(offer.choice, offer.ready)
        self.contents = ContentsBox(offer)
        self.bar = ExportBar(self.source, window)
        self.bar.failed.connect(self.failed)
        self.bar.ended.connect(self._on_ended)
        self._leaving: int | None = None

    def done(self, result: int) -> None:
        """Close, once the workers have stopped."""
        self._leaving = result
        self.stop()
        if self.busy():
            self.setEnabled(False)
        else:
            self._leave(result)

    def stop(self) -> None:
        """Ask the workers to stop."""
        self.bar.stop()

    def busy(self) -> bool:
        """Whether a worker is under way."""
        return self.bar.job is not None

    def _on_ended(self, _written: bool = False) -> None:
        if self._leaving is not None and not self.busy():
            self._leave(self._leaving)

    def _leave(self, result: int) -> None:
        self.source.forget_models()  # else they stay for as long as anything refers to this dialog
        super().done(result)
