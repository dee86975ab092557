"""Performance of both models on the worklist: agreement, and scores with intervals where folders state the labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from core.compare.agreement import Interval, Scores, Tally, too_few
from core.compare.ground_truth import Labels
from core.tasks import Task, get_task
from gui.common import theme
from gui.engine.result import FileResult

WIDTH = 720  # of the dialog, in logical pixels


@dataclass(frozen=True)
class TaskScores:
    """What was found over the images of one task.

    Attributes:
        task: the task.
        images: how many were compared.
        agreement: how often both predicted the same class.
        kappa: Cohen's kappa of the two, or None.
        labelled: how many have a known label.
        scores: of teacher and student on those, None where there are none.
        withheld: images whose prediction is withheld, which count nowhere.
    """

    task: Task
    images: int
    agreement: Interval
    kappa: float | None
    labelled: int
    scores: tuple[Scores, Scores] | None
    withheld: int


def tallied(results: list[tuple[Path, FileResult]]) -> list[TaskScores]:
    """Return what was found, by task; reads manifests, so not in the window's thread.

    Args:
        results: the images with their results; where a prediction is withheld, they are only counted.
    """
    labels = Labels()
    tallies: dict[str, Tally] = {}
    withheld: Counter[str] = Counter()
    for path, result in results:
        record = result.record
        if result.novel:
            withheld[record.task] += 1
            continue
        task = get_task(record.task)
        tally = tallies.setdefault(task.id, Tally(task))
        label = labels.of(path.absolute(), task)
        tally.add(record.teacher.predicted, record.student.predicted, label)
    return [
        TaskScores(t.task, t.images, t.agreement, t.kappa, t.labelled, t.scores(), withheld[t.task.id])
        for t in tallies.values()
    ]


class ScoresDialog(QDialog):
    """Shows the scores of each task."""

    def __init__(self, found: list[TaskScores], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Performance")
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(16)
        for scores in found:
            self._add_task(page, scores)
        caution = QLabel(
            "95 % intervals: Wilson's for shares, a posterior for F1. Selection bias is not included: images like "
            "those of the training raise the scores of both models."
        )
        caution.setWordWrap(True)
        theme.styled(caution, "small", "dim")
        page.addWidget(caution)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        page.addWidget(buttons)
        self.setMinimumWidth(WIDTH)
        self.resize(WIDTH, page.heightForWidth(WIDTH))

    def _add_task(self, page: QVBoxLayout, found: TaskScores) -> None:
        page.addWidget(theme.styled(QLabel(found.task.name), "title"))
        kappa = "" if found.kappa is None else f" · Cohen's kappa {found.kappa:.2f}"
        words = "Teacher and student agree on {0} of {1} images: {2}{3}"
        same = round(found.agreement.value * found.images)
        agreement = QLabel(words.format(f"{same:,}", f"{found.images:,}", found.agreement, kappa))
        agreement.setWordWrap(True)
        page.addWidget(agreement)
        if found.withheld:
            left_out = "Not counted: {0} images that are not assessable, outside the training data."
            if found.withheld == 1:
                left_out = "Not counted: an image that is not assessable, outside the training data."
            page.addWidget(theme.styled(QLabel(left_out.format(f"{found.withheld:,}")), "dim"))
        if found.scores is None:
            classes = ", ".join(found.task.class_ids)
            missing = QLabel(
                f"No labels are known. Folders named after the classes ({classes}), or a manifest.csv with the "
                        "columns path and label beside the images, state them."
            )  # fmt: skip
            missing.setWordWrap(True)
            theme.styled(missing, "dim")
            page.addWidget(missing)
            return
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        head = f"Against {found.labelled:,} labelled images"
        for column, (text, look) in enumerate(((head, "dim"), ("Teacher", "teacher"), ("Student", "student"))):
            grid.addWidget(theme.styled(QLabel(text), "small" if column == 0 else "bold", look), 0, column)
        teacher, student = found.scores
        rows = [
            ("Accuracy", teacher.accuracy, student.accuracy),
            ("Macro F1", teacher.macro_f1, student.macro_f1),
        ]
        rows += [
            (f"Recall, {found.task.class_name(label)}", teacher.recall[label], student.recall[label])
            for label in teacher.recall
        ]
        for row, (name, *intervals) in enumerate(rows, 1):
            grid.addWidget(QLabel(name), row, 0)
            for column, interval in enumerate(intervals, 1):
                cell = QLabel(str(interval))
                cell.setAccessibleName(f"{name}: {interval}")
                cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(cell, row, column)
        grid.setColumnStretch(0, 1)
        page.addLayout(grid)
        if too_few(found.labelled):
            words = "⚠ Only {0} labelled images: too few to compare models by."
            page.addWidget(theme.styled(QLabel(words.format(f"{found.labelled:,}")), "warning"))
