"""The record of a comparison: the figures of an image in JSON, tables, history and report, declared once.

A field's annotation holds its meaning and its place in tables, so that a new figure is added here and nowhere else.
``python docs/make_columns.py`` writes the documentation's table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TextIO

from pydantic import Field

from core import NOTICE
from core.compare.comparison import Comparison, ModelResult
from core.compare.figures import Figure, as_dict
from core.explain.heatmap import HeatMap
from core.images.medical_image import MedicalImage
from core.images.region import Region
from core.models.card import Card
from core.names import readable
from core.uncertainty.novelty import Novelty


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The image's file."""

    sha256: Annotated[str, Figure("SHA-256 of the file; of the pixels for a field that is no file")]
    format: Annotated[
        str, Figure("PNG, JPEG, JPEG 2000, JPEG XL, WebP, TIFF, BMP or DICOM; of a field the slide's format")
    ]
    modality: Annotated[str | None, Figure("DICOM modality")]
    width: Annotated[int, Figure("pixels")]
    height: Annotated[int, Figure("pixels")]
    bits: Annotated[int, Figure("bits stored per sample")]
    row_spacing_mm: Annotated[float | None, Figure("distance of the centres of rows, where the file states it")]
    column_spacing_mm: Annotated[float | None, Figure("distance of the centres of columns, where the file states it")]
    shown_low: Annotated[float | None, Figure("pixel value shown as black (white if inverted); empty for colour")]
    shown_high: Annotated[float | None, Figure("pixel value at the other end of the scale of grey; empty for colour")]
    region_x: Annotated[int | None, Figure("left edge of a field of a whole slide, pixels of its full resolution")] = (
        None
    )
    region_y: Annotated[int | None, Figure("top edge of the field")] = None
    region_width: Annotated[int | None, Figure("width of the field")] = None
    region_height: Annotated[int | None, Figure("height of the field")] = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of the model's card."""

    parameters: Annotated[int, Figure("parameters of the model")]
    storage: Annotated[str, Figure("how they are stored: `float32`, `float16` or `int8`")]
    made_by: Annotated[str, Figure("the program that trained the model")]
    made_on: Annotated[str, Figure("the date of that")]
    temperature: Annotated[float, Figure("what its logits are divided by")]
    preprocessing: Annotated[str, Figure("how the image becomes its input, in words")]
    test_dataset: Annotated[str | None, Figure("the data that the model was tested on")]
    test_images: Annotated[int | None, Figure("how many images that are")]
    test_accuracy: Annotated[float | None, Figure("accuracy there, in [0, 1]")]
    test_macro_f1: Annotated[float | None, Figure("macro F1 there, in [0, 1]")]
    test_ece: Annotated[float | None, Figure("expected calibration error there, in [0, 1]")]
    test_caution: Annotated[str | None, Figure("a caution about these scores")]


@dataclass(frozen=True, slots=True)
class NoveltyRecord:
    """How far the image is from the training data."""

    score: Annotated[float, Figure("distance of the image from the training data")]
    threshold: Annotated[float, Figure("the score above which it is not assessable")]
    reason: Annotated[str, Figure("why it is not assessable, in words; else empty")]


@dataclass(frozen=True, slots=True)
class HeatMapRecord:
    """How the heat map was made."""

    class_id: Annotated[str, Field(alias="class"), Figure("the class that the heat map explains")]
    layer: Annotated[str, Figure("the layer that it comes from")]
    method: Annotated[str, Figure("how it was made")]
    maps_scored: Annotated[int, Figure("forwards that were run for it")]
    maps_total: Annotated[int, Figure("feature maps of the layer")]
    estimated_error: Annotated[float, Figure("estimate of 1 − Pearson correlation with the exact map; 0 is exact")]
    seconds: Annotated[float, Figure("wall-clock time for it")]


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """One model's prediction."""

    model: Annotated[str, Figure("the model's identifier")]
    model_sha256: Annotated[str, Figure("SHA-256 of its weights")]
    card: Annotated[ModelFacts, Figure("the model's card", rank=2)]
    probabilities: Annotated[
        dict[str, float], Figure("calibrated probability of a class, in [0, 1]", prefix="p_", rank=1)
    ]
    predicted: Annotated[str, Figure("label of the most probable class")]
    latency_ms: Annotated[
        float,
        Figure("one forward at batch 1, median of `--repeats`; of many files without heat maps, its share of a batch"),
    ]
    total_ms: Annotated[float, Figure("preprocessing and forward")]
    runtime: Annotated[str, Figure("the runtime that computed it")]
    device: Annotated[str, Figure("the device that computed it")]
    precision: Annotated[str, Figure("the arithmetic of the forward")]
    novel: Annotated[
        bool | None,
        Figure("whether the image is not assessable: outside the training data; empty where the model has no gate"),
    ]
    novelty: Annotated[NoveltyRecord | None, Figure("distance from the training data", prefix="novelty_")]
    plausible: Annotated[
        tuple[str, ...] | None,
        Figure("the classes that stay plausible at the stated coverage, with a space between"),
    ]
    cam: Annotated[HeatMapRecord | None, Figure("the heat map", prefix="cam_", rank=1)]
    brightness: Annotated[float | None, Figure("mean brightness of the input before any adjustment, in [0, 1]")] = None
    contrast: Annotated[float | None, Figure("standard deviation of that brightness")] = None

    @property
    def confidence(self) -> float:
        """Probability of the most probable class, in [0, 1]."""
        return self.probabilities[self.predicted]

    @property
    def is_uncertain(self) -> bool:
        """Whether the bundle's rule leaves several classes plausible, or none."""
        return self.plausible is not None and len(self.plausible) != 1


