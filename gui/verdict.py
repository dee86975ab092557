"""What is kept of a comparison when the image is no longer on screen: a line of the worklist and of exports."""

from __future__ import annotations

from dataclasses import dataclass

from core.batch import Record, record_of
from core.comparison import Answer, Comparison
from core.medical_image import MedicalImage
from core.tasks import Task, get_task


@dataclass(frozen=True)
class Said:
    """What one model said.

    Attributes:
        name: the top class in words.
        confidence: its probability, in [0, 1].
        unsure: whether the model can't settle on one class.
        novel: whether the image is too unlike the training images to be judged.
    """

    name: str
    confidence: float
    unsure: bool
    novel: bool


@dataclass(frozen=True)
class Verdict:
    """What both said.

    Attributes:
        teacher: what the large network said.
        student: what the small one said.
        agree: whether both put the same class on top.
        divergence: Jensen-Shannon divergence of the two answers, in bits.
        record: everything, as the headless contract writes it.
    """

    teacher: Said
    student: Said
    agree: bool
    divergence: float
    record: Record

    @property
    def unsure(self) -> bool:
        """Whether either model can't settle on one class."""
        return self.teacher.unsure or self.student.unsure

    @property
    def novel(self) -> bool:
        """Whether either model can't judge the image."""
        return self.teacher.novel or self.student.novel


def verdict(image: MedicalImage, comparison: Comparison, notices: tuple[str, ...]) -> Verdict:
    """Return what is kept of a comparison."""
    task = get_task(comparison.teacher.bundle.card.task)
    return Verdict(
        _said(task, comparison.teacher),
        _said(task, comparison.student),
        comparison.same_class,
        comparison.js_divergence,
        record_of(image, comparison, notices),
    )


def _said(task: Task, answer: Answer) -> Said:
    p = answer.prediction
    return Said(
        name=task.class_name(p.predicted),
        confidence=p.confidence,
        unsure=p.is_unsure,
        novel=p.is_refused,
    )
