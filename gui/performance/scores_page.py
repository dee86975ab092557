"""The pages *Scores*, *Agreement* and *Groups*: tables of figures with their intervals."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt

from core.compare.agreement import Interval, too_few
from core.performance.figures import Figures
from core.performance.observations import MODELS, PairAgreement, Reference
from core.performance.scores import FEW_OF_CLASS, ClassScores, ModelScores
from gui.common import theme
from gui.common.figure_table import Cell, FigureTable, Row
from gui.common.input_boxes import ComboBox
from gui.common.wording import plural
from gui.performance.page import Page, column, note
from gui.performance.words import RATERS, area, kappa, p_value, points, share


class ScoresPage(Page):
    """What both models scored against labels or readings: of all classes, then of each."""

    title = "Scores"

    def __init__(self) -> None:
        super().__init__()
        self.table = FigureTable("Scores of teacher and student", ("Measure", "Images", "Teacher", "Student"))
        self.caution = note()
        column(self, self.table, self.caution)

    def show_figures(self, found: Figures, reference: Reference | None) -> None:
        """Show the scores."""
        if reference is None:
            self.table.show_rows([])
            self.caution.setText("")
            return
        teacher, student = found.scores[reference, "teacher"], found.scores[reference, "student"]
        rows: list[Row] = [*_whole(teacher, student)]
        for label, one, other in zip(found.observations.task.classes, teacher.classes, student.classes, strict=True):
            rows += [[Cell(label.name, tip=label.id, strong=True)], *_class(one, other)]
        self.table.show_rows(rows)
        words = [f"Only {plural(teacher.images, 'image')} in all: too few to compare models by."] * bool(
            too_few(teacher.images)
        )
        words += [f"Classes with fewer than {FEW_OF_CLASS} images (⚠) say nothing."] * any(
            one.few for one in teacher.classes
        )
        self.caution.setText("⚠ " + " ".join(words) if words else "")
        theme.styled(self.caution, "small", "warning")

    def texts(self) -> list[list[str]]:
        """Return the table."""
        return self.table.texts()


class AgreementPage(Page):
    """How teacher, student and reader agree, two by two, and which of two is right more often."""

    title = "Agreement"

    def __init__(self) -> None:
        super().__init__()
        heads = ("Who", "Images", "Same class", "Cohen's kappa", "Right alone", "McNemar p", "Accuracy, difference")
        self.table = FigureTable("Agreement of teacher, student and reader", heads)
        self.words = note()
        self.words.setText(
            "McNemar's exact test counts labelled images that only one of the two got right; a difference with p ≥ "
            "0.05 may be chance. A reading that names no class does not count."
        )
        column(self, self.table, self.words)

    def show_figures(self, found: Figures, reference: Reference | None) -> None:
        """Show the pairs."""
        self.table.show_rows([_pair(pair) for pair in found.pairs])

    def texts(self) -> list[list[str]]:
        """Return the table."""
        return self.table.texts()


class GroupsPage(Page):
    """The accuracy of both models, and how they agree, in each group of images."""

    title = "Groups"

    def __init__(self) -> None:
        super().__init__()
        self.box = ComboBox()
        self.box.setAccessibleName("What images are grouped by")
        self.box.setToolTip(self.box.accessibleName())
        self.box.currentIndexChanged.connect(self._fill)
        heads = (
            "Group", "Images", "Accuracy, teacher", "Accuracy, student", "Macro F1, teacher", "Macro F1, student",
            "Same class",
        )  # fmt: skip
        self.table = FigureTable("Scores by group", heads)
        self.words = note()
        layout = column(self, self.table, self.words)
        layout.insertWidget(0, self.box, 0, Qt.AlignmentFlag.AlignLeft)
        self._found: Figures | None = None
        self._reference: Reference | None = None

    def show_figures(self, found: Figures, reference: Reference | None) -> None:
        """Show the groups."""
        self._found, self._reference = found, reference
        chosen = self.box.currentData()
        self.box.blockSignals(True)
        self.box.clear()
        for name in found.groups:
            self.box.addItem(f"By {name.replace('_', ' ').lower()}", name)
        self.box.setCurrentIndex(max(0, self.box.findData(chosen)))
        self.box.blockSignals(False)
        self.box.setVisible(bool(found.groups))
        self.words.setText(
            "⚠ stands by groups of fewer than 10 images: their figures say nothing. Many groups make one look odd by "
            "chance."
            if found.groups
            else "There is nothing to group these images by. Further columns of a manifest.csv, e.g. population or "
            "source, state groups; folders, the modality and the format of the files serve, too."
        )
        self._fill()

    def texts(self) -> list[list[str]]:
        """Return the table."""
        return self.table.texts()

    def _fill(self) -> None:
        groups = {} if self._found is None else self._found.groups.get(self.box.currentData() or "", {})
        self.table.show_rows([_group(value, found, self._reference) for value, found in groups.items()])


def _whole(teacher: ModelScores, student: ModelScores) -> list[Row]:
    count = f"{teacher.images:,}"

    def row(name: str, tip: str, words: Callable[[ModelScores], str]) -> Row:
        return [Cell(name, tip), count, *_both(words(teacher), words(student))]

    return [
        row("Accuracy", "Share of images whose most probable class is right", lambda one: share(one.accuracy)),
        row("Macro F1", "Mean of F1 over the classes that occur", lambda one: share(one.macro_f1)),
        row("AUROC", "Mean over the classes, each against the rest", lambda one: area(one.auroc)),
        row("Cohen's kappa", "Of predictions and known classes", lambda one: kappa(one.kappa)),
        row("Calibration error (ECE)", "See the page Calibration", lambda one: f"{100 * one.ece:.1f} %"),
        row("Brier score", "Of all classes, from 0 (perfect) to 2", lambda one: f"{one.brier:.3f}"),
    ]


def _class(teacher: ClassScores, student: ClassScores) -> list[Row]:
    count = f"{'⚠ ' if teacher.few else ''}{teacher.images:,}"

    def row(name: str, tip: str, words: Callable[[ClassScores], str]) -> Row:
        return [Cell(f"    {name}", tip), count, *_both(words(teacher), words(student))]

    def roc(one: ClassScores) -> Interval | None:
        return None if one.roc is None else one.roc.interval

    return [
        row("Sensitivity (recall)", "Share of its images that are predicted as it", lambda one: share(one.sensitivity)),
        row("Specificity", "Share of the others that are not predicted as it", lambda one: share(one.specificity)),
        row("Precision", "Share of the predictions of it that are right", lambda one: share(one.precision)),
        row("AUROC", "Against all other classes", lambda one: area(roc(one))),
    ]


def _both(teacher: str, student: str) -> tuple[Cell, Cell]:
    return Cell(teacher, look="teacher"), Cell(student, look="student")


def _pair(pair: PairAgreement) -> Row:
    test, labelled = pair.test, plural(pair.labelled, "image")
    return [
        f"{RATERS[pair.first]} and {RATERS[pair.second].lower()}",
        f"{pair.images:,}",
        share(pair.agreement),
        kappa(pair.kappa),
        "–" if test is None else Cell(f"{test.first_only:,} : {test.second_only:,}", f"Of {labelled}"),
        "–" if test is None else p_value(test.p_value),
        points(pair.difference),
    ]


def _group(value: str, found: Figures, reference: Reference | None) -> Row:
    scores = [None if reference is None else found.scores.get((reference, model)) for model in MODELS]
    count = found.observations.images
    known = 0 if scores[0] is None else scores[0].images
    few = "⚠ " if (known or count) < FEW_OF_CLASS else ""
    same = next((pair.agreement for pair in found.pairs), None)
    return [
        value,
        f"{few}{count:,}" if known in (0, count) else f"{few}{known:,} of {count:,}",
        *_both(*("–" if one is None else share(one.accuracy) for one in scores)),
        *_both(*("–" if one is None else share(one.macro_f1) for one in scores)),
        share(same),
    ]
