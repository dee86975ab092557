"""The result of a comparison, kept when the image is no longer on screen: a line of the worklist and of exports."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.compare.comparison import Comparison
from core.compare.ground_truth import Labels
from core.compare.record import ComparisonRecord, PredictionRecord, record_of
from core.images.medical_image import MedicalImage
from core.models.bundle import Bundle
from core.names import path_from
from core.tasks import Task, get_task
from gui.common.wording import class_name


@dataclass(frozen=True)
class ModelSummary:
    """One model's prediction, as the worklist shows it.

    Attributes:
        name: the top class in words.
        confidence: its probability, in [0, 1].
        uncertain: whether more than one class stays plausible, or none.
        novel: whether the image is not assessable: outside the training data.
    """

    name: str
    confidence: float
    uncertain: bool
    novel: bool


@dataclass(frozen=True)
class FileResult:
    """Both predictions.

    Attributes:
        teacher: the large network's prediction.
        student: the small network's.
        agree: whether both put the same class on top.
        divergence: Jensen-Shannon divergence of the two predictions, in bits.
        record: the whole record.
        own_task: identifier of the task that the image resembles, whichever was chosen.
        models: what tells the teacher and the student from others, see :func:`model_digest`.
        label: the true class, where a folder or a manifest states it.
    """

    teacher: ModelSummary
    student: ModelSummary
    agree: bool
    divergence: float
    record: ComparisonRecord
    own_task: str
    models: tuple[str, str]
    label: str | None = None

    @property
    def disagree(self) -> bool:
        """Whether they disagree; a prediction that is withheld neither agrees nor disagrees."""
        return not self.agree and not self.novel

    @property
    def uncertain(self) -> bool:
        """Whether a prediction that is not withheld is uncertain."""
        return any(one.uncertain and not one.novel for one in (self.teacher, self.student))

    @property
    def novel(self) -> bool:
        """Whether the image is not assessable for one of the models."""
        return self.teacher.novel or self.student.novel


def file_result(
    image: MedicalImage, comparison: Comparison, own_task: str | None = None, labels: Labels | None = None
) -> FileResult:
    """Return the result of a comparison.

    Args:
        image: the image.
        comparison: both models on it.
        own_task: identifier of the task that the image resembles; None where it is the one of the models.
        labels: looks up its true class.
    """
    models = model_digest(comparison.teacher.bundle), model_digest(comparison.student.bundle)
    own_task = own_task or comparison.teacher.bundle.card.task
    return result_of_record(record_of(image, comparison), own_task, models, labels or Labels())


def model_digest(bundle: Bundle) -> str:
    """Return a SHA-256 of all that a model's prediction depends on.

    It is of its card, which names the digests of its weights and its novelty gate, and holds its temperature and rule.
    """
    return hashlib.sha256(bundle.card.model_dump_json().encode()).hexdigest()


def result_of_record(record: ComparisonRecord, own_task: str, models: tuple[str, str], labels: Labels) -> FileResult:
    """Return the result of a comparison from its record, with the true class as the folders state it now.

    Raises:
        UsageError: if there is no such task.
    """
    task = get_task(record.task)
    return FileResult(
        _summary(task, record.teacher),
        _summary(task, record.student),
        record.agreement.same_class,
        record.agreement.js_divergence,
        record,
        own_task,
        models,
        labels.of(path_from(record.path).absolute(), task),
    )


def _summary(task: Task, prediction: PredictionRecord) -> ModelSummary:
    return ModelSummary(
        name=class_name(task, prediction.predicted),
        confidence=prediction.confidence,
        uncertain=prediction.is_uncertain,
        novel=bool(prediction.novel),
    )
