"""Teacher and student on one image: what each says, whether they agree, and what the smaller one saves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from core.compare.classifier import Classifier, Prediction
from core.errors import UsageError
from core.explain.heatmap import FloatArray, HeatMap
from core.explain.scorecam import explain_pair
from core.explain.similarity import iou_top, pearson
from core.images.medical_image import MedicalImage
from core.models.bundle import Bundle
from core.uncertainty.calibration import jensen_shannon_divergence

CamMode = Literal["fast", "exact", "none"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What one of the two models says and where it looks.

    Attributes:
        bundle: the model.
        prediction: its classification.
        heat_map: its class activation map, or None if none was asked for.
        withheld: whether the answer is kept back from whoever reads what is written of it.
    """

    bundle: Bundle
    prediction: Prediction
    heat_map: HeatMap | None
    withheld: bool = False

    @property
    def drawn_map(self) -> HeatMap | None:
        """The heat map where there is one that is known well enough to be drawn and compared."""
        return self.heat_map if self.heat_map is not None and self.heat_map.is_known else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        p, heat_map = self.prediction, self.heat_map
        return {
            "model": self.bundle.id,
            "model_sha256": self.bundle.card.weights_sha256,
            "card": self.bundle.card.facts(),
            "probabilities": dict(zip(p.class_ids, (float(v) for v in p.probabilities), strict=True)),
            "predicted": p.predicted,
            "latency_ms": p.latency.forward_ms,
            "total_ms": p.latency.total_ms,
            "runtime": p.runtime,
            "device": p.device,
            "precision": p.precision,
            "novel": None if p.novelty is None else p.novelty.is_novel,
            "novelty": None
            if p.novelty is None
            else {"score": p.novelty.score, "threshold": p.novelty.threshold, "reason": p.novelty.reason},
            "plausible": None if p.plausible is None else list(p.plausible),
            "cam": None
            if heat_map is None
            else {
                "class": p.class_ids[heat_map.class_index],
                "layer": heat_map.layer,
                "method": heat_map.method,
                "maps_scored": heat_map.maps_scored,
                "maps_total": heat_map.maps_total,
                "estimated_error": heat_map.estimated_error,
                "seconds": heat_map.seconds,
            },
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Teacher and student on one image.

    Attributes:
        teacher: the large network's answer.
        student: the small network's answer.
    """

    teacher: Answer
    student: Answer

    @cached_property
    def js_divergence(self) -> float:
        """Jensen-Shannon divergence of the two calibrated distributions, in bits, in [0, 1]."""
        return jensen_shannon_divergence(self.teacher.prediction.probabilities, self.student.prediction.probabilities)

    @cached_property
    def cam_pearson(self) -> float | None:
        """Pearson correlation of the two maps at the teacher's input size, None where not both are known."""
        maps = self._resized_maps()
        return None if maps is None else pearson(*maps)

    @cached_property
    def cam_iou20(self) -> float | None:
        """Intersection over union of the two maps' top 20 %, None where not both are known."""
        maps = self._resized_maps()
        return None if maps is None else iou_top(*maps)

    @property
    def same_class(self) -> bool:
        """Whether both put the same class on top."""
        return self.teacher.prediction.predicted == self.student.prediction.predicted

    @property
    def speed_ratio(self) -> float:
        """How many times faster the student's forward was, from what was measured on this image."""
        return self.teacher.prediction.latency.forward_ms / self.student.prediction.latency.forward_ms

    @property
    def size_ratio(self) -> float:
        """How many times fewer parameters the student has."""
        return self.teacher.bundle.card.parameters / self.student.bundle.card.parameters

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader should know of how answers and maps came about, each once."""
        found = [notice for answer in (self.teacher, self.student) for notice in answer.prediction.notices]
        for side, answer in (("teacher", self.teacher), ("student", self.student)):
            if answer.heat_map is not None and answer.drawn_map is None:
                found.append(f"The {side}'s heat map is not known well enough to be shown; Score-CAM exact makes it.")
        return tuple(dict.fromkeys(found))

    @property
    def is_withheld(self) -> bool:
        """Whether an answer is kept back, so that there is no verdict on both."""
        return self.teacher.withheld or self.student.withheld

    def withholding(self) -> Comparison:
        """Return the comparison with each answer kept back, and its map, whose model can't judge the image."""
        teacher, student = (
            replace(answer, heat_map=None, withheld=True) if answer.prediction.is_refused else answer
            for answer in (self.teacher, self.student)
        )
        return Comparison(teacher, student)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: ``teacher``, ``student`` and ``agreement``."""
        return {
            "teacher": self.teacher.as_dict(),
            "student": self.student.as_dict(),
            "agreement": {
                "same_class": self.same_class,
                "js_divergence": self.js_divergence,
                "cam_pearson": self.cam_pearson,
                "cam_iou20": self.cam_iou20,
                "speed_ratio": self.speed_ratio,
                "size_ratio": self.size_ratio,
            },
        }

    def _resized_maps(self) -> tuple[FloatArray, FloatArray] | None:
        teacher, student = self.teacher.drawn_map, self.student.drawn_map
        if teacher is None or student is None:
            return None
        how = self.teacher.bundle.card.preprocessing
        return teacher.resized(how.height, how.width), student.resized(how.height, how.width)


def compare(
    image: MedicalImage, teacher: Classifier, student: Classifier, cam: CamMode = "fast", repeats: int = 1
) -> Comparison:
    """Let teacher and student judge one image, and return the finished comparison.

    Arguments and errors are those of :func:`watch`.
    """
    *_, last = watch(image, teacher, student, cam, repeats)
    return last


def watch(
    image: MedicalImage,
    teacher: Classifier,
    student: Classifier,
    cam: CamMode = "fast",
    repeats: int = 1,
    class_index: int | None = None,
) -> Iterator[Comparison]:
    """Let teacher and student judge one image, yielding the comparison as it grows; stop iterating to stop working.

    First come the answers, then the same with ever better heat maps, the student's first. Both maps are for one class,
    by default the one that the teacher finds most probable, so that they can be laid over each other also where the
    two disagree.

    Args:
        image: the opened image.
        teacher: the large network.
        student: the small network.
        cam: how far Score-CAM goes: the clustered approximation, every map, or not at all.
        repeats: how often each forward is timed.
        class_index: the class to explain, or None for the teacher's.

    Raises:
        UsageError: if the two were not made for the same classes.
    """
    if teacher.bundle.card.classes != student.bundle.card.classes:
        raise UsageError(
            f"{teacher.bundle.id} and {student.bundle.id} do not tell the same classes apart.",
            remedy="Choose a teacher and a student of the same task.",
        )
    found = Comparison(
        teacher=Answer(teacher.bundle, teacher.predict(image, repeats), None),
        student=Answer(student.bundle, student.predict(image, repeats), None),
    )
    yield found
    if cam == "none":
        return
    explained = found.teacher.prediction.top if class_index is None else class_index
    for role, heat_map in explain_pair(teacher.score_cam(image), student.score_cam(image), explained, cam):
        if role == "teacher":
            found = replace(found, teacher=replace(found.teacher, heat_map=heat_map))
        else:
            found = replace(found, student=replace(found.student, heat_map=heat_map))
        yield found
