"""The panel beside the images: agreement, findings, heat map, what compares, and the reader's own reading."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from core.models.card import Role
from gui.common import theme
from gui.common.tab_order import in_order
from gui.common.tooltips import wrapped
from gui.comparison.display_controls import DisplayControls
from gui.comparison.findings_table import FindingsTable
from gui.history.review_bar import ReviewBar

LEFT = 4  # pixels left of all parts: half a step of the grid, which the longest words of the findings need


class SidePanel(QWidget):
    """Everything about the comparison on screen that is not an image; the reading stays in view at the lower end.

    Attributes:
        agreement: whether both networks agree, or what is under way.
        facts: how different their predictions are, and what the student saves.
        table: the findings of both.
        controls: colours, opacity and threshold of the heat map.
        choices: opens and closes what compares; hidden until there is something to choose.
        review: the reader's opinion.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Findings")
        self.agreement = _words("Agreement of teacher and student")
        self.facts = _words("How different the predictions are, and what the student saves", "small", "dim")
        self.facts.setToolTip(
            wrapped(
                "Divergence: Jensen-Shannon, 0 for the same probabilities, 1 bit for predictions without anything in"
                " common. Overlap: intersection over union of the highest 20 % of both heat maps. Speed: ratio of the"
                " forward passes, the median over the images that these models were timed on."
            )
        )
        self.table = FindingsTable()
        self._doubts: dict[Role, QLabel] = {
            "teacher": _words("Uncertainty of the teacher", "small", "warning"),
            "student": _words("Uncertainty of the student", "small", "warning"),
        }
        self.controls = DisplayControls()
        caution = _words("What a heat map is not", "small", "dim")
        caution.setText("Explains the model; does not outline disease")
        caution.setToolTip(
            wrapped(
                "A saliency map shows which parts of the image raised the network's score for a class. It can light up"
                " on text, tubes or the border, and it does not outline a lesion."
            )
        )
        self.choices = QToolButton()
        self.choices.setText("Models and method")
        self.choices.setToolTip("Task, networks, how the heat map is made and for which class")
        self.choices.setCheckable(True)
        self.choices.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.choices.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.styled(self.choices, "small", "bold", "flush")
        self.choices.hide()
        self.review = ReviewBar()

        inside = QWidget()
        self._rows = QVBoxLayout(inside)
        self._rows.setContentsMargins(LEFT, theme.GRID, theme.GRID, theme.GRID)
        self._rows.setSpacing(4)
        for part in (self.agreement, self.facts, self.table, *self._doubts.values()):
            self._rows.addWidget(part)
        self._head("Heat map")
        self._rows.addWidget(self.controls)
        self._rows.addWidget(caution)
        self._rows.addSpacing(theme.GRID)
        self._rows.addWidget(self.choices, 0, Qt.AlignmentFlag.AlignLeft)
        self._rows.addStretch(1)
        self._scroll = scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        bar = scroll.verticalScrollBar()
        bar.setStyleSheet(f"QScrollBar:vertical {{ width: {theme.GRID}px; }}")
        bar.rangeChanged.connect(self._keep_width)
        below = QVBoxLayout()
        below.setContentsMargins(LEFT, 4, theme.GRID, theme.GRID)
        below.setSpacing(4)
        head = QLabel("Your reading")
        theme.styled(head, "small", "bold")
        below.addWidget(head)
        below.addWidget(self.review)
        line = QFrame()
        line.setFixedHeight(1)
        theme.styled(line, "line")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        whole.addWidget(line)
        whole.addLayout(below)
        self.choices.toggled.connect(self._show_chooser)
        self.choices.toggled.connect(self._show_all_of_it)
        self._chooser: QWidget | None = None
        in_order(self.table, self.controls, self.choices, self.review)

    def add_chooser(self, chooser: QWidget) -> None:
        """Put what compares under its heading, which opens it."""
        self._chooser = chooser
        self._rows.insertWidget(self._rows.indexOf(self.choices) + 1, chooser)
        self.choices.show()
        self._show_chooser(False)
        in_order(self.table, self.controls, self.choices, chooser, self.review)

    def say(self, text: str, *looks: str) -> None:
        """Show whether both agree, or what is under way; forgets the facts."""
        self.agreement.setText(text)
        self.facts.clear()
        theme.styled(self.agreement, *looks)

    def say_facts(self, text: str) -> None:
        """Show how different both predictions are."""
        self.facts.setText(text)

    def say_doubts(self, doubts: Mapping[Role, str]) -> None:
        """Show each network's uncertainty in full; nothing where it has none."""
        for role, words in doubts.items():
            label = self._doubts[role]
            label.setText(f"{role.capitalize()}: {words}" if words else "")
            label.setVisible(bool(words))

    def _keep_width(self, _lowest: int, highest: int) -> None:
        """Put the scroll bar into the right margin, so that no word moves where it comes and goes."""
        self._rows.setContentsMargins(LEFT, theme.GRID, 0 if highest else theme.GRID, theme.GRID)

    def _head(self, words: str) -> None:
        head = QLabel(words)
        theme.styled(head, "small", "bold")
        self._rows.addSpacing(theme.GRID)
        self._rows.addWidget(head)

    def _show_chooser(self, shown: bool) -> None:
        self.choices.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        if self._chooser is not None:
            self._chooser.setVisible(shown)

    def _show_all_of_it(self, opened: bool) -> None:
        """Scroll what was opened into view, once it has its place."""
        chooser = self._chooser
        if opened and chooser is not None:
            QTimer.singleShot(0, chooser, lambda: self._scroll.ensureWidgetVisible(chooser, 0, theme.GRID))


def _words(name: str, *looks: str) -> QLabel:
    """Return a label whose words wrap, and can be copied with the mouse."""
    label = QLabel()
    label.setAccessibleName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    theme.styled(label, *looks)
    return label
