"""Compare teacher and student on many files; one that can't be read does not stop the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from core import NOTICE
from core.compare.classifier import Classifier
from core.compare.comparison import CamMode, Comparison, compare
from core.errors import ImageError
from core.images.medical_image import MedicalImage
from core.images.reader import read_image
from core.models.catalogue import Catalogue
from core.names import readable
from core.runtimes.base import RuntimeChoice
from core.tasks import Task, get_task, guess_task

Record = dict[str, Any]


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
        return Compared(record_of(image, comparison), image, comparison)

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


def record_of(image: MedicalImage, comparison: Comparison) -> Record:
    """Return what the headless contract says of an image that was compared, as plain values."""
    shown = (None, None) if image.pixels.ndim == 3 else image.display_window()
    spacing = image.spacing or (None, None)
    facts = {"sha256": image.digest, "format": image.format, "modality": image.modality or None,
             "width": image.width, "height": image.height, "bits": image.bits,
             "row_spacing_mm": spacing[0], "column_spacing_mm": spacing[1],
             "shown_low": shown[0], "shown_high": shown[1]}  # fmt: skip
    return {"path": readable(image.path), "image": facts, "task": comparison.teacher.bundle.card.task,
            **comparison.as_dict(), "notices": [*image.notices, *comparison.notices], "error": None}  # fmt: skip


def failed_record(path: Path, reason: str) -> Record:
    """Return what the headless contract says of a file that could not be compared."""
    return {"path": readable(path), "image": None, "task": None, "teacher": None, "student": None, "agreement": None,
            "notices": [], "error": reason}  # fmt: skip


def write_json(records: Iterable[Record], file: TextIO) -> None:
    """Write records as one JSON object, each as it comes, so that memory does not grow with their number.

    Nothing is written before the first record has been made, so that a fault of the models leaves no half object.
    """
    head = f'{{"notice": {json.dumps(NOTICE)}, "images": ['
    for i, record in enumerate(records):
        file.write(("," if i else head) + "\n" + json.dumps(record, ensure_ascii=False))
    file.write("\n]}\n")
