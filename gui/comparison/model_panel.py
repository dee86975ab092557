"""One of the two models: its name, the image with its heat map, its prediction and how long that took."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.compare.comparison import ModelResult
from core.explain import rendering
from core.explain.heatmap import HeatMap
from core.models.bundle import Bundle
from core.models.card import Role
from core.tasks import ClassLabel, Task
from gui.common import theme, wording
from gui.common.elided_label import ElidedLabel
from gui.common.tab_order import in_order
from gui.comparison.display_controls import Display
from gui.comparison.image_view import ImageView
from gui.comparison.probability_chart import ProbabilityChart
from gui.engine.image_pyramid import ScreenPicture

MAP_SIZE = 224  # heat maps are enlarged to it, then smoothly by the screen
THIN = 3  # height of the progress line


class ModelPanel(QWidget):
    """The half of the comparison that belongs to the teacher or to the student.

    Attributes:
        role: ``teacher`` or ``student``.
        view: the image.
        chart: the probabilities.
    """

    class_chosen = Signal(int)
    card_requested = Signal(str)
    revealed = Signal()  # the person wants the prediction in spite of the warning

    def __init__(self, role: Role, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.role: Role = role
        self._task: Task | None = None
        self._result: ModelResult | None = None
        self._insisted = False
        self._refining = False
        kind = "Teacher" if role == "teacher" else "Student"
        self.setAccessibleName(kind)

        self._kind = self._words(kind.upper(), "small", "bold", role)
        self.title = self._words("–", "title")
        self._size = self._words("", "small", "dim")
        self.card_button = QToolButton(self)
        self.card_button.setText("Model card")
        self.card_button.setToolTip("What this model was trained on, how it scored, and what it can't do")
        self.card_button.setAccessibleName(f"Model card of the {kind.lower()}")
        theme.styled(self.card_button, "small", "dim")
        self.card_button.clicked.connect(lambda: self.card_requested.emit(role))

        self.view = ImageView(f"Image with the {kind.lower()}'s heat map", self)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(THIN)
        self.progress.setAccessibleName(f"Progress of the {kind.lower()}'s heat map")
        theme.styled(self.progress, role)
        self._keep_place(self.progress)
        self.method = self._words("No heat map yet", "small", "dim")
        self.method.setToolTip(
            "Feature maps scored by a forward pass, of all of the layer; the error is 1 − correlation"
        )
        self._caution = self._words("Explains the model; does not outline disease", "small", "dim")
        self._caution.setToolTip(
            "A saliency map shows which parts of the image raised the network's score for a class. It can light up"
            " on text, tubes or the border, and it does not outline a lesion."
        )

        self.prediction = self._words("–", "title", "bold")
        self.doubt = self._words("", "small", "warning")
        self.chart = ProbabilityChart(role, self)
        self.chart.class_chosen.connect(self.class_chosen)
        self.timing = self._words("", "small", "dim")
        self.reason = QLabel(self)
        self.reason.setTextFormat(Qt.TextFormat.PlainText)
        self.reason.setWordWrap(True)
        theme.styled(self.reason, "warning")
        self.reveal_button = QPushButton("Show anyway", self)
        self.reveal_button.clicked.connect(self._reveal)
        self.pages = QStackedWidget(self)
        self.pages.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._lay_out()
        self.clear()

    # what is shown

    def set_model(self, task: Task, bundle: Bundle | None) -> None:
        """Show which model this is, before any prediction."""
        self._task = task
        # the network's own order, which an imported model may have differently from the task
        labels = task.class_ids if bundle is None else bundle.card.classes
        self.chart.set_classes([ClassLabel(id=label, name=wording.class_name(task, label)) for label in labels])
        in_order(self.view, *self.chart.names, self.reveal_button)  # new ones come last of the whole window
        self.title.setText("not installed" if bundle is None else bundle.name)
        self._size.setText(
            ""
            if bundle is None
            else f"{wording.counted(bundle.card.parameters)} parameters · {wording.counted(bundle.card.macs)} MACs"
        )
        self.card_button.setEnabled(bundle is not None)
        self.clear()

    def show_picture(self, picture: ScreenPicture | None) -> None:
        """Show a new image, without any prediction."""
        self.clear()
        self.view.show_picture(picture)

    def clear(self) -> None:
        """Forget the prediction."""
        self._result = None
        self._insisted = False
        self.prediction.setText("–")
        self.doubt.clear()
        self.timing.clear()
        self.method.setText("No heat map yet")
        self.chart.clear()
        self.pages.setCurrentIndex(0)
        self.show_work(None)
        self.view.lay_over(None)
        self.view.outline([], 1)
        self.view.show_notices(())
        self.view.colour_bar.hide()

    def show_work(self, heat_map: HeatMap | None, busy: bool = False) -> None:
        """Show how far the work is: a share on the way to an exact map, else that something is under way."""
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
        self.prediction.setText(wording.top_class(self._task, prediction))
        reason = wording.doubt(self._task, prediction)
        self.doubt.setText(f"⚠ {reason}" if reason else "")
        self.doubt.setToolTip(reason)
        self.timing.setText(wording.timing(prediction))
        self.view.show_notices(prediction.notices)
        self.timing.setToolTip(
            f"Median of {prediction.latency.runs} forward passes at batch 1; “in all” adds the preparation "
            "of the image."
        )
        if heat_map is None:
            self.method.setText("No heat map yet" if refining else "No heat map")
        self._say_method()
        self.chart.show_probabilities(prediction.probabilities, None if heat_map is None else heat_map.class_index)
        self.show_work(heat_map, refining)
        if prediction.novelty is not None and prediction.is_out_of_distribution:
            self.reason.setText("⚠ Not assessable: outside the training data.")
            if prediction.novelty.reason:
                self.reason.setText(f"{self.reason.text()} {prediction.novelty.reason}")
        self.pages.setCurrentIndex(1 if self.withheld else 0)

    def _say_method(self) -> None:
        """Show which class the heat map supports; nothing of the prediction while that is hidden."""
        if self._result is None or self._task is None or self._result.heat_map is None:
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
            words = f"Evidence for {name}: heat map not precise enough; choose Score-CAM exact"
            self.method.setText(words)

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

    def _strength(self) -> float:
        """Return the share of its opacity that a heat map is drawn with; one that is still being refined is fainter."""
        heat_map = None if self._result is None else self._result.heat_map
        return 1.0 if heat_map is None or not self._refining else 1 - heat_map.estimated_error

    def draw(
        self, display: Display, teacher: rendering.FloatArray | None, student: rendering.FloatArray | None
    ) -> None:
        """Draw the heat map, or the difference of both, over the image.

        Args:
            display: what is shown and how.
            teacher: the teacher's heat map from :meth:`values`.
            student: the student's.
        """
        both = {"teacher": teacher, "student": student}
        own = both[self.role]
        layer, drawn = None, [self.role]
        if display.difference and teacher is not None and student is not None:
            drawn = ["teacher", "student"]
            if display.overlay:
                layer = rendering.difference(teacher, student, max(display.opacity, 0.2))
                self.view.colour_bar.show_difference()
        elif display.overlay and own is not None:
            layer = rendering.coloured(own, display.colour_map, display.opacity * self._strength(), display.threshold)
            self.view.colour_bar.show_map(display.colour_map)
        self.view.lay_over(layer)
        if layer is None:
            self.view.colour_bar.hide()
        tints = {"teacher": rendering.TEACHER_RGB, "student": rendering.STUDENT_RGB}
        outlines = []
        for side in drawn if display.contour else []:
            values = both[side]
            if values is not None:
                tint = QColor(*tints[side])
                outlines += [(polygon, tint) for polygon in rendering.contours(values)]
        self.view.outline(outlines, MAP_SIZE)

    def set_narrow(self, narrow: bool) -> None:
        """Show the probabilities small, or as usual."""
        self.chart.set_small(narrow)

    def set_stacked(self, stacked: bool) -> None:
        """Put the uncertainty under the prediction, or beside it."""
        directions = QBoxLayout.Direction
        self._said.setDirection(directions.TopToBottom if stacked else directions.LeftToRight)
        self._said.setSpacing(0 if stacked else theme.GRID)

    def fits_in_one_line(self, width: int) -> bool:
        """Return whether prediction and uncertainty fit beside each other in so many pixels."""
        words = [label.fontMetrics().horizontalAdvance(label.text()) for label in (self.prediction, self.doubt)]
        return sum(words) + 4 * theme.GRID <= width

    def set_low(self, low: bool) -> None:
        """Leave out two lines that can be found elsewhere, where there is little height, or show them again."""
        for line in (self._caution, self.timing):
            line.setVisible(not low)

    def _reveal(self) -> None:
        self._insisted = True
        self._say_method()
        self.pages.setCurrentIndex(0)
        self.revealed.emit()

    # laying out

    def _words(self, text: str, *looks: str) -> ElidedLabel:
        label = ElidedLabel(text, self)
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        if "title" in looks or "bold" in looks:
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.styled(label, *looks)
        return label

    @staticmethod
    def _keep_place(widget: QWidget) -> None:
        policy = widget.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        widget.setSizePolicy(policy)

    def _lay_out(self) -> None:
        heading = QHBoxLayout()
        heading.setSpacing(theme.GRID)
        for word in (self._kind, self.title):
            heading.addWidget(word, 0, Qt.AlignmentFlag.AlignBaseline)
        heading.addWidget(self._size, 1, Qt.AlignmentFlag.AlignBaseline)
        heading.addWidget(self.card_button)
        heading.setContentsMargins(theme.GRID, 0, theme.GRID, 0)

        under = QVBoxLayout()
        under.setContentsMargins(theme.GRID, 0, theme.GRID, 0)
        under.setSpacing(0)
        under.addWidget(self.method)
        under.addWidget(self._caution)

        shown = QWidget(self)
        rows = QVBoxLayout(shown)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        self._said = line = QHBoxLayout()
        line.setSpacing(theme.GRID)
        line.addWidget(self.prediction, 0, Qt.AlignmentFlag.AlignBaseline)
        line.addWidget(self.doubt, 1, Qt.AlignmentFlag.AlignBaseline)
        rows.addLayout(line)
        rows.addWidget(self.chart)
        rows.addWidget(self.timing)
        warned = QWidget(self)
        column = QVBoxLayout(warned)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.reason)
        column.addWidget(self.reveal_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        self.pages.addWidget(shown)
        self.pages.addWidget(warned)

        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 4, 0, 4)
        whole.setSpacing(4)
        whole.addLayout(heading)
        whole.addWidget(self.view, 1)
        whole.addWidget(self.progress)
        whole.addLayout(under)
        below = QHBoxLayout()
        below.setContentsMargins(theme.GRID, 0, theme.GRID, 0)
        below.addWidget(self.pages)
        whole.addLayout(below)
