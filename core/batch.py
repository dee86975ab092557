"""Compare teacher and student on many files; one that can't be read does not stop the rest."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from core.catalogue import Catalogue
from core.classifier import Classifier
from core.comparison import CamMode, compare
from core.errors import ImageError
from core.images import read_image
from core.medical_image import MedicalImage
from core.runtime import RuntimeChoice
from core.tasks import TASKS, Task, get_task, guess_task

NOTICE = "For research use only. Not for diagnosis."
SIDES = ("teacher", "student")

Record = dict[str, Any]


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
        """Return the record of one file, as the headless contract describes it.

        An image that can't be read has its reason under ``error`` and nothing under the rest; faults of the models are
        raised, since they would befall every image.

        Raises:
            UsageError: if the task, or a model for it, is unknown.
            BundleError: if a model is damaged.
        """
        try:
            image = read_image(path)
        except ImageError as error:
            return {"path": str(path), "task": None, "teacher": None, "student": None, "agreement": None,
                    "notices": [], "error": str(error)}  # fmt: skip
        task = self._task_of(image)
        teacher, student = self.models(task)
        comparison = compare(image, teacher, student, self.cam, self.repeats)
        notices = [*image.notices, *dict.fromkeys(filter(None, (teacher.runtime.notice, student.runtime.notice)))]
        return {"path": str(path), "task": task.id, **comparison.as_dict(), "notices": notices, "error": None}

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


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """Open a text file that appears under its name only when all of it has been written."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class CsvTable:
    """Writes records as rows; the columns are those of one task, or of all where the task is told from each image."""

    def __init__(self, file: TextIO, task: str | None) -> None:
        tasks = TASKS.values() if task is None else [get_task(task)]
        self._classes = [label for t in tasks for label in t.class_ids]
        columns = ["path", "task"]
        for side in SIDES:
            columns += [f"{side}_{name}" for name in ("model", "predicted", "latency_ms")]
            columns += [f"{side}_p_{label}" for label in self._classes]
        columns += ["same_class", "js_divergence", "cam_pearson", "cam_iou20", "error", "notice"]
        self._writer = csv.DictWriter(file, columns, extrasaction="ignore")
        self._writer.writeheader()

    def add(self, record: Record) -> None:
        """Write one record."""
        row: Record = {key: record[key] for key in ("path", "task", "error")}
        for side in SIDES:
            answer = record[side] or {}
            row |= {f"{side}_{name}": answer.get(name) for name in ("model", "predicted", "latency_ms")}
            row |= {f"{side}_p_{label}": p for label, p in answer.get("probabilities", {}).items()}
        self._writer.writerow({**row, **(record["agreement"] or {}), "notice": NOTICE})


def write_json(records: Iterable[Record], file: TextIO) -> None:
    """Write records as one JSON object, each as it comes, so that memory does not grow with their number.

    Nothing is written before the first record has been made, so that a fault of the models leaves no half object.
    """
    head = f'{{"notice": {json.dumps(NOTICE)}, "images": ['
    for i, record in enumerate(records):
        file.write(("," if i else head) + "\n" + json.dumps(record, ensure_ascii=False))
    file.write("\n]}\n")
