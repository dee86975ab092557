"""The stages through which each of many files goes: opened, predicted, explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from core.compare.classifier import NetworkInput, Output, Prediction, network_input
from core.compare.comparison import Comparison, ModelResult
from core.compare.record import record_of
from core.compare.session import BundlePair, Choice, Compared, ComparisonSession, Models, Predicted
from core.explain.scorecam import Depth
from core.images.medical_image import MedicalImage
from core.images.reader import read_image


@dataclass(frozen=True, eq=False)
class OpenedFile:
    """A file that was read, with what the networks take.

    Attributes:
        path: the file.
        image: the opened image.
        pair: the bundles that are compared on it.
        teacher: the teacher's input.
        student: the student's.
    """

    path: Path
    image: MedicalImage
    pair: BundlePair
    teacher: NetworkInput
    student: NetworkInput

    @property
    def nbytes(self) -> int:
        """Memory that its pixels take, in bytes."""
        return self.image.pixels.nbytes

    def has_models_of(self, other: OpenedFile) -> bool:
        """Return whether both are put through the same networks."""
        return self.pair.teacher is other.pair.teacher and self.pair.student is other.pair.student


@dataclass(frozen=True, eq=False)
class PredictedFile:
    """Both predictions for a file.

    Attributes:
        comparison: the predictions.
        outputs: teacher's and student's logits and feature maps, of which heat maps are made; None without them.
    """

    comparison: Comparison
    outputs: tuple[Output, Output] | None = None


def open_file(session: ComparisonSession, path: Path, choice: Choice, *, with_identity: bool = False) -> OpenedFile:
    """Read a file and prepare it for the networks; any thread may.

    Raises:
        ImageError: if it can't be opened.
        UsageError: if its models are not installed, or do not fit each other.
        BundleError: if their novelty gates are damaged.
    """
    image = read_image(path, with_identity=with_identity)
    pair = session.bundles(choice, image)
    gates = session.gate(pair.teacher), session.gate(pair.student)
    teacher = network_input(image, pair.teacher, gates[0])
    if pair.student.card.preprocessing == pair.teacher.card.preprocessing:
        student = teacher.for_another(pair.student, gates[1])
    else:
        student = network_input(image, pair.student, gates[1])
    return OpenedFile(path, image, pair, teacher, student)


def predict(models: Models, opened: OpenedFile) -> PredictedFile:
    """Put one image through both networks."""
    teacher, of_teacher = models.teacher.predict_input(opened.teacher)
    student, of_student = models.student.predict_input(opened.student)
    return PredictedFile(_comparison(models, teacher, student), (of_teacher, of_student))


def predict_at_once(models: Models, group: Sequence[OpenedFile]) -> list[PredictedFile]:
    """Put images through both networks at once, without what heat maps are made of."""
    teacher = models.teacher.predict_many([opened.teacher for opened in group])
    student = models.student.predict_many([opened.student for opened in group])
    return [PredictedFile(_comparison(models, *both)) for both in zip(teacher, student, strict=True)]


def finish(
    session: ComparisonSession,
    models: Models,
    opened: OpenedFile,
    predicted: PredictedFile,
    choice: Choice,
    *,
    checkpoint: Callable[[], object],
    is_outdated: Callable[[], bool],
) -> Compared:
    """Make the heat maps that are wanted, and the record.

    Args:
        session: makes the maps.
        models: those of the image.
        opened: the image.
        predicted: its predictions.
        choice: which heat maps.
        checkpoint: called between batches of forwards; may wait, or raise Interrupted.
        is_outdated: as for :meth:`core.compare.session.ComparisonSession.compare`.

    Raises:
        ExplanationError: if a map can't be made.
        Interrupted: if the work is no longer wanted.
    """
    checkpoint()
    found, cams = predicted.comparison, None
    if predicted.outputs is not None and choice.cam in get_args(Depth):
        teacher, student = predicted.outputs
        cams = (
            models.teacher.begin_score_cam(opened.teacher, teacher),
            models.student.begin_score_cam(opened.student, student),
        )
    begun = Predicted(found, cams)
    for found in session.explained(opened.image, models, begun, choice, is_outdated=is_outdated):  # noqa: B007
        checkpoint()
    return Compared(record_of(opened.image, found), opened.image, found)


def _comparison(models: Models, teacher: Prediction, student: Prediction) -> Comparison:
    return Comparison(
        ModelResult(models.teacher.bundle, teacher, None), ModelResult(models.student.bundle, student, None)
    )
