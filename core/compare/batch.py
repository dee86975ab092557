"""Compare teacher and student on many files; one that can't be read does not stop the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.compare.classifier import Classifier
from core.compare.comparison import CamMode, Comparison, compare
from core.compare.record import Record, failed_record, record_of
from core.errors import ImageError
from core.images.medical_image import MedicalImage
from core.images.reader import read_image
from core.models.catalogue import Catalogue
from core.runtimes.base import RuntimeChoice
from core.tasks import Task, get_task, guess_task


@dataclass(frozen=True, eq=False)
class Compared:
    """One file of many, compared.

    Attributes:
        record: what the headless contract says of it.
        image: the opened image, None where it can't be opened.
        comparison: what both models say, None where it can't be opened.
    """

    record: Record
    image: MedicalImage | None = None
    comparison: Comparison | None = None


@dataclass
class BatchComparer:
    """Compares one file after another, with the models of a task loaded when its first image comes.

    Attributes:
        catalogue: the installed models.
        task: the task of all images, or None to tell it from each image's colour.
        teacher: the teacher's network, or None for the best-scoring one.
        student: the student's network, or None for the best-scoring one.
        cam: how far Score-CAM goes.
        runtime: which runtime to use.
        threads: CPU threads, or None.
        repeats: how often each forward is timed.
    """

    catalogue: Catalogue
    task: str | None = None
    teacher: str | None = None
    student: str | None = None
    cam: CamMode = "fast"
    runtime: RuntimeChoice = "auto"
    threads: int | None = None
    repeats: int = 1
    _loaded: dict[str, tuple[Classifier, Classifier]] = field(default_factory=dict)

    def compare_file(self, path: Path) -> Record:
        """Return the record of one file, as the headless contract describes it; errors are those of :meth:`examine`."""
        return self.examine(path).record

    def examine(self, path: Path, *, with_identity: bool = False) -> Compared:
        """Compare one file.

        An image that can't be read has its reason under ``error`` and nothing under the rest; faults of the models are
        raised, since they would befall every image.

        Args:
            path: the file.
            with_identity: whether the patient's identity is read as well; it does not enter the record.

        Raises:
            UsageError: if the task, or a model for it, is unknown.
            BundleError: if a model is damaged.
        """
        try:
            image = read_image(path, with_identity=with_identity)
        except ImageError as error:
            return Compared(failed_record(path, str(error)))
        task = self._task_of(image)
        teacher, student = self.models(task)
        comparison = compare(image, teacher, student, self.cam, self.repeats)
        notices = [*image.notices, *dict.fromkeys(filter(None, (teacher.runtime.notice, student.runtime.notice)))]
        return Compared(record_of(image, comparison, notices), image, comparison)

    def models(self, task: Task) -> tuple[Classifier, Classifier]:
        """Return teacher and student of a task, loading them the first time.

        Raises:
            UsageError: if one is not installed.
            BundleError: if one is damaged.
        """
        if task.id not in self._loaded:
            bundles = (
                self.catalogue.find(task.id, "teacher", self.teacher),
                self.catalogue.find(task.id, "student", self.student),
            )
            teacher, student = (Classifier(bundle, self.runtime, self.threads) for bundle in bundles)
            self._loaded[task.id] = (teacher, student)
        return self._loaded[task.id]

    def _task_of(self, image: MedicalImage) -> Task:
        return guess_task(image.is_grey) if self.task is None else get_task(self.task)
