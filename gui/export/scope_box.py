"""Which images are exported, and what of their identity: a part of the report and export dialogs."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QLabel, QRadioButton, QVBoxLayout, QWidget

from gui.common import theme
from gui.export.job import Offer, Scope


class ContentsBox(QWidget):
    """A choice among the scopes that have an image, and three switches."""

    changed = Signal()  # other images
    switched = Signal()  # the same images, shown otherwise

    def __init__(self, offer: Offer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(theme.styled(QLabel("Images"), "bold"))
        self._group = QButtonGroup(self)
        self.buttons: dict[Scope, QRadioButton] = {}
        for scope, name in self._names().items():
            count = len(offer.scopes[scope])
            button = QRadioButton(name if scope is Scope.THIS else f"{name} ({count:,})")
            button.setEnabled(count > 0)
            self.buttons[scope] = button
            self._group.addButton(button)
            column.addWidget(button)
        first = next((scope for scope in self.buttons if offer.scopes[scope]), Scope.THIS)
        self.buttons[first].setChecked(True)
        self.with_hidden = QCheckBox("Hidden predictions")
        self.with_hidden.setToolTip("Of images outside the training data; they mean nothing")
        self.hide_names = QCheckBox("Hide file names")
        self.hide_names.setToolTip("Images are called by numbers")
        self.with_identity = QCheckBox("Patient's identity")
        self.with_identity.setToolTip("Name, number and birth date, where a DICOM file names them")
        self.warning = QLabel(
            "⚠ " + "Whoever gets the file can read who the patient is. Switch it on only where that is allowed."
        )
        self.warning.setWordWrap(True)
        theme.styled(self.warning, "small", "warning")
        self.warning.hide()
        column.addWidget(self.with_hidden)
        column.addSpacing(8)
        column.addWidget(theme.styled(QLabel("Privacy"), "bold"))
        for widget in (self.hide_names, self.with_identity, self.warning):
            column.addWidget(widget)
        self.with_identity.toggled.connect(self.warning.setVisible)
        self._group.buttonToggled.connect(lambda _button, on: self.changed.emit() if on else None)
        for box in (self.with_hidden, self.hide_names, self.with_identity):
            box.toggled.connect(self.switched)

    @property
    def scope(self) -> Scope:
        """Which images are chosen."""
        return next(scope for scope, button in self.buttons.items() if button.isChecked())

    def _names(self) -> dict[Scope, str]:
        return {
            Scope.THIS: "This image",
            Scope.SELECTED: "Selected in the worklist",
            Scope.SHOWN: "Shown in the worklist",
            Scope.DISAGREE: "Disagreements",
            Scope.ANALYSED: "All analysed",
        }
