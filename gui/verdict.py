"""What is kept of a comparison when the image is no longer on screen: a line of the worklist and of exports."""

from __future__ import annotations

from dataclasses import dataclass

from core.batch import Record, record_of
from core.comparison import Comparison
from core.medical_image import MedicalImage
from core.tasks import Task, get_task, guess_task
from gui.wording import class_name


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
        own_task: identifier of the task that the image itself tells, whichever was chosen.
    """

    teacher: Said
    student: Said
    agree: bool
    divergence: float
    record: Record
    own_task: str

    @property
    def disagree(self) -> bool:
        """Whether they disagree; an answer that is withheld neither agrees nor disagrees."""
        return not self.agree and not self.novel

    @property
    def unsure(self) -> bool:
        """Whether a model can't settle on one class; one whose answer is withheld settles on none."""
        return any(said.unsure and not said.novel for said in (self.teacher, self.student))

    @property
    def novel(self) -> bool:
        """Whether either model can't judge the image."""
        return self.teacher.novel or self.student.novel


def verdict(image: MedicalImage, comparison: Comparison, notices: tuple[str, ...]) -> Verdict:
    """Return what is kept of a comparison."""
    return verdict_of(record_of(image, comparison, notices), guess_task(image.is_grey).id)


def verdict_of(record: Record, own_task: str) -> Verdict:
    """Return what is kept of a comparison from its record.

    Raises:
        KeyError: if something is missing in it.
        UsageError: if there is no such task.
    """
    task = get_task(record["task"])
    return Verdict(
        _said(task, record["teacher"]),
        _said(task, record["student"]),
        record["agreement"]["same_class"],
        record["agreement"]["js_divergence"],
        record,
        own_task,
    )


def _said(task: Task, answer: Record) -> Said:
    plausible = answer["plausible"]
    return Said(
        name=class_name(task, answer["predicted"]),
        confidence=answer["probabilities"][answer["predicted"]],
        unsure=plausible is not None and len(plausible) != 1,
        novel=bool(answer["novel"]),
    )
