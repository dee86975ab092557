"""One analysis of the history: which image, which models, their predictions, and your reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import __version__
from core.compare.comparison import Comparison
from core.compare.figures import as_dict, from_dict
from core.compare.record import ComparisonRecord, ImageFacts, stored_predictions
from core.names import readable
from core.records.review import Opinion, Review


@dataclass(frozen=True)
class Facts:
    """What is stored beside the predictions, so that an analysis can be shown again without the image.

    Attributes:
        image: the image's file.
        notices: what is to be known about the file or the runtime.
        own_task: identifier of the task that the image resembles, whichever was chosen.
        models: digests of the teacher's and the student's card.
    """

    image: ImageFacts
    notices: tuple[str, ...]
    own_task: str
    models: tuple[str, str]


@dataclass(frozen=True)
class AnalysisKey:
    """What identifies an analysis: the image, its place, the models, and the settings as JSON; a column each."""

    image_sha256: str
    path: str | None
    teacher_sha256: str
    student_sha256: str
    settings: str


@dataclass(frozen=True)
class StoredPrediction:
    """One model's prediction.

    Attributes:
        predicted: label of the most probable class.
        confidence: its probability, in [0, 1].
        is_novel: whether the image is not assessable for the model.
    """

    predicted: str
    confidence: float
    is_novel: bool


@dataclass(frozen=True, slots=True)
class Analysis:
    """A row of the history; the fields are its columns, in the order of JSON and tables.

    Attributes:
        id: its number, None where it has not been written.
        analysed_at: when, as ISO 8601 in UTC.
        image_sha256: digest of the image's file.
        path: where the image lies, None where that is not stored.
        task: identifier of the task.
        same_class: whether both models agree.
        reading: your reading of the image, see :class:`core.records.review.Review`; None where there is none.
        verdict: what you said of both predictions in an older version, None where that was nothing.
        note: the note beside it.
        settings: how it was made, plain values.
        version: the program's.
        answers: both predictions and their agreement as :func:`core.compare.record.stored_predictions` returns them,
            and ``Facts``; older versions stored less.
    """

    id: int | None
    analysed_at: str
    image_sha256: str
    path: str | None
    task: str
    teacher_model: str
    teacher_sha256: str
    teacher_predicted: str
    teacher_confidence: float
    student_model: str
    student_sha256: str
    student_predicted: str
    student_confidence: float
    same_class: bool
    reading: str | None
    verdict: Opinion | None
    note: str
    settings: dict[str, Any]
    version: str
    answers: dict[str, Any]

    @classmethod
    def from_stored(cls, row: Mapping[str, Any]) -> Analysis:
        """Return the analysis that :meth:`stored` made columns of.

        Raises:
            KeyError: if a column is missing.
            ValueError: if settings or answers are no JSON.
        """
        known = {"id": None, "reading": None, "verdict": None, "note": "", **row}
        parsed = {name: json.loads(known[name]) for name in ("settings", "answers")}
        same_class = bool(known["same_class"])
        return cls(**{field.name: known[field.name] for field in fields(cls)} | parsed | {"same_class": same_class})

    def stored(self) -> dict[str, object]:
        """Return its columns as SQLite holds and shows them, without a number where it has none."""
        row = self.as_dict() | {"same_class": int(self.same_class)}
        row |= {name: json.dumps(row[name], ensure_ascii=False) for name in ("settings", "answers")}
        return {name: value for name, value in row.items() if name != "id" or value is not None}

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)

    @property
    def key(self) -> AnalysisKey:
        """What identifies it."""
        settings = json.dumps(self.settings, ensure_ascii=False)
        return AnalysisKey(self.image_sha256, self.path, self.teacher_sha256, self.student_sha256, settings)

    @property
    def review(self) -> Review:
        """Your reading and note."""
        return Review(self.reading, self.note, self.verdict)

    @property
    def teacher(self) -> StoredPrediction:
        """The teacher's prediction."""
        novel = bool(self.answers["teacher"].get("novel"))
        return StoredPrediction(self.teacher_predicted, self.teacher_confidence, novel)

    @property
    def student(self) -> StoredPrediction:
        """The student's prediction."""
        novel = bool(self.answers["student"].get("novel"))
        return StoredPrediction(self.student_predicted, self.student_confidence, novel)

    @property
    def is_novel(self) -> bool:
        """Whether the image is not assessable for one of the models."""
        return self.teacher.is_novel or self.student.is_novel

    @property
    def models(self) -> tuple[str, str] | None:
        """Digests of both models' cards, None where an older version did not store them."""
        found = self.answers.get("models")
        return None if found is None else (found[0], found[1])

    def facts(self) -> Facts:
        """Return what was stored beside the predictions.

        Raises:
            ValueError: if an older version stored less.
        """
        return from_dict(Facts, self.answers)

    def record(self, path: Path) -> ComparisonRecord:
        """Return the record of the comparison, for the image at a place.

        Raises:
            ValueError: if an older version stored less.
        """
        return from_dict(ComparisonRecord, {**self.answers, "path": readable(path), "task": self.task})


COLUMNS = tuple(field.name for field in fields(Analysis))
KEY = tuple(field.name for field in fields(AnalysisKey))


def analysis(
    image_sha256: str,
    comparison: Comparison,
    settings: Mapping[str, object],
    path: Path | None = None,
    facts: Facts | None = None,
) -> Analysis:
    """Return an analysis made now.

    Args:
        image_sha256: digest of the image's file.
        comparison: both models on it.
        settings: how it was made, plain values.
        path: where the image lies, or None to store no path.
        facts: what is stored beside the predictions, None for nothing.
    """
    teacher, student = comparison.teacher, comparison.student
    return Analysis(
        id=None,
        analysed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),  # copies of an image may be a moment apart
        image_sha256=image_sha256,
        path=None if path is None else readable(path.absolute()),
        task=teacher.bundle.card.task,
        teacher_model=teacher.bundle.id,
        teacher_sha256=teacher.bundle.card.weights_sha256,
        teacher_predicted=teacher.prediction.predicted,
        teacher_confidence=teacher.prediction.confidence,
        student_model=student.bundle.id,
        student_sha256=student.bundle.card.weights_sha256,
        student_predicted=student.prediction.predicted,
        student_confidence=student.prediction.confidence,
        same_class=comparison.same_class,
        reading=None,
        verdict=None,
        note="",
        settings=dict(settings),
        version=__version__,
        answers={**({} if facts is None else as_dict(facts)), **stored_predictions(comparison)},
    )