@dataclass(frozen=True, slots=True)
class Agreement:
    """Both models together. Figures with words stand below the predictions, in terminal and report."""

    same_class: Annotated[bool, Figure("whether both put the same class on top")]
    js_divergence: Annotated[
        float,
        Figure(
            "Jensen-Shannon divergence of the two distributions, in bits, in [0, 1]",
            words="divergence {js_divergence:.3f} bit",
        ),
    ]
    cam_pearson: Annotated[
        float | None,
        Figure(
            "Pearson correlation of the two heat maps",
            words="heat maps for {explained}: overlap {cam_iou20:.2f}, correlation {cam_pearson:.2f}",
        ),
    ]
    cam_iou20: Annotated[float | None, Figure("intersection over union of the heat maps' top 20 %")]
    speed_ratio: Annotated[
        float,
        Figure(
            "how many times faster the student is",
            words="student {speed_ratio:.1f}× faster, {size_ratio:.1f}× smaller",
        ),
    ]
    size_ratio: Annotated[float, Figure("how many times smaller the student is")]


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """An image that was compared."""

    path: Annotated[str, Figure("the file, as described above, or `Image N` with names hidden")]
    image: Annotated[ImageFacts, Figure("the image", prefix="image_")]
    task: Annotated[str, Figure("identifier of the task, e.g. `chest-xray`")]
    teacher: Annotated[PredictionRecord, Figure("the teacher's prediction", prefix="teacher_", rank=2)]
    student: Annotated[PredictionRecord, Figure("the student's prediction", prefix="student_", rank=2)]
    agreement: Annotated[Agreement, Figure("both together", rank=2)]
    notices: Annotated[
        tuple[str, ...],
        Figure("what is to be known about the file, its exposure, the runtime or the heat maps", rank=2),
    ]
    error: Annotated[None, Figure("why the image could not be compared", rank=2)] = None

    @property
    def is_novel(self) -> bool:
        """Whether one of the models can't assess the image."""
        return bool(self.teacher.novel or self.student.novel)


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """A file that could not be compared; in JSON its other keys are null."""

    path: Annotated[str, Figure("the file")]
    image: Annotated[None, Figure("nothing")] = field(default=None, init=False)
    task: Annotated[None, Figure("nothing")] = field(default=None, init=False)
    teacher: Annotated[None, Figure("nothing")] = field(default=None, init=False)
    student: Annotated[None, Figure("nothing")] = field(default=None, init=False)
    agreement: Annotated[None, Figure("nothing")] = field(default=None, init=False)
    notices: Annotated[tuple[str, ...], Figure("nothing")] = field(default=(), init=False)
    error: Annotated[str, Figure("why it could not be compared")]


Record = ComparisonRecord | FailedRecord


