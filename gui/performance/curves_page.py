"""The pages *ROC* and *Calibration*: diagrams of both models, side by side as far as there is room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from core.compare.agreement import Interval
from core.performance.figures import Figures
from core.performance.observations import MODELS, Model, Reference
from core.reports.document import CONFIDENCE_AXIS, RELIABILITY_CAPTION, RIGHT_AXIS, Curve
from gui.common import theme
from gui.common.unit_square import ABOVE, BELOW, GAP, LEFT, SIDE, draw_axes, draw_curve, draw_reliability
from gui.common.wording import plural
from gui.performance.page import Page, column, note, scrolled
from gui.performance.words import RATERS, area

MOST_CLASSES = 40  # whose curves are drawn
LINE = 18  # height of a line of text under a diagram
STYLES: dict[Model, Qt.PenStyle] = {"teacher": Qt.PenStyle.SolidLine, "student": Qt.PenStyle.DashLine}


@dataclass(frozen=True)
class Plot:
    """One diagram.

    Attributes:
        title: what stands above it.
        across: the name of the horizontal axis.
        up: that of the vertical one.
        draw: draws what it shows into the square.
        lines: what stands under it, each in a colour.
    """

    title: str
    across: str
    up: str
    draw: Callable[[QPainter, QRectF], None]
    lines: tuple[tuple[str, theme.Role], ...]


class Plots(QWidget):
    """Diagrams in rows, as many beside each other as the width has room for."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._plots: Sequence[Plot] = ()

    def show_plots(self, plots: Sequence[Plot]) -> None:
        """Show other diagrams."""
        self._plots = plots
        words = ("; ".join([plot.title, *(text for text, _role in plot.lines)]) for plot in plots)
        self.setAccessibleDescription(". ".join(words))
        self._fit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put as many beside each other as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the diagrams."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell = self._cell()
        for i, plot in enumerate(self._plots):
            row, place = divmod(i, self._beside())
            box = QRectF(place * cell.width() + LEFT, row * cell.height() + ABOVE, SIDE, SIDE)
            draw_axes(painter, box, plot.title, plot.across, plot.up)
            plot.draw(painter, box)
            painter.setFont(theme.font(theme.SMALL))
            for line, (text, role) in enumerate(plot.lines):
                painter.setPen(theme.colour(role))
                place_of_line = QRectF(box.left(), box.bottom() + BELOW + line * LINE, box.width() + GAP, LINE)
                painter.drawText(place_of_line, Qt.AlignmentFlag.AlignVCenter, text)

    def _cell(self) -> QSize:
        lines = max((len(plot.lines) for plot in self._plots), default=0)
        return QSize(LEFT + SIDE + GAP, ABOVE + SIDE + BELOW + (lines + 1) * LINE)

    def _beside(self) -> int:
        return max(1, self.width() // self._cell().width())

    def _fit(self) -> None:
        rows = -(-len(self._plots) // self._beside())
        self.setMinimumSize(self._cell().width(), rows * self._cell().height())


class RocPage(Page):
    """The ROC curve of each class against the rest, of both models."""

    title = "ROC"

    def __init__(self) -> None:
        super().__init__()
        self.plots = Plots("ROC curves")
        self.words = note()
        self.words.setText(
            "Each class against all others, by its predicted probability. Teacher solid, student dashed."
        )
        column(self, scrolled(self.plots, "ROC curves"), self.words)
        self._texts: list[list[str]] = []

    def show_figures(self, found: Figures, reference: Reference | None) -> None:
        """Show the curves."""
        self._texts = [["class", "model", "false positive", "true positive"]]
        plots = []
        if reference is not None:
            scores = {model: found.scores[reference, model] for model in MODELS}
            for i, label in enumerate(found.observations.task.classes[:MOST_CLASSES]):
                curves = {model: curve for model in MODELS if (curve := scores[model].classes[i].roc) is not None}
                points = {
                    model: list(zip(curve.false_positive.tolist(), curve.true_positive.tolist(), strict=True))
                    for model, curve in curves.items()
                }
                self._texts += [
                    [label.id, model, f"{across:.6g}", f"{up:.6g}"]
                    for model, found_points in points.items()
                    for across, up in found_points
                ]
                lines: list[tuple[str, theme.Role]] = [
                    (f"{RATERS[model]}: AUROC {area(curve.interval)}", model) for model, curve in curves.items()
                ]
                count = scores["teacher"].classes[i].images
                lines.append((f"{plural(count, 'image')} of {scores['teacher'].images:,} are of it", "dim"))
                draw = partial(_draw_curves, points)
                plots.append(Plot(label.name, "1 − specificity, %", "sensitivity, %", draw, tuple(lines)))
        self.plots.show_plots(plots)

    def texts(self) -> list[list[str]]:
        """Return the points of the curves."""
        return self._texts

    def pictured(self) -> QWidget:
        """Return the diagrams."""
        return self.plots


class CalibrationPage(Page):
    """The reliability diagrams of both models."""

    title = "Calibration"

    def __init__(self) -> None:
        super().__init__()
        self.plots = Plots("Reliability diagrams")
        self.words = note()
        self.words.setText(RELIABILITY_CAPTION)
        column(self, scrolled(self.plots, "Reliability diagrams"), self.words)
        self._texts: list[list[str]] = []

    def show_figures(self, found: Figures, reference: Reference | None) -> None:
        """Show the diagrams."""
        self._texts = [["model", "mean confidence", "share right", "low", "high", "images"]]
        plots = []
        scored = {model: found.scores[reference, model] for model in MODELS} if reference is not None else {}
        for model, scores in scored.items():
            points = Curve("after", scores.ece, scores.bins).points()
            self._texts += [
                [model, *(f"{value:.6g}" for value in (mean, right.value, right.low, right.high)), str(one.images)]
                for (mean, right, _share), one in zip(points, scores.bins, strict=True)
            ]
            chance = 100 * scores.ece_by_chance
            above = 100 * scores.ece > chance
            lines: tuple[tuple[str, theme.Role], ...] = (
                (f"ECE {100 * scores.ece:.1f} %: {'more' if above else 'no more'} than chance explains", model),
                (f"Chance alone: below {chance:.1f} % ({plural(scores.images, 'image')})", "dim"),
            )
            draw = partial(_draw_points, points, model)
            plots.append(Plot(RATERS[model], CONFIDENCE_AXIS, RIGHT_AXIS, draw, lines))
        self.plots.show_plots(plots)

    def texts(self) -> list[list[str]]:
        """Return the points of the diagrams."""
        return self._texts

    def pictured(self) -> QWidget:
        """Return the diagrams."""
        return self.plots


def _draw_curves(points: Mapping[Model, list[tuple[float, float]]], painter: QPainter, box: QRectF) -> None:
    for model, curve in points.items():
        draw_curve(painter, box, curve, model, STYLES[model])


def _draw_points(points: Sequence[tuple[float, Interval, float]], model: Model, painter: QPainter, box: QRectF) -> None:
    draw_reliability(painter, box, points, model)
