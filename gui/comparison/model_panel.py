"""One of the two models: its name and prediction above the image, and the image with its heat map to the edge."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.compare.comparison import ModelResult
from core.explain import rendering
from core.explain.heatmap import HeatMap
from core.models.bundle import Bundle
from core.models.card import Role
from core.tasks import Task
from gui.common import theme, wording
from gui.common.elided_label import ElidedLabel
from gui.common.tab_order import in_order
from gui.common.tooltips import wrapped
from gui.comparison.display_controls import Display
from gui.comparison.image_view import ImageView
from gui.comparison.layouts import Layout
from gui.engine.image_pyramid import ScreenPicture

MAP_SIZE = 224  # heat maps are enlarged to it, then smoothly by the screen
THIN = 3  # height of the progress line
TINTS: dict[Role, tuple[int, int, int]] = {"teacher": rendering.TEACHER_RGB, "student": rendering.STUDENT_RGB}
HEADINGS: dict[Layout, str] = {"original": "ORIGINAL", "difference": "DIFFERENCE  Teacher − student"}

NOT_ALIKE = "No difference: the heat maps are for different classes"


class ModelPanel(QWidget):
    """The part of the comparison that belongs to the teacher or to the student.

    Attributes:
        role: ``teacher`` or ``student``.
        view: the image.
    """

    card_requested = Signal(str)
    revealed = Signal()  # the person wants the prediction in spite of the warning

    def __init__(self, role: Role, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.role: Role = role
        self._task: Task | None = None
        self._result: ModelResult | None = None
        self._insisted = False
        self._refining = False
        self._layout: Layout = "side"
        self._name = role.capitalize()
        self.setAccessibleName(self._name)

        self._kind = self._words(self._name.upper(), "small", "bold", role)
        self.title = self._words("–", "bold")
        self.card_button = QToolButton(self)
        self.card_button.setText("Model card")
        self.card_button.setToolTip("What this model was trained on, how it scored, and what it can't do")
        self.card_button.setAccessibleName(f"Model card of the {role}")
        theme.styled(self.card_button, "small", "dim", "slim")
        self.card_button.clicked.connect(lambda: self.card_requested.emit(role))
        self.prediction = self._words("–", "title", "bold")
        self.doubt = self._words("", "small", "warning")
        self.reveal_button = QPushButton("Show anyway", self)
        self.reveal_button.setAccessibleName(f"Show the {role}'s prediction anyway")
        theme.styled(self.reveal_button, "small", "slim")
        self.reveal_button.clicked.connect(self._reveal)

        self.view = ImageView(f"Image with the {role}'s heat map", self)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(THIN)
        self.progress.setAccessibleName(f"Progress of the {role}'s heat map")
        theme.styled(self.progress, role)
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.method = self._words("No heat map yet", "small", "dim")
        self.method.setToolTip(
            wrapped(
                "Feature maps scored by a forward pass, of all of the layer; the error is 1 − correlation.\n"
                "It shows which parts of the image raised the network's score for a class, and outlines no lesion."
            )
        )
        self._lay_out()
        self.clear()

    # what is shown

    def set_model(self, task: Task, bundle: Bundle | None) -> None:
        """Show which model this is, before any prediction."""
        self._task = task
        self.title.setText("not installed" if bundle is None else bundle.name)
        self.title.setToolTip(
            ""
            if bundle is None
            else f"{wording.counted(bundle.card.parameters)} parameters · {wording.counted(bundle.card.macs)} MACs"
        )
        self.card_button.setEnabled(bundle is not None)
        self.clear()

    def set_layout(self, layout: Layout) -> None:
        """Say in the heading what is shown: this model, the original or the difference; the prediction goes with it."""
        self._layout = layout
        heading = HEADINGS.get(layout)
        self._kind.setText(heading or self._name.upper())
        theme.styled(self._kind, "small", "bold", *(() if heading else (self.role,)))
        for part in (self.title, self.card_button, self._said):
            part.setVisible(heading is None)
        self.method.setVisible(layout != "original")
        self._say_method()
        self.view.set_swipe(layout == "swipe")
        self._show_reveal()

    def show_picture(self, picture: ScreenPicture | None, *, keep: bool = False) -> None:
        """Show a new image, without any prediction; ``keep`` as of :meth:`ImageView.show_picture`."""
        self.clear()
        self.view.show_picture(picture, keep=keep)

    def clear(self) -> None:
        """Forget the prediction."""
        self._result = None
        self._insisted = False
        self.prediction.setText("–")
        self.prediction.setToolTip("")
        self._say_doubt("")
        self._show_reveal()
        self.method.setText("No heat map yet")
        self.show_work(None)
        self.view.lay_over(None)
        self.view.outline([], 1)
        self.view.show_notices(())
        self.view.colour_bar.hide()
        self._describe()

    def show_work(self, heat_map: HeatMap | None, busy: bool = False, words: str = "") -> None:
        """Show how far the work is: a share on the way to an exact map, else that something is under way.

        Args:
            heat_map: as far as it is known.
            busy: whether it is still worked on.
            words: what is under way, in place of how a heat map was made.
        """
        if words:
            self.method.setText(words)
        self.progress.setVisible(busy)
        if heat_map is not None and heat_map.method.endswith("exact"):
            self.progress.setRange(0, heat_map.maps_total)
            self.progress.setValue(heat_map.maps_scored)
        else:
            self.progress.setRange(0, 0)

    def show_result(self, result: ModelResult, refining: bool) -> None:
        """Show a prediction; hidden behind a button where the image is outside the training data."""
        if self._task is None:
            return
        self._result, self._refining = result, refining
        prediction, heat_map = result.prediction, result.heat_map
        self.view.show_notices(prediction.notices)
        if heat_map is None:
            self.method.setText("No heat map yet" if refining else "No heat map")
        self._say_prediction()
        self._say_method()
        self.show_work(heat_map, refining)

    @property
    def result(self) -> ModelResult | None:
        """What the model found, None without a prediction."""
        return self._result

    @property
    def withheld(self) -> bool:
        """Whether the prediction is hidden because the image is outside the training data."""
        return self._result is not None and not self._insisted and self._result.prediction.is_out_of_distribution

    def shown_result(self) -> ModelResult | None:
        """Return the prediction as it is shown: withheld where it is hidden, without a heat map that is not shown."""
        if self._result is None:
            return None
        heat_map = None if self.values() is None else self._result.heat_map
        return replace(self._result, withheld=self.withheld, heat_map=heat_map)

    def values(self) -> rendering.FloatArray | None:
        """Return the heat map, shape (MAP_SIZE, MAP_SIZE) in [0, 1], or None where there is none to show.

        One whose estimated error is too large is not shown.
        """
        heat_map = None if self._result is None or self.withheld else self._result.drawn_map
        return None if heat_map is None else heat_map.resized(MAP_SIZE, MAP_SIZE)

    def draw(
        self,
        display: Display,
        teacher: rendering.FloatArray | None,
        student: rendering.FloatArray | None,
        *,
        alike: bool = True,
    ) -> None:
        """Draw the heat map over the image, the difference of both, or nothing over the original.

        Args:
            display: how it is shown.
            teacher: the teacher's heat map from :meth:`values`.
            student: the student's.
            alike: whether both are for the same class; else there is no difference to draw.
        """
        both: dict[Role, rendering.FloatArray | None] = {"teacher": teacher, "student": student}
        own, layer = both[self.role], None
        drawn: list[Role] = [self.role]
        if self._layout == "original":
            drawn = []
        elif self._layout == "difference":
            drawn = ["teacher", "student"]
            self.method.setText("" if alike else NOT_ALIKE)
            if display.overlay and alike and teacher is not None and student is not None:
                layer = rendering.difference(teacher, student, max(display.opacity, 0.2))
                self.view.colour_bar.show_difference()
        elif display.overlay and own is not None:
            layer = rendering.coloured(own, display.colour_map, display.opacity * self._strength(), display.threshold)
            self.view.colour_bar.show_map(display.colour_map)
        self.view.lay_over(layer)
        if layer is None:
            self.view.colour_bar.hide()
        outlines = []
        for side in drawn if display.contour else []:
            values = both[side]
            if values is not None:
                tint = QColor(*TINTS[side])
                outlines += [(polygon, tint) for polygon in rendering.contours(values)]
        self.view.outline(outlines, MAP_SIZE)
        self._describe()

    def _strength(self) -> float:
        """Return the share of its opacity that a heat map is drawn with; one that is still being refined is fainter."""
        heat_map = None if self._result is None else self._result.heat_map
        return 1.0 if heat_map is None or not self._refining else 1 - heat_map.estimated_error

    # words

    def _say_prediction(self) -> None:
        if self._result is None or self._task is None:
            return
        prediction = self._result.prediction
        self._show_reveal()
        if self.withheld:
            self.prediction.setText("–")
            self.prediction.setToolTip("")
            reason = "" if prediction.novelty is None else prediction.novelty.reason
            self._say_doubt(f"Not assessable: outside the training data. {reason}".strip())
            return
        self.prediction.setText(wording.headline(self._task, prediction))
        self.prediction.setToolTip(
            wrapped(
                f"{wording.top_class(self._task, prediction)}\n{wording.timing(prediction)}\n"
                f"Median of {prediction.latency.runs} forward passes at batch 1; “in all” adds the preparation of the"
                " image."
            )
        )
        shown_anyway = "Shown anyway: outside the training data" if prediction.is_out_of_distribution else ""
        self._say_doubt(shown_anyway or wording.doubt(self._task, prediction))

    def _say_doubt(self, words: str) -> None:
        self.doubt.setText(f"⚠ {words}" if words else "")

    def _say_method(self) -> None:
        """Show which class the heat map supports; nothing of the prediction while that is hidden."""
        if self._layout == "difference":
            self.method.clear()
        if self._layout == "difference" or self._result is None or self._task is None or self._result.heat_map is None:
            return
        heat_map = self._result.heat_map
        if self.withheld:
            self.method.setText("Heat map hidden")
            return
        name = wording.class_name(self._task, self._result.prediction.class_ids[heat_map.class_index])
        if heat_map.is_known:
            self.method.setText(wording.method(name, heat_map))
        elif self._refining:
            self.method.setText(f"Evidence for {name}: heat map not precise enough yet")
        else:
            self.method.setText(f"Evidence for {name}: heat map not precise enough; choose Score-CAM exact")

    def _describe(self) -> None:
        """Tell a screen reader with the image what is read beside it."""
        words = (self.prediction.text(), self.doubt.text(), self.method.text())
        self.view.setAccessibleDescription(". ".join(filter(None, words)))

    def _show_reveal(self) -> None:
        self.reveal_button.setVisible(self.withheld and self._layout not in HEADINGS)

    def _reveal(self) -> None:
        self._insisted = True
        self._say_prediction()
        self._say_method()
        self.revealed.emit()

    # laying out

    def _words(self, text: str, *looks: str) -> ElidedLabel:
        label = ElidedLabel(text, self)
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.styled(label, *looks)
        return label

    def _lay_out(self) -> None:
        baseline = Qt.AlignmentFlag.AlignBaseline
        heading = QHBoxLayout()
        heading.setSpacing(theme.GRID)
        heading.addWidget(self._kind, 0, baseline)
        heading.addWidget(self.title, 0, baseline)
        heading.addStretch(1)
        heading.addWidget(self.card_button)
        self._said = QWidget(self)
        headline = QHBoxLayout(self._said)
        headline.setContentsMargins(0, 0, 0, 0)
        headline.setSpacing(theme.GRID)
        headline.addWidget(self.prediction, 0, baseline)
        self.doubt.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        headline.addWidget(self.doubt, 1, baseline)
        headline.addWidget(self.reveal_button)
        head = QVBoxLayout()
        head.setContentsMargins(theme.GRID, 2, theme.GRID, 4)
        head.setSpacing(0)
        head.addLayout(heading)
        head.addWidget(self._said)
        self.method.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.method.setContentsMargins(theme.GRID, 0, theme.GRID, 0)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 2)
        whole.setSpacing(0)
        whole.addLayout(head)
        whole.addWidget(self.view, 1)
        whole.addWidget(self.progress)
        whole.addWidget(self.method)
        in_order(self.card_button, self.reveal_button, self.view)