@dataclass(frozen=True, slots=True)
class Reading:
    """What folders and the reader add to a record in an export."""

    label: Annotated[
        str | None,
        Figure("the true class, where a `manifest.csv` or the name of the image's own folder states it", rank=1),
    ] = None
    reading: Annotated[
        str | None,
        Figure("your reading, from the window: a class label of the task, `other` or `not_assessable`", rank=1),
    ] = None
    verdict: Annotated[
        str | None,
        Figure("what you said of both predictions in an older version: `agree`, `disagree` or `unsure`", rank=1),
    ] = None
    note: Annotated[str, Figure("the note beside it", rank=1)] = ""
    impression: Annotated[str, Figure("the text for the report's field of that name", rank=1)] = ""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """A record with what folders and the reader add to it."""

    record: Record
    reading: Reading = Reading()

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON, with the notice."""
        return {**as_dict(self.record), **as_dict(self.reading), "notice": NOTICE}


def record_of(image: MedicalImage, comparison: Comparison) -> ComparisonRecord:
    """Return the record of an image that was compared."""
    shown = (None, None) if image.pixels.ndim == 3 else image.display_window()
    spacing = image.spacing or (None, None)
    region = Region.stated(image.path.name)
    place = () if region is None else (region.x, region.y, region.width, region.height)
    facts = ImageFacts(
        image.digest, image.format, image.modality or None, image.width, image.height, image.bits, *spacing, *shown,
        *place,
    )  # fmt: skip
    return ComparisonRecord(
        path=readable(image.path),
        image=facts,
        task=comparison.teacher.bundle.card.task,
        teacher=prediction_record(comparison.teacher),
        student=prediction_record(comparison.student),
        agreement=agreement_of(comparison),
        notices=(*image.notices, *comparison.notices),
    )


def prediction_record(result: ModelResult) -> PredictionRecord:
    """Return the record of one model's result, also where it is withheld."""
    p, card = result.prediction, result.bundle.card
    return PredictionRecord(
        model=result.bundle.id,
        model_sha256=card.weights_sha256,
        card=model_facts(card),
        probabilities=dict(zip(p.class_ids, (float(v) for v in p.probabilities), strict=True)),
        predicted=p.predicted,
        latency_ms=p.latency.forward_ms,
        total_ms=p.latency.total_ms,
        runtime=p.runtime,
        device=p.device,
        precision=p.precision,
        novel=None if p.novelty is None else p.novelty.is_novel,
        novelty=None if p.novelty is None else _novelty(p.novelty),
        plausible=p.plausible,
        cam=None if result.heat_map is None else _heat_map(result.heat_map, p.class_ids),
        brightness=p.brightness,
        contrast=p.contrast,
    )


def model_facts(card: Card) -> ModelFacts:
    """Return what belongs beside a model's prediction: how it was made and what it scored."""
    scores = card.scores[0] if card.scores else None
    return ModelFacts(
        parameters=card.parameters,
        storage=card.storage,
        made_by=card.training.made_by,
        made_on=card.training.made_on.isoformat(),
        temperature=card.temperature,
        preprocessing=card.preprocessing.in_words(),
        test_dataset=None if scores is None else scores.dataset,
        test_images=None if scores is None else scores.images,
        test_accuracy=None if scores is None else scores.accuracy,
        test_macro_f1=None if scores is None else scores.macro_f1,
        test_ece=None if scores is None else scores.ece,
        test_caution=None if scores is None else scores.caution,
    )


def agreement_of(comparison: Comparison) -> Agreement:
    """Return the figures of both models together."""
    return Agreement(
        same_class=comparison.same_class,
        js_divergence=comparison.js_divergence,
        cam_pearson=comparison.cam_pearson,
        cam_iou20=comparison.cam_iou20,
        speed_ratio=comparison.speed_ratio,
        size_ratio=comparison.size_ratio,
    )


def stored_predictions(comparison: Comparison) -> dict[str, object]:
    """Return what the history stores of a comparison: both predictions and their agreement, as plain values."""
    return {
        "teacher": as_dict(prediction_record(comparison.teacher)),
        "student": as_dict(prediction_record(comparison.student)),
        "agreement": as_dict(agreement_of(comparison)),
    }


def failed_record(path: Path, reason: str) -> FailedRecord:
    """Return the record of a file that could not be compared."""
    return FailedRecord(readable(path), reason)


def reason_of(record: Record) -> str:
    """Return a record's error without the path before it."""
    return str(record.error).removeprefix(f"{record.path}: ")


def write_json(records: Iterable[Record], file: TextIO) -> None:
    """Write records as one JSON object, each as it comes, so that memory does not grow with their number.

    Nothing is written before the first record has been made, so that a fault of the models leaves no half object.
    """
    head = f'{{"notice": {json.dumps(NOTICE)}, "images": ['
    for i, record in enumerate(records):
        file.write(("," if i else head) + "\n" + json.dumps(as_dict(record), ensure_ascii=False))
    file.write("\n]}\n")


def _novelty(found: Novelty) -> NoveltyRecord:
    return NoveltyRecord(found.score, found.threshold, found.reason)


def _heat_map(found: HeatMap, class_ids: tuple[str, ...]) -> HeatMapRecord:
    return HeatMapRecord(
        class_id=class_ids[found.class_index],
        layer=found.layer,
        method=found.method,
        maps_scored=found.maps_scored,
        maps_total=found.maps_total,
        estimated_error=found.estimated_error,
        seconds=found.seconds,
    )
